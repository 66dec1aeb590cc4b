package woocommerce

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// refundChange is a credit note as the store is to know it.
type refundChange struct {
	Refund  int64           `json:"refund"`
	Order   int64           `json:"order"`
	Key     string          `json:"key"`
	Amount  decimal.Decimal `json:"amount"`
	Reason  string          `json:"reason"`
	Gateway bool            `json:"gateway,omitempty"`
	Lines   []refundedLine  `json:"lines,omitempty"`
}

type refundedLine struct {
	Line   int64           `json:"line"`
	Pieces int64           `json:"pieces,omitempty"`
	Total  decimal.Decimal `json:"total"`
	Taxes  []refundedTax   `json:"taxes,omitempty"`
}

// refundedTax is the amount of one tax. Several rates of a store may be that tax; it is
// the one that the line of the order has.
type refundedTax struct {
	Rates []int64         `json:"rates"`
	Total decimal.Decimal `json:"total"`
}

// creditsPosted has the stores refund what was credited here on their orders.
func creditsPosted(env *orm.Env, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	known, err := orm.Search[Refund](env, orm.Leaf("credit_note_id", "in", ids), orm.SearchOptions{})
	if err != nil {
		return err
	}
	notes, err := orm.Read[account.Move](env, ids)
	if err != nil {
		return err
	}
	for _, note := range notes {
		if slices.ContainsFunc(known, func(f *Refund) bool { return f.NoteID.ID == note.ID }) || !note.AmountTotal.IsPositive() {
			continue
		}
		o, err := orderCredited(env, note)
		if err != nil {
			return err
		}
		if o == nil {
			continue
		}
		if err := pushRefund(env, o, note); err != nil {
			return err
		}
	}
	return nil
}

// orderCredited is the store's order that a credit note belongs to, nil when there is not
// exactly one.
func orderCredited(env *orm.Env, note *account.Move) (*Order, error) {
	ids := []int64{note.ID}
	if note.ReversedEntryID.IsSet() {
		ids = append(ids, note.ReversedEntryID.ID)
	}
	orders, err := ordersOfInvoices(env, ids)
	if err == nil && len(orders) == 0 && note.Origin != "" {
		orders, err = orm.Search[Order](env, orm.And(orm.Leaf("company_id", "=", note.CompanyID.ID), orm.Leaf("sale_order_id.name", "=", note.Origin)), orm.SearchOptions{Limit: 2})
	}
	if err != nil || len(orders) != 1 {
		return nil, err
	}
	return orders[0], nil
}

// pushRefund asks the store of an order to record a credit note as a refund. One that a
// person made for a refund of the store, which was not booked, is that refund's.
func pushRefund(env *orm.Env, o *Order, note *account.Move) error {
	inst, err := orm.Get[Instance](env, o.InstanceID.ID)
	if err != nil {
		return err
	}
	open, err := orm.Search[Refund](env, orm.And(orm.Leaf("order_id", "=", o.ID), orm.Leaf("origin", "=", RefundOfStore), orm.Leaf("state", "in", []any{RefundHeld, RefundReceived}),
		orm.Leaf("credit_note_id", "=", false), orm.Leaf("amount", "=", note.AmountTotal)), orm.SearchOptions{Order: "id", Limit: 1})
	if err != nil {
		return err
	}
	if len(open) > 0 {
		return madeByHand(env, o, open[0], note)
	}
	if !inst.PushRefunds {
		return nil
	}
	lines, err := refundedLines(env, inst, o, note)
	if err != nil {
		return err
	}
	reason := note.Name
	if note.Ref != "" {
		reason += ": " + note.Ref
	}
	vals := orm.Values{"order_id": o.ID, "name": "Refund of order " + o.Number + " by " + note.Name, "amount": note.AmountTotal, "amount_tax": note.AmountTax, "reason": reason,
		"date": orm.DatetimeOf(env.Now()), "origin": RefundOfERP, "via_gateway": inst.RefundGateway, "credit_note_id": note.ID, "state": RefundWaiting}
	if note.CurrencyID.ID != o.CurrencyID.ID {
		vals["state"], vals["hold_reason"] = RefundFailed, "The credit note is in another currency than the order, so the store was not told of it."
		_, err := env.Model("woo.refund").Create(vals)
		return err
	}
	var cmds []orm.Command
	for _, l := range lines {
		tax := decimal.Zero
		for _, t := range l.Taxes {
			tax = tax.Add(t.Total)
		}
		cmds = append(cmds, orm.CreateLine(orm.Values{"woo_line_id": l.Line, "name": l.name, "quantity": decimal.New(l.Pieces, 0), "total": l.Total, "tax": tax}))
	}
	vals["line_ids"] = cmds
	made, err := env.Model("woo.refund").Create(vals)
	if err != nil {
		return err
	}
	f, err := orm.Get[Refund](env, made.ID())
	if err != nil {
		return err
	}
	c := refundChange{Refund: f.ID, Order: o.RemoteID, Key: f.Key, Amount: note.AmountTotal, Reason: reason, Gateway: f.ViaGateway}
	for _, l := range lines {
		if l.Line != 0 {
			c.Lines = append(c.Lines, l.refundedLine)
		}
	}
	return put(env, inst, change{Kind: KindRefund, Target: "order:" + itoa(o.RemoteID), Part: itoa(f.ID), Name: f.Name, Values: c, Record: made})
}

