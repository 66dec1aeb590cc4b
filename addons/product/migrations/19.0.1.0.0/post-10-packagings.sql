-- A packaging is a unit: a box of 20 pieces is a unit that contains 20. Boxes of
-- one name and size share it. The unit in which a product was bought is one of
-- its packagings, too.
CREATE TEMPORARY TABLE packed ON COMMIT DROP AS
	SELECT p.id, p.name, p.qty, p.product_id, p.barcode, p.company_id, v.product_tmpl_id, t.uom_id AS base, NULL::bigint AS unit
	FROM product_packaging p JOIN product_product v ON v.id = p.product_id JOIN product_template t ON t.id = v.product_tmpl_id;

INSERT INTO uom_uom (name, relative_factor, relative_uom_id, factor, sequence, active)
	SELECT jsonb_build_object('en_US', k.name), k.qty, k.base, k.qty * u.factor, least(trunc(k.qty * 100), 1000)::int, true
	FROM (SELECT DISTINCT name, qty, base FROM packed) k JOIN uom_uom u ON u.id = k.base;

UPDATE uom_uom n SET parent_path = b.parent_path || n.id || '/' FROM uom_uom b WHERE b.id = n.relative_uom_id AND n.parent_path IS NULL;

UPDATE packed SET unit = u.id FROM uom_uom u
	WHERE u.name->>'en_US' = packed.name AND u.relative_factor = packed.qty AND u.relative_uom_id = packed.base;

INSERT INTO product_uom (uom_id, product_id, barcode, company_id)
	SELECT unit, product_id, barcode, company_id FROM packed WHERE barcode <> '';

INSERT INTO product_template_uom_uom_rel (product_template_id, uom_uom_id)
	SELECT DISTINCT product_tmpl_id, unit FROM packed
	UNION SELECT id, uom_po_id FROM product_template WHERE uom_po_id <> uom_id
	ON CONFLICT DO NOTHING;

DROP TABLE product_packaging;
ALTER TABLE product_template DROP COLUMN uom_po_id;
