package sale_test

import (
	"context"
	"sync"
	"testing"

	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// Two who invoice, or confirm, the same order at once do it once.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, addons()...)
	ctx := context.Background()
	var id int64
	ok(t, db.Run(ctx, orm.System(), func(env *orm.Env) error {
		s := &shop{T: t, env: env}
		s.customer = s.create("res.partner", orm.Values{"name": "Azure Interior"})
		id = s.order(nil, line(s.product("Desk", "10", orm.Values{"taxes_id": set()}), "2", "10")).ID
		return nil
	}))
	// atOnce runs work twice in transactions that have both seen the order
	// before either changes it, and returns how they ended.
	atOnce := func(work func(*orm.Env, *sale.Order) error) (errs [2]error) {
		var seen, done sync.WaitGroup
		seen.Add(2)
		done.Add(2)
		for i := range errs {
			go func() {
				defer done.Done()
				first := true
				errs[i] = db.Run(ctx, orm.System(), func(env *orm.Env) error {
					o, err := orm.Get[sale.Order](env, id)
					if first {
						first = false
						seen.Done()
						seen.Wait()
					}
					if err != nil {
						return err
					}
					return work(env, o)
				})
			}()
		}
		done.Wait()
		return errs
	}
	once := func(what string, errs [2]error) {
		t.Helper()
		if (errs[0] == nil) == (errs[1] == nil) || orm.CodeOf(errs[0]) != orm.CodeUser && orm.CodeOf(errs[1]) != orm.CodeUser {
			t.Errorf("%s: %v and %v", what, errs[0], errs[1])
		}
	}
	once("confirm", atOnce(func(env *orm.Env, o *sale.Order) error {
		_, err := orm.Invoke(env, sale.ActionConfirm, []*sale.Order{o})
		return err
	}))
	once("invoice", atOnce(func(env *orm.Env, o *sale.Order) error {
		_, err := sale.CreateInvoices(env, []*sale.Order{o}, false)
		return err
	}))
	ok(t, db.View(ctx, orm.System(), func(env *orm.Env) error {
		o, err := orm.Get[sale.Order](env, id, "invoice_ids")
		if err == nil && (len(o.InvoiceIDs.IDs()) != 1 || o.InvoiceStatus != sale.InvoiceInvoiced) {
			t.Errorf("%d invoices, %s", len(o.InvoiceIDs.IDs()), o.InvoiceStatus)
		}
		return err
	}))
}