// madeByHand ties a refund of the store that was not booked to the credit note that a
// person made of it.
func madeByHand(env *orm.Env, o *Order, f *Refund, note *account.Move) error {
	if err := orm.RecordsOf(env, f).Write(orm.Values{"credit_note_id": note.ID, "state": RefundBooked, "hold_reason": nil}); err != nil {
		return err
	}
	held, err := env.Model("woo.refund").SearchCount(orm.And(orm.Leaf("order_id", "=", o.ID), orm.Leaf("state", "=", RefundHeld)), 1)
	if err != nil || held > 0 {
		return err
	}
	return orm.RecordsOf(env, o).Write(orm.Values{"attention": orNothing(withoutTopic(o.Attention, refundMade))})
}

// creditsReset takes back what the stores were to be told of credit notes that are drafts
// again. Of what a store was told already, a person is.
func creditsReset(env *orm.Env, ids []int64) error {
	list, err := orm.Search[Refund](env, orm.And(orm.Leaf("credit_note_id", "in", anyIDs(ids)), orm.Leaf("origin", "=", RefundOfERP)), orm.SearchOptions{}, "order_id", "credit_note_id")
	if err != nil {
		return err
	}
	for _, f := range list {
		waiting, err := env.Model("woo.outbox").Search(orm.And(orm.Leaf("res_model", "=", "woo.refund"), orm.Leaf("res_id", "=", f.ID), orm.Leaf("unsure", "=", false),
			orm.Leaf("state", "in", []any{OutgoingWaiting, OutgoingHeld, OutgoingFailed})), orm.SearchOptions{})
		if err != nil {
			return err
		}
		if f.State != RefundSent && waiting.Len() > 0 {
			if err := waiting.Write(orm.Values{"state": OutgoingCancelled, "slot": nil, "reason": "The credit note was set to draft."}); err != nil {
				return err
			}
			if err := orm.RecordsOf(env, f).Unlink(); err != nil {
				return err
			}
			continue
		}
		o := f.OrderID.Rec()
		after, news := attention(o.Attention, "The credit note "+f.NoteID.Rec().Name+" was set to draft here. The store has its refund already, and is not told what is changed in it.")
		if !news {
			continue
		}
		if err := orm.RecordsOf(env, o).Write(orm.Values{"attention": after}); err != nil {
			return err
		}
	}
	return nil
}

// namedLine is a line of a credit note; one that is of no line of the order has Line 0,
// and is a part of the amount alone.
type namedLine struct {
	refundedLine
	name string
}

// refundedLines are the lines of a credit note in the terms of the store's order.
func refundedLines(env *orm.Env, inst *Instance, o *Order, note *account.Move) ([]namedLine, error) {
	lines, err := orm.Search[sale.InvoiceLine](env, orm.And(orm.Leaf("move_id", "=", note.ID), orm.Leaf("display_type", "=", "product")), orm.SearchOptions{Order: "sequence, id"}, "sale_line_ids", "tax_ids")
	if err != nil {
		return nil, err
	}
	doc := &account.Document{Company: note.CompanyID.ID, Currency: note.CurrencyID.ID, Rounding: note.TaxRounding, Refund: true}
	for _, l := range lines {
		doc.Lines = append(doc.Lines, account.DocumentLine{Price: l.PriceUnit, Quantity: l.Quantity, Discount: l.Discount, Taxes: l.TaxIDs.IDs(), Override: l.TaxOverride})
	}
	if err := doc.Compute(env); err != nil {
		return nil, err
	}
	binds, err := orm.Search[Bind](env, orm.And(orm.Leaf("order_id", "=", o.ID), orm.Leaf("woo_line_id", "!=", 0)), orm.SearchOptions{Order: "id"}, "sale_line_id")
	if err != nil {
		return nil, err
	}
	maps, err := taxMaps(env, inst)
	if err != nil {
		return nil, err
	}
	cur, err := currencyOf(env, o.CurrencyCode)
	if err != nil {
		return nil, err
	}
	used := map[int64]bool{}
	var out []namedLine
	for i, l := range lines {
		name, _, _ := strings.Cut(l.Name, "\n")
		row := namedLine{name: name, refundedLine: refundedLine{Total: doc.Results[i].Booked}}
		if b := bindOf(binds, used, l); b != nil {
			used[b.ID], row.Line = true, b.LineID
			if b.Kind == string(ordermap.Product) && l.Quantity.IsInteger() {
				row.Pieces = l.Quantity.IntPart()
			}
		}
		for _, t := range doc.Results[i].Taxes {
			x := refundedTax{Total: t.Amount.Round(cur.places)}
			for _, m := range maps {
				if m.TaxID.ID == t.Tax {
					x.Rates = append(x.Rates, m.RateID)
				}
			}
			if len(x.Rates) > 0 && !x.Total.IsZero() {
				row.Taxes = append(row.Taxes, x)
			}
		}
		out = append(out, row)
	}
	return out, nil
}

