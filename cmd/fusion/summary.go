package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/framework/orm"
)

// summary is what a demonstration did, counted in the database and compared
// with what the store has.
type summary struct {
	products, mapped, unmapped, ignored int
	orders                              int // in the store
	equal, rounded                      int // imported
	held                                []waiting
	cancelled                           int
	left                                map[string]int // not imported, by status in the store
	failures                            []string
}

// waiting is an order that waits for a person.
type waiting struct{ number, reason string }

func (d *demo) summarise(ctx context.Context) (*summary, error) {
	s := &summary{left: map[string]int{}}
	err := d.sys.DB.View(ctx, orm.System(), func(env *orm.Env) error {
		maps, err := orm.Search[woocommerce.ProductMap](env, orm.Leaf("instance_id", "=", d.instance), orm.SearchOptions{})
		if err != nil {
			return err
		}
		for _, m := range maps {
			s.products++
			switch m.State {
			case woocommerce.ProductMapped:
				s.mapped++
			case woocommerce.ProductIgnored:
				s.ignored++
			default:
				s.unmapped++
			}
		}
		orders, err := orm.Search[woocommerce.Order](env, orm.Leaf("instance_id", "=", d.instance), orm.SearchOptions{Order: "woo_id"})
		if err != nil {
			return err
		}
		return s.count(d.shop, orders)
	})
	if err != nil {
		return nil, err
	}
	rows, err := d.sys.DB.QueryContext(ctx, `SELECT coalesce(args->>'title', args->>'name'), coalesce(errors[array_upper(errors, 1)]->>'error', '')
		FROM river_job WHERE state IN ('retryable', 'discarded', 'cancelled') AND args->>'name' LIKE 'woo.%' ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var title, cause string
		if err := rows.Scan(&title, &cause); err != nil {
			return nil, err
		}
		s.failures = append(s.failures, title+": "+cause)
	}
	return s, rows.Err()
}

// count compares the orders of the store with those recorded here.
func (s *summary) count(shop *shop, orders []*woocommerce.Order) error {
	known := map[int64]*woocommerce.Order{}
	for _, o := range orders {
		known[o.RemoteID] = o
	}
	all, err := shop.orders()
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		s.orders++
		o := known[int64(id)]
		switch {
		case o != nil && o.State == woocommerce.OrderHeld:
			s.held = append(s.held, waiting{o.Number, o.HoldReason})
			continue
		case o != nil && o.State == woocommerce.OrderImported && o.TotalsState == woocommerce.TotalsRounded:
			s.rounded++
			continue
		case o != nil && o.State == woocommerce.OrderImported:
			s.equal++
			continue
		case o != nil && o.State == woocommerce.OrderCancelled:
			s.cancelled++
			continue
		}
		s.left[all[id].Status]++
	}
	return nil
}

// longest is how many lines of one kind the summary shows.
const longest = 30

func (s *summary) write(w io.Writer, d *demo, took time.Duration) {
	fmt.Fprintf(w, "%s, synced in %.1f s\n", d.shop.about.Name, took.Seconds())
	if d.sys.Address != "" {
		fmt.Fprintf(w, "  back office   %s   login admin, password admin, database %s\n", d.sys.Address, database)
	}
	fmt.Fprintf(w, "  store         %s   (simulated, sells in %s)\n", d.shop.URL, d.shop.about.Currency)
	fmt.Fprintf(w, "  products      %d read: %d mapped, %d not mapped, %d need no mapping\n", s.products, s.mapped, s.unmapped, s.ignored)
	left := 0
	var by []string
	for status, n := range s.left {
		left += n
		by = append(by, fmt.Sprintf("%s %d", status, n))
	}
	slices.Sort(by)
	fmt.Fprintf(w, "  orders        %d in the store\n", s.orders)
	fmt.Fprintf(w, "    imported     %d: %d equal, %d rounded\n", s.equal+s.rounded, s.equal, s.rounded)
	fmt.Fprintf(w, "    held         %d\n", len(s.held))
	for i, h := range s.held {
		if i == longest {
			fmt.Fprintf(w, "      … and %d more; see WooCommerce, Orders, filter Held\n", len(s.held)-i)
			break
		}
		fmt.Fprintf(w, "      %s: %s\n", h.number, strings.Join(strings.Fields(h.reason), " "))
	}
	if s.cancelled > 0 {
		fmt.Fprintf(w, "    cancelled    %d, or refunded as a whole, in the store\n", s.cancelled)
	}
	fmt.Fprintf(w, "    not imported %d", left)
	if left > 0 {
		fmt.Fprintf(w, ", by status: %s", strings.Join(by, ", "))
	}
	fmt.Fprintln(w)
	if len(s.failures) > 0 {
		fmt.Fprintf(w, "  failed jobs   %d\n", len(s.failures))
		for _, f := range s.failures[:min(len(s.failures), longest)] {
			fmt.Fprintf(w, "      %s\n", f)
		}
	}
	if d.sys.Address != "" {
		fmt.Fprintf(w, "The store sells something every %s; stop with Ctrl-C, and start again to go on.\n", d.cmd.Every)
	}
}

// report waits a moment for a new order to arrive here, and prints what became
// of it.
func (d *demo) report(ctx context.Context, id int) {
	for range 40 {
		var found *woocommerce.Order
		var places int
		err := d.sys.DB.View(ctx, orm.System(), func(env *orm.Env) (err error) {
			found, err = orm.First[woocommerce.Order](env, orm.And(orm.Leaf("instance_id", "=", d.instance), orm.Leaf("woo_id", "=", id),
				orm.Leaf("state", "!=", "received")), "id", "sale_order_id")
			if err == nil && found != nil {
				places, err = base.DecimalPlaces(env, found.CurrencyID.ID)
			}
			return err
		})
		if err != nil && ctx.Err() == nil {
			d.log.Warn("the new order cannot be looked up", "id", id, "error", err.Error())
			return
		}
		if found != nil {
			became := found.State
			if so := found.SaleID.Rec(); so != nil {
				became = so.Name + ", " + found.TotalsState
			}
			fmt.Fprintf(d.out, "%s  order %s, %s %s → %s\n", time.Now().Format("15:04:05"), found.Number, found.Total.StringFixed(int32(places)), found.CurrencyCode, became)
			return
		}
		select {
		case <-time.After(250 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
	d.log.Warn("a new order of the store has not arrived", "id", id)
}
