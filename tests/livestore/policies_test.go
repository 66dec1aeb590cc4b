package livestore

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// is checks what became of an order and what is said about it.
func (e *erp) is(t *testing.T, id int, state, reason string) {
	t.Helper()
	if f := e.facts(id); f.state != state || !strings.Contains(f.hold, reason) || reason == "" && f.hold != "" {
		t.Errorf("order %d is %s (%s); want %s (%s)", id, f.state, f.hold, state, reason)
	}
}

func (e *erp) set(vals orm.Values) {
	e.t.Helper()
	e.run(func(env *orm.Env) error { return env.Model("woo.instance").Browse(e.instance).Write(vals) })
}

// statuses are rows of the map of statuses: a status, what is done with it, and so on.
func statuses(pairs ...string) []orm.Command {
	var out []orm.Command
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, orm.CreateLine(orm.Values{"status": pairs[i], "action": pairs[i+1]}))
	}
	return out
}

// setStatus decides what is done with orders of a status, which is in the map.
func (e *erp) setStatus(status, action string) {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		rs, err := env.Model("woo.status.map").Search(orm.And(orm.Leaf("instance_id", "=", e.instance), orm.Leaf("status", "=", strings.TrimPrefix(strings.ToLower(status), "wc-"))), orm.SearchOptions{})
		if err != nil {
			return err
		}
		return rs.Write(orm.Values{"status": status, "action": action})
	})
}

func (e *erp) again(id int) {
	e.t.Helper()
	e.run(func(env *orm.Env) error {
		rs, err := env.Model("woo.order").Search(orm.Leaf("woo_id", "=", id), orm.SearchOptions{})
		if err != nil {
			return err
		}
		_, err = rs.Call("action_import", orm.Args{})
		return err
	})
	e.idle()
}

// TestPolicies changes what the instance wants, and what it lacks: orders that
// waited for it follow.
func TestPolicies(t *testing.T) {
	t.Parallel()
	e := newERP(t, nil, orm.Values{"unknown_product": "hold", "status_map_ids": statuses("on-hold", "wait"), "go_live": "2026-01-15 00:00:00", "auto_invoice": "none"})
	old := e.store.OrderIDs("completed")[0]
	e.takeOver(old, 343, 351, 309)
	e.is(t, old, "ignored", "placed before 2026-01-15")
	e.is(t, 343, "received", "one of an extension")
	e.is(t, 351, "received", "imported once it is paid")
	e.is(t, 309, "imported", "")
	if f := e.facts(309); f.invoice != "" || f.total != e.said(309).Total {
		t.Errorf("%+v", f)
	}
	e.set(orm.Values{"auto_invoice": "draft"})
	// A product that nobody mapped, and is mapped then.
	e.run(func(env *orm.Env) error {
		rs, err := env.Model("woo.product.map").Search(orm.Leaf("woo_id", "=", 123), orm.SearchOptions{})
		if err != nil {
			return err
		}
		return rs.Write(orm.Values{"product_id": nil})
	})
	e.takeOver(298)
	e.is(t, 298, "held", "“Talking Clock / Horloge parlante” (SKU DLA-CLOCK, store id 123) is not mapped")
	e.run(func(env *orm.Env) error {
		rs, err := env.Model("woo.product.map").Search(orm.Leaf("woo_id", "=", 123), orm.SearchOptions{})
		if err != nil {
			return err
		}
		p, err := env.Model("product.product").Search(orm.Leaf("default_code", "=", "DLA-CLOCK"), orm.SearchOptions{})
		if err != nil {
			return err
		}
		return rs.Write(orm.Values{"product_id": p.ID()})
	})
	e.idle()
	e.same(t, 298)
	// A currency without a rate.
	e.run(func(env *orm.Env) error {
		rs, err := env.Model("res.currency.rate").Search(nil, orm.SearchOptions{})
		if err != nil {
			return err
		}
		return rs.Unlink()
	})
	e.takeOver(308)
	e.is(t, 308, "held", "no exchange rate for USD")
	e.run(func(env *orm.Env) error {
		usd, err := env.Model("res.currency").Search(orm.Leaf("name", "=", "USD"), orm.SearchOptions{})
		if err != nil {
			return err
		}
		_, err = env.Model("res.currency.rate").Create(orm.Values{"currency_id": usd.ID(), "name": "2020-01-01", "rate": 0.7})
		return err
	})
	e.again(308)
	e.same(t, 308)
	// Orders of other dates and statuses.
	e.set(orm.Values{"go_live": nil})
	e.setStatus("on-hold", "confirm")
	e.setStatus("wc-Ready-Pickup", "confirm")
	e.poll()
	e.idle()
	for _, id := range []int{old, 343, 351} {
		e.same(t, id)
	}
	// A sale order that was cancelled and deleted here comes again when asked for.
	e.run(func(env *orm.Env) error {
		rs, err := env.Model("sale.order").Search(orm.Leaf("woo_number", "=", "308"), orm.SearchOptions{})
		if err != nil {
			return err
		}
		if _, err := rs.Do("_action_cancel", orm.Args{}); err != nil {
			return err
		}
		return rs.Unlink()
	})
	e.edit(308, `{"customer_note":"later"}`)
	e.takeOver(308)
	e.wants(t, 308, "", "The sale order was deleted here")
	e.again(308)
	if f := e.facts(308); f.sale != "sale" || f.total != e.said(308).Total {
		t.Errorf("%+v", f)
	}
}

