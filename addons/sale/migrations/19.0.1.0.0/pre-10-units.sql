-- The unit of a line is named like the unit of every other document.
ALTER TABLE sale_order_line DROP CONSTRAINT IF EXISTS sale_order_line_non_accountable_null_fields;
ALTER TABLE sale_order_line DROP CONSTRAINT IF EXISTS sale_order_line_accountable_required_fields;
ALTER TABLE sale_order_line RENAME COLUMN product_uom TO product_uom_id;
