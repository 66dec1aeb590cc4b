-- What was taken over last was the store's total as it was recorded, and digests are
-- made in another way: the next reading of an order compares it with its document.
UPDATE woo_order SET taken_total = total, parts_state = CASE WHEN totals_note IS NULL THEN 'equal' ELSE 'rounded' END, digest = NULL, seen_digest = NULL
WHERE state = 'imported' AND sale_order_id IS NOT NULL;
