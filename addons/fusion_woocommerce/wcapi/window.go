package wcapi

import (
	"context"
	"time"
)

// Window is the orders changed since an instant, with the cursor for next time.
type Window struct {
	// Cursor is where the next window begins. Move it only once every order
	// yielded was taken over (or set aside for a person). It equals Since when
	// nothing was found or the walk failed.
	Cursor time.Time
	Since  time.Time
}

// walkMargin is taken off the store's clock at the beginning of a walk: an
// order stamped just before may become visible just after.
const walkMargin = 5 * time.Second

// OrdersModified hands every order changed at or after since to take, by id,
// each once; first those of every status with checkout drafts, then those in
// the trash, which the store leaves out of "any". A zero since means all.
//
// The store's bounds are exclusive and to the second, so the window is asked
// for from one second earlier; known orders come again and must be recognised.
// Orders that change during the walk are found by the next window: the cursor
// never passes the store's clock at the beginning of this one.
//
// An answer that a cache gave in the store's place ends the walk with
// [ErrCached], and the cursor stays.
//
// take returning an error ends the walk with it. An order that cannot be read
// is given to unreadable, and the walk goes on; its error names the id.
//
// Stores without HPOS do not move the modification date for every change, and
// a walk by it is then not the whole truth.
func (c *Client) OrdersModified(ctx context.Context, since time.Time, take func(*Order) error, unreadable func(error) error) (Window, error) {
	w := Window{Since: since, Cursor: since}
	q := Query{"dates_are_gmt": "true"}
	if !since.IsZero() {
		// Digits in UTC without zone: with a Z the store shifts them once more.
		q["modified_after"] = since.UTC().Truncate(time.Second).Add(-time.Second).Format(timeLayout)
	}
	var latest, began time.Time
	seen, known := map[ID]bool{}, pages{}
	for _, status := range []string{"any", "trash"} {
		var stop error
		note := func(r *Response) {
			if began.IsZero() {
				if began = r.Date(); began.IsZero() {
					began = c.cfg.Now().UTC().Add(-time.Minute) // clocks differ, and the store hides its own
				}
			}
		}
		one := func(it pageItem) bool {
			o, err := decodeItem[Order]("orders", it)
			if err != nil {
				stop = unreadable(err)
				return stop == nil
			}
			if o.DateModified.After(latest) {
				latest = o.DateModified.Time
			}
			if seen[o.ID] {
				return true
			}
			seen[o.ID] = true
			stop = take(&o)
			return stop == nil
		}
		walk(ctx, c, "orders", byID(q).With("status", status), known, note, one, func(err error) { stop = err })
		if stop != nil {
			return w, stop
		}
	}
	if safe := began.Add(-walkMargin); latest.After(safe) {
		latest = safe
	}
	if latest.After(w.Cursor) {
		w.Cursor = latest.UTC()
	}
	return w, nil
}