// bindOf finds the line of the store's order that a line of a credit note gives back: that
// of its order line, else one of its product.
func bindOf(binds []*Bind, used map[int64]bool, l *sale.InvoiceLine) *Bind {
	for _, b := range binds {
		if b.SaleLineID.IsSet() && slices.Contains(l.SaleLines.IDs(), b.SaleLineID.ID) && !used[b.ID] {
			return b
		}
	}
	for _, b := range binds {
		if of := b.SaleLineID.Rec(); of != nil && !used[b.ID] && l.ProductID.IsSet() && of.ProductID.ID == l.ProductID.ID {
			return b
		}
	}
	return nil
}

// refundSender records refunds in the store. The goods come back in the ERP, which tells
// the store its quantities, so the store puts none back itself.
type refundSender struct{}

func (refundSender) logType() string { return "refund" }

// refundDone is the store's refund.
type refundDone struct {
	Refund int64 `json:"refund"`
}

func (s refundSender) send(ctx context.Context, st *sending, list []*Outgoing) []outcome {
	return sendEach(list, func(c *refundChange) outcome {
		id, err := s.refund(ctx, st, c)
		if err != nil {
			return outcomeOf(err)
		}
		return outcome{state: OutgoingSent, answer: refundDone{id}}
	})
}

// refund looks whether the store has the refund, and makes it if not.
func (refundSender) refund(ctx context.Context, st *sending, c *refundChange) (int64, error) {
	for r, err := range st.OrderRefunds(ctx, c.Order) {
		if errors.Is(err, wcapi.ErrDecode) {
			continue // what cannot be read has no key of ours
		}
		if err != nil {
			return 0, err
		}
		if metaText(r.MetaData, refundKeyName) == c.Key || r.Reason == c.Reason && r.Amount.Equal(wcapi.NewAmount(c.Amount)) {
			return int64(r.ID), nil
		}
	}
	now, err := st.Order(ctx, c.Order)
	if err != nil {
		return 0, err
	}
	ask := wcapi.RefundRequest{Amount: c.Amount, Reason: c.Reason, ViaGateway: c.Gateway, Meta: []wcapi.MetaSet{{Key: refundKeyName, Value: c.Key}}}
	for _, l := range c.Lines {
		line := wcapi.RefundLine{LineID: l.Line, Quantity: l.Pieces, Total: l.Total}
		for _, t := range l.Taxes {
			line.Taxes = append(line.Taxes, wcapi.RefundTax{RateID: rateOn(now, l.Line, t.Rates), Total: t.Total})
		}
		ask.Lines = append(ask.Lines, line)
	}
	made, err := st.CreateRefund(ctx, c.Order, ask)
	if err != nil {
		return 0, err
	}
	return int64(made.ID), nil
}

func metaText(meta []wcapi.Meta, key string) string {
	for _, m := range meta {
		if m.Key == key {
			return m.Text()
		}
	}
	return ""
}

// rateOn is which of some rates a line of the order was charged.
func rateOn(o *wcapi.Order, line int64, rates []int64) int64 {
	var taxes []wcapi.LineTax
	for _, l := range o.Lines {
		if int64(l.ID) == line {
			taxes = l.Taxes
		}
	}
	for _, l := range o.ShippingLines {
		if int64(l.ID) == line {
			taxes = l.Taxes
		}
	}
	for _, l := range o.FeeLines {
		if int64(l.ID) == line {
			taxes = l.Taxes
		}
	}
	for _, t := range taxes {
		if slices.Contains(rates, int64(t.RateID)) {
			return int64(t.RateID)
		}
	}
	return rates[0]
}

// took notes the id that the store gave the refund, by which its echo is known.
func (refundSender) took(env *orm.Env, _ *Instance, done []delivered) error {
	for _, d := range done {
		c, err := payloadOf[refundChange]([]byte(d.Payload))
		if err != nil {
			return err
		}
		rs, err := env.Model("woo.refund").Browse(c.Refund).Exists()
		if err != nil {
			return err
		}
		vals := orm.Values{"state": RefundFailed, "hold_reason": "The store was not told: see the outbox, " + fmt.Sprintf("“%s”.", d.Name)}
		if made, ok := d.answer.(refundDone); ok {
			vals = orm.Values{"state": RefundSent, "woo_id": made.Refund, "hold_reason": nil}
		}
		if err := rs.Write(vals); err != nil {
			return err
		}
	}
	return nil
}
