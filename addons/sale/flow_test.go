package sale_test

import (
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"
)

func (s *shop) invoke(m orm.Method[sale.Order], o *sale.Order) func() error {
	return func() error {
		_, err := orm.Invoke(s.env, m, []*sale.Order{s.get(o.ID)})
		return err
	}
}

func TestStatesOfAnOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Desk", "10", nil)
	o := s.order(orm.Values{"date_order": "2026-01-02 03:04:05"}, line(p, "2", "10", s.hst))
	state := func(want string) {
		t.Helper()
		if got := s.get(o.ID); got.State != want || got.Lines.All()[0].State != want {
			t.Fatalf("the order is %s and its line %s, not %s", got.State, got.Lines.All()[0].State, want)
		}
	}
	s.do(sale.ActionQuotationSent, o)
	state("sent")
	s.refused("Only draft orders", s.invoke(sale.ActionQuotationSent, o))
	s.refused("must first cancel it", func() error { return orm.Delete(s.env, []*sale.Order{o}) })
	if s.do(sale.ActionConfirm, s.get(o.ID)) != true {
		t.Error("action_confirm does not return true")
	}
	state("sale")
	if got := s.get(o.ID).DateOrder.String(); got != s.env.Now().Format("2006-01-02 15:04:05") {
		t.Errorf("confirmed on %s", got)
	}
	s.refused("not in a state requiring confirmation", s.invoke(sale.ActionConfirm, o))
	s.refused("must first cancel it", func() error { return orm.Delete(s.env, []*sale.Order{o}) })
	s.do(sale.ActionLock, o)
	s.refused("locked order", s.invoke(sale.ActionCancel, o))
	s.do(sale.ActionUnlock, o)
	s.do(sale.ActionCancel, s.get(o.ID))
	state("cancel")
	s.refused("not in a state requiring confirmation", s.invoke(sale.ActionConfirm, o))
	s.do(sale.ActionDraft, s.get(o.ID))
	state("draft")
	if s.do(sale.ActionCancel, s.get(o.ID)) != true {
		t.Error("action_cancel does not return true")
	}
	state("cancel")
	ok(t, orm.Delete(s.env, []*sale.Order{o}))
	if n := must[int](t)(s.env.Model("sale.order.line").SearchCount(orm.Leaf("order_id", "=", o.ID), 0)); n != 0 {
		t.Errorf("%d lines are left", n)
	}
	kept := s.order(orm.Values{"date_order": "2026-01-02 03:04:05"}, line(p, "2", "10", s.hst))
	must[any](t)(orm.Invoke(s.env.WithContext(map[string]any{sale.KeepDateOrder: true}), sale.ActionConfirm, []*sale.Order{kept}))
	if got := s.get(kept.ID); got.State != sale.OrderSale || got.DateOrder.String() != "2026-01-02 03:04:05" {
		t.Errorf("%s on %s", got.State, got.DateOrder)
	}
	for state, want := range map[string]string{"draft": "Quotation", "sale": "Sales Order"} {
		o := must[*sale.Order](t)(orm.Get[sale.Order](s.env, kept.ID, "type_name"))
		if state == o.State && o.TypeName.Get() != want {
			t.Errorf("%s is a %s", state, o.TypeName.Get())
		}
	}
}

func TestConfirmationNeedsProducts(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Desk", "10", nil)
	a := s.order(nil, orm.Values{"name": "x", "product_uom_qty": 1})
	b := s.order(nil, orm.Values{"display_type": "line_note", "name": "only a note"}, line(p, "1", "1", s.hst))
	s.refused("missing a product", func() error {
		_, err := orm.Invoke(s.env, sale.ActionConfirm, []*sale.Order{b, a})
		return err
	})
	if got := s.get(b.ID).State; got != "draft" {
		t.Errorf("one of two was confirmed: %s", got)
	}
	s.do(sale.ActionConfirm, b, s.order(nil, line(p, "1", "2", s.hst)))
	s.status(b, "to invoice: to invoice 0/0/1")
}

func TestLockAtConfirmation(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	s.write("res.groups", s.ref("base.group_user"), orm.Values{"implied_ids": []orm.Command{orm.Link(s.ref("sale.group_auto_done_setting"))}})
	env := s.user("seller", "sales_team.group_sale_salesman")
	o := s.order(orm.Values{"user_id": env.UID()}, line(s.product("Desk", "10", nil), "1", "1", s.hst))
	must[any](t)(orm.Invoke(env, sale.ActionConfirm, []*sale.Order{must[*sale.Order](t)(orm.Get[sale.Order](env, o.ID))}))
	if o := s.get(o.ID); o.State != sale.OrderSale || !o.Locked {
		t.Errorf("%s, locked %t", o.State, o.Locked)
	}
}