// TestOddOrders answers with orders that cannot be read, whose totals are not
// the sum of their parts, or that have vanished.
func TestOddOrders(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	spoil := map[string][2]string{}
	order := regexp.MustCompile(`/orders/(\d+)$`)
	e := newERP(t, func(store http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			store.ServeHTTP(rec, r)
			body := rec.Body.String()
			if m := order.FindStringSubmatch(r.URL.Path); m != nil {
				mu.Lock()
				if s, ok := spoil[m[1]]; ok {
					body = strings.Replace(body, s[0], s[1], 1)
				}
				mu.Unlock()
			}
			for k, v := range rec.Header() {
				w.Header()[k] = v
			}
			w.WriteHeader(rec.Code)
			_, _ = w.Write([]byte(body))
		})
	}, nil)
	set := func(m map[string][2]string) {
		mu.Lock()
		defer mu.Unlock()
		spoil = m
	}
	set(map[string][2]string{
		"298": {`"total":"45.14"`, `"total":"40.14"`},   // a gift card
		"299": {`"total":"53.90"`, `"total":"much"`},    // nonsense
		"300": {`"total":"103.83"`, `"total":"103.84"`}, // a cent
		"301": {`"currency":"CAD"`, `"currency":"XXY"`},
		"302": {`"rate_id":5`, `"rate_id":99`},
	})
	e.takeOver(298, 299, 300, 301, 302)
	e.is(t, 298, "held", "difference of 5.00 CAD. An extension such as one for gift cards")
	e.is(t, 299, "error", `"much" is not a decimal number`)
	e.is(t, 300, "imported", "")
	if f := e.facts(300); f.total != "103.84" || f.invoiced != "103.84" {
		t.Errorf("%+v", f)
	}
	if got := e.text("SELECT totals_state || ': ' || totals_note FROM woo_order WHERE woo_id = 300"); !strings.HasPrefix(got, "rounded: ") || !strings.Contains(got, "0.01 CAD is a line of its own") {
		t.Error(got)
	}
	e.is(t, 301, "held", "currency XXY is not known")
	e.is(t, 302, "held", "no line of the order is charged that tax")
	if n := e.count("SELECT count(*) FROM sale_order WHERE woo_number IS NOT NULL"); n != 1 {
		t.Errorf("%d sale orders", n)
	}
	// What cannot be read is imported once it can.
	set(nil)
	e.run(func(env *orm.Env) error {
		_, err := env.Exec(orm.SQL("UPDATE woo_order SET write_date = write_date - interval '2 hours' WHERE state = 'error'"))
		return err
	})
	e.poll()
	e.idle()
	e.same(t, 299)
	e.again(298)
	e.same(t, 298)
	// An order nobody knows.
	e.run(func(env *orm.Env) error {
		body := []byte(`{"id":99999}`)
		return receive(env, signed("order.deleted", body), body)
	})
	e.idle()
	if n := e.count("SELECT count(*) FROM woo_order WHERE woo_id = 99999"); n != 0 {
		t.Error("an order that never was is recorded")
	}
	if got := e.text("SELECT state || ': ' || note FROM woo_event WHERE woo_id = 99999"); got != "done: The store no longer has this order, and it was never imported." {
		t.Error(got)
	}
}
