ALTER TABLE sale_order DROP COLUMN procurement_group_id;
