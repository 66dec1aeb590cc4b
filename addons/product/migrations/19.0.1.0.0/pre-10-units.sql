-- What a vendor asks is said per a unit of its own: so far it was the unit in
-- which the product was bought.
ALTER TABLE product_supplierinfo ADD COLUMN product_uom_id bigint;

UPDATE product_supplierinfo s SET product_tmpl_id = p.product_tmpl_id
	FROM product_product p WHERE p.id = s.product_id AND s.product_tmpl_id IS NULL;

UPDATE product_supplierinfo s SET product_uom_id = COALESCE(t.uom_po_id, t.uom_id)
	FROM product_template t WHERE t.id = s.product_tmpl_id;

UPDATE product_supplierinfo SET product_uom_id = (
	SELECT res_id FROM ir_model_data WHERE module = 'uom' AND name = 'product_uom_unit') WHERE product_uom_id IS NULL;

-- A product needs no category, and a category with products may go.
ALTER TABLE product_template ALTER COLUMN categ_id DROP NOT NULL;
ALTER TABLE product_template DROP CONSTRAINT IF EXISTS product_template_categ_id_fkey;

UPDATE ir_model_data SET name = 'product_category_goods' WHERE module = 'product' AND name = 'product_category_all';
UPDATE ir_model_data SET name = 'product_category_expenses' WHERE module = 'product' AND name = 'cat_expense';
