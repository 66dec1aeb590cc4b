-- Units are measured by each other, without categories: the reference of each
-- category stands for itself, and the other units contain so many of it.
ALTER TABLE uom_uom
	ADD COLUMN relative_factor numeric,
	ADD COLUMN relative_uom_id bigint,
	ADD COLUMN sequence integer;

UPDATE uom_uom u SET
	relative_factor = CASE u.uom_type
		WHEN 'bigger' THEN COALESCE(NULLIF(u.ratio, 0), 1 / u.factor)
		WHEN 'smaller' THEN round(1 / u.factor, 24)
		ELSE 1 END,
	relative_uom_id = CASE WHEN u.uom_type <> 'reference' THEN (
		SELECT r.id FROM uom_uom r WHERE r.category_id = u.category_id AND r.uom_type = 'reference' ORDER BY r.active DESC, r.id LIMIT 1) END;

-- A unit whose category lost its reference stands for itself.
UPDATE uom_uom SET relative_factor = 1 WHERE relative_uom_id IS NULL;

UPDATE uom_uom u SET
	factor = u.relative_factor,
	sequence = least(trunc(u.relative_factor * 100), 1000)::int;

ALTER TABLE uom_uom DROP COLUMN category_id, DROP COLUMN uom_type, DROP COLUMN ratio, DROP COLUMN rounding;
DROP TABLE uom_category CASCADE;
DELETE FROM ir_model_data WHERE model = 'uom.category';

ALTER TABLE uom_uom ADD COLUMN parent_path character varying;
UPDATE uom_uom SET parent_path = CASE WHEN relative_uom_id IS NULL THEN '' ELSE relative_uom_id || '/' END || id || '/';

-- All units round quantities alike.
UPDATE decimal_precision SET name = 'Product Unit' WHERE name = 'Product Unit of Measure';