func TestLinesOfConfirmedOrders(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p, q := s.product("Desk", "10", nil), s.product("Chair", "5", nil)
	o := s.confirmed(nil, line(p, "2", "10", s.hst), orm.Values{"display_type": "line_note", "name": "note"})
	first, note := o.Lines.IDs()[0], o.Lines.IDs()[1]
	lines := s.env.Model("sale.order.line")
	s.refused("Set the quantity to 0 instead", func() error { return lines.Browse(first).Unlink() })
	ok(t, lines.Browse(note).Unlink())
	s.refused("of another kind", func() error { return lines.Browse(first).Write(orm.Values{"display_type": "line_note"}) })
	s.write("sale.order.line", first, orm.Values{"product_id": q})
	s.totals(o, "10 + 1.3 = 11.3")
	s.write("sale.order.line", first, orm.Values{"qty_delivered": 1})
	s.refused("can no longer be replaced", func() error { return lines.Browse(first).Write(orm.Values{"product_id": p}) })
	s.write("sale.order", o.ID, orm.Values{"order_line": []orm.Command{orm.CreateLine(line(p, "1", "7", s.hst))}})
	s.write("sale.order.line", first, orm.Values{"product_uom_qty": 3})
	messages := must[[]orm.Values](t)(must[orm.Records](t)(s.env.Model("mail.message").Search(orm.And(orm.Leaf("model", "=", "sale.order"), orm.Leaf("res_id", "=", o.ID)), orm.SearchOptions{Order: "id"})).Read("body"))
	all := ""
	for _, m := range messages {
		all += m["body"].(string)
	}
	if !strings.Contains(all, "Extra line: Desk") || !strings.Contains(all, "Chair: ordered quantity 2 → 3 (delivered 1, invoiced 0)") {
		t.Errorf("the changes are not told: %s", all)
	}
	s.do(sale.ActionLock, o)
	for name, f := range map[string]func() error{
		"Quantity":     func() error { return lines.Browse(first).Write(orm.Values{"product_uom_qty": 9}) },
		"Unit Price":   func() error { return lines.Browse(first).Write(orm.Values{"price_unit": 9}) },
		"adding lines": func() error { _, err := lines.Create(with(line(p, "1", "1"), "order_id", o.ID)); return err },
		"Unlock it":    func() error { return lines.Browse(first).Unlink() },
	} {
		s.refused(name, f)
	}
	s.write("sale.order.line", first, orm.Values{"qty_delivered": 2})
	s.do(sale.ActionUnlock, o)
	s.do(sale.ActionLock, s.get(o.ID))
	s.status(o, "to invoice: to invoice 2/0/3 to invoice 0/0/1")
}

func TestCopyOfAnOrder(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Desk", "10", nil)
	o := s.confirmed(orm.Values{"client_order_ref": "PO-1", "note": "<p>hi</p>", "date_order": "2026-01-02 03:04:05"},
		orm.Values{"display_type": "line_section", "name": "Part"}, with(line(p, "2", "9", s.hst), "discount", dec("5"), "qty_delivered", 1))
	s.deposit(o, "percentage", "50")
	c := s.get(must[orm.Records](t)(orm.RecordsOf(s.env, s.get(o.ID)).Copy(nil)).ID())
	if c.State != sale.OrderDraft || c.Name == o.Name || c.ClientOrderRef != "" || c.Note != "<p>hi</p>" {
		t.Errorf("copy: %+v", c)
	}
	s.totals(c, "17.1 + 2.22 = 19.32")
	if n := len(c.Lines.IDs()); n != 2 || !c.Lines.All()[1].QtyDelivered.IsZero() {
		t.Errorf("%d lines, delivered %s", n, c.Lines.All()[1].QtyDelivered)
	}
}

func TestExpiredQuotations(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	for day, want := range map[string]bool{s.env.Today().AddDays(-1).String(): true, s.env.Today().String(): false} {
		o := s.order(orm.Values{"validity_date": day})
		if got := must[*sale.Order](t)(orm.Get[sale.Order](s.env, o.ID, "is_expired")); got.IsExpired.Get() != want {
			t.Errorf("valid until %s: expired %t", day, got.IsExpired.Get())
		}
	}
}

func TestCustomersOfOrdersStay(t *testing.T) {
	t.Parallel()
	s := newShop(t)
	p := s.product("Desk", "10", nil)
	o := s.order(nil, line(p, "1", "1"))
	s.refused("", func() error { return s.env.Model("res.partner").Browse(s.customer).Unlink() })
	if left := must[orm.Records](t)(s.env.Model("sale.order").Browse(o.ID).Exists()); left.Len() != 1 {
		t.Error("the quotation is gone")
	}
	s.customer = s.create("res.partner", orm.Values{"name": "Other"})
	s.confirmed(nil, line(p, "1", "1"))
	s.refused("", func() error { return s.env.Model("res.partner").Browse(s.customer).Unlink() })
	s.refused("", func() error { return s.env.Model("product.product").Browse(p).Unlink() })
}
