package livestore

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// caseOrders are orders as extensions change them, by id.
func caseOrders(t *testing.T) map[int]json.RawMessage {
	t.Helper()
	files, err := filepath.Glob("../../addons/fusion_woocommerce/ordermap/testdata/cases/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	out := map[int]json.RawMessage{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list := []json.RawMessage{}
		if json.Unmarshal(raw, &list) != nil {
			list = []json.RawMessage{raw}
		}
		for _, one := range list {
			var head struct {
				ID int `json:"id"`
			}
			if err := json.Unmarshal(one, &head); err != nil {
				t.Fatal(file, err)
			}
			out[head.ID] = one
		}
	}
	return out
}

// Orders as extensions change them become documents of the same amounts.
func TestOrdersOfExtensions(t *testing.T) {
	t.Parallel()
	orders := caseOrders(t)
	route := regexp.MustCompile(`/orders/(\d+)$`)
	e := newERP(t, func(store http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m := route.FindStringSubmatch(r.URL.Path); m != nil && r.Method == http.MethodGet {
				if id, _ := strconv.Atoi(m[1]); orders[id] != nil {
					w.Header().Set("Content-Type", "application/json")
					_, _ = w.Write(orders[id])
					return
				}
			}
			store.ServeHTTP(w, r)
		})
	}, nil)
	wants := map[int]string{ // total and tax of the sale order
		5012: "37.50 0.00", 5031: "226.00 26.00", 5040: "21.71 1.72", 5041: "8.13 0.64", 5042: "271.50 21.50", 5043: "10.86 0.86", 5050: "12.00 0.00", 5060: "23.00 0.00",
		5090: "5.00 0.00", 5110: "18.00 0.00", 5120: "24.00 4.00", 5121: "24.00 4.00", 5130: "48.59 5.59", 5150: "2300.00 0.00", 7300: "27.50 0.00", 7400: "223.88 0.00",
		7500: "111.50 0.00", 7810: "8.00 0.00", 9007199254740993: "1.00 0.00",
	}
	// Several are the first order of the tax service at one time: all were looked at,
	// and lack its rate, before the first of them may make the tax.
	lock := "woo.products:" + strconv.FormatInt(e.instance, 10)
	err := e.db.RunExclusive(t.Context(), orm.System(), lock, func(*orm.Env) error {
		e.run(func(env *orm.Env) error {
			for _, id := range []int{5041, 5042, 5043} {
				if err := receive(env, signed("order.updated", orders[id]), orders[id]); err != nil {
					return err
				}
			}
			return nil
		})
		e.waitFor("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) GROUP BY classid, objid HAVING count(*) = 3")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	e.idle()
	e.run(func(env *orm.Env) error {
		for id := range wants {
			if id >= 5041 && id <= 5043 {
				continue
			}
			if err := receive(env, signed("order.updated", orders[id]), orders[id]); err != nil {
				return err
			}
		}
		return nil
	})
	e.idle()
	for id, want := range wants {
		got := e.text("SELECT round(s.amount_total, 2) || ' ' || round(s.amount_tax, 2) FROM woo_order o JOIN sale_order s ON s.id = o.sale_order_id WHERE o.woo_id = ?", id)
		if f := e.facts(id); f.state != "imported" || got != want {
			t.Errorf("order %d is %s (%s) of %s, want %s", id, f.state, f.hold, got, want)
		}
	}
	// One tax for all percentages of a tax service, and one for a sentence.
	for name, want := range map[string]int{"WA Tax%": 1, "HST (CA)%": 1} {
		if n := e.count("SELECT count(*) FROM account_tax WHERE name->>'en_US' LIKE ?", name); n != want {
			t.Errorf("%d taxes are called %s", n, name)
		}
	}
}
