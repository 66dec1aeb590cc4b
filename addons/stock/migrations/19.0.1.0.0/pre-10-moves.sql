-- A move has no name of its own: what transfers call it is a description, and an
-- inventory adjustment says why it was made.
ALTER TABLE stock_move RENAME COLUMN description_picking TO description_picking_manual;
ALTER TABLE stock_move ADD COLUMN inventory_name character varying;
UPDATE stock_move SET inventory_name = name WHERE is_inventory;
UPDATE stock_move SET description_picking_manual = name
	WHERE is_inventory IS NOT TRUE AND COALESCE(description_picking_manual, '') = '';
ALTER TABLE stock_move DROP COLUMN name, DROP COLUMN group_id;

-- Transfers are not grouped: an addon that makes them says what they are for.
ALTER TABLE stock_picking DROP COLUMN group_id;
UPDATE ir_cron SET model_id = (SELECT id FROM ir_model WHERE model = 'stock.move')
	WHERE id = (SELECT res_id FROM ir_model_data WHERE module = 'stock' AND name = 'ir_cron_scheduler_action');
DROP TABLE procurement_group CASCADE;
