package woocommerce

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/addons/sale_stock"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// payment is what the addon adds to payments. Of an order there is one for each means:
// the database sees to it, however often and by whomever the order is taken up.
type payment struct {
	account.Payment
	WooOrder orm.Ref[Order] `orm:"woo_order_id,readonly,nocopy,index,ondelete=set_null" label:"Store Order" groups:"fusion_woocommerce.group_woo_user"`
	WooMeans string         `orm:"woo_means,readonly,nocopy" selection:"gateway:Gateway,voucher:Gift Card or Store Credit" label:"Store Payment" groups:"fusion_woocommerce.group_woo_user"`
}

func definePayments(r *orm.Registry) {
	d := orm.Extend[payment](r, "account.payment")
	d.Unique("woo_order_means", "woo_order_id, woo_means", "This payment of the store's order is registered already.")
}

// settlePosted registers what was paid of orders of whose invoices one has just been
// posted.
func settlePosted(env *orm.Env, orders []*Order) error {
	for _, o := range orders {
		inst, err := orm.Get[Instance](env, o.InstanceID.ID)
		if err != nil {
			return err
		}
		if err := settleOrder(importEnv(env, inst), inst, o.ID, true); err != nil {
			return err
		}
	}
	return nil
}

// settleOrder brings the invoice of an imported order to where the instance wants it, and
// registers what was paid. What the books refuse is put to a person. matchAgain is for an
// invoice that has just been posted: payments that are left over are matched with it.
func settleOrder(env *orm.Env, inst *Instance, id int64, matchAgain bool) error {
	s := &settlement{env: env, inst: inst, matchAgain: matchAgain}
	err := env.Savepoint(func(*orm.Env) error { return s.run(id) })
	why, refused := reasonOf(err)
	if err != nil && !refused {
		return err
	}
	if refused {
		s.done, s.waits = nil, settleRefused+why
	}
	o, err := orm.Get[Order](env, id)
	if err != nil {
		return err
	}
	after, news := withoutTopic(o.Attention, settleRefused), false
	if s.waits != "" {
		after, news = attention(o.Attention, s.waits)
	}
	if after != o.Attention {
		vals := orm.Values{"attention": nil}
		if after != "" {
			vals["attention"] = after
		}
		if err := orm.RecordsOf(env, o).Write(vals); err != nil {
			return err
		}
	}
	if news {
		if err := logTo(env, inst, logEntry{Type: "invoice", State: "warning", Ref: o.Number, Message: s.waits, Record: orm.RecordsOf(env, o)}); err != nil {
			return err
		}
	}
	if len(s.done) == 0 {
		return nil
	}
	return logTo(env, inst, logEntry{Type: "invoice", State: "success", Ref: o.Number, Message: strings.Join(s.done, " "), Record: orm.RecordsOf(env, o)})
}

// settlement is the invoice and the payments of one order being seen to.
type settlement struct {
	env        *orm.Env
	inst       *Instance
	matchAgain bool
	o          *Order
	ways       map[string]*PaymentMap
	done       []string // what was done
	waits      string   // what a person has to see to
}

func (s *settlement) run(id int64) error {
	var err error
	if s.o, err = orm.Get[Order](s.env, id, "currency_id"); err != nil {
		return err
	}
	if s.o.State != OrderImported || !s.o.SaleID.IsSet() || s.o.ChangeRefused {
		return nil // of a change that waits nobody knows what was paid
	}
	if s.ways, err = paymentMaps(s.env, s.inst); err != nil {
		return err
	}
	sold, err := orm.Get[sale_stock.Order](s.env, s.o.SaleID.ID, "invoice_ids", "order_line")
	if err != nil || sold.State != sale.OrderSale {
		return err
	}
	if post, err := s.wanted(sold); err != nil {
		return err
	} else if post {
		if err := s.post(&sold.Order); err != nil {
			return err
		}
	}
	return s.register()
}

// wanted reports whether the invoice is to be posted by now.
func (s *settlement) wanted(sold *sale_stock.Order) (bool, error) {
	if s.o.StateClass == string(ordermap.Invoice) {
		return true, nil
	}
	switch s.inst.AutoInvoice {
	case InvoicePaid:
		return s.paid(), nil
	case InvoiceDelivered:
		if sold.DeliveryStatus != "" {
			return sold.DeliveryStatus == sale_stock.DeliveryFull, nil
		}
		// There was nothing to deliver, or it was cancelled.
		moves, err := s.env.Model("stock.move").SearchCount(orm.Leaf("sale_line_id.order_id", "=", sold.ID), 1)
		return moves == 0, err
	}
	return false, nil
}

// paid reports whether all of the order is paid.
func (s *settlement) paid() bool {
	if !s.o.Total.GreaterThan(s.o.Vouchers) {
		return true
	}
	return s.byGateway()
}

// byGateway reports whether the part is paid that the order's gateway was to pay.
func (s *settlement) byGateway() bool {
	if s.o.DatePaid.IsZero() {
		return false
	}
	if m := s.ways[gatewayOf(s.o.PaymentMethod)]; m == nil || m.PaidAtOrder {
		return true
	}
	open := []string{"pending", "on-hold", "failed"}
	if s.o.PaymentMethod == gatewayCash {
		open = append(open, "processing")
	}
	return !slices.Contains(open, ordermap.StatusOf(s.o.Status))
}

// post posts the invoice of the order; one is made where there is none and everything
// can be invoiced.
func (s *settlement) post(sold *sale.Order) error {
	var live []*account.Move
	for _, m := range sold.InvoiceIDs.All() {
		if m.State != account.MoveCancelled && m.MoveType == account.OutInvoice {
			live = append(live, m)
		}
	}
	if len(live) == 0 {
		m, err := makeInvoice(s.env, sold)
		if err != nil || m == nil {
			return err
		}
		live = append(live, m)
		s.o.InvoiceID = orm.RefTo[account.Move](m.ID)
		if err := orm.Save(s.env, []*Order{s.o}, "invoice_id"); err != nil {
			return err
		}
	}
	if len(live) != 1 || live[0].State != account.MoveDraft {
		return nil
	}
	m := live[0]
	if !m.AmountTotal.Equal(s.o.Total) || m.CurrencyID.ID != s.o.CurrencyID.ID {
		s.waits = settleRefused + fmt.Sprintf("the draft comes to %s, the store's order to %s.", s.money(m.AmountTotal), s.money(s.o.Total))
		return nil
	}
	if err := account.Post(s.env, m.ID); err != nil {
		return err
	}
	if err := orm.Reload(s.env, []*account.Move{m}); err != nil {
		return err
	}
	s.done = append(s.done, "Invoice "+m.Name+" is posted.")
	return nil
}

func (s *settlement) money(d decimal.Decimal) string {
	places := int32(2)
	if c := s.o.CurrencyID.Rec(); c != nil {
		places = int32(c.DecimalPlaces)
	}
	return money(d, places, s.o.CurrencyCode)
}

// means is a part of an order that was paid.
type means struct {
	kind      string
	way       *PaymentMap
	amount    decimal.Decimal
	reference string
}

// means are the parts of the order that were paid.
func (s *settlement) means() []means {
	var out []means
	if s.o.Vouchers.IsPositive() {
		out = append(out, means{MeansVoucher, s.ways[gatewayVoucher], s.o.Vouchers, strings.TrimSpace(gatewayVoucher + " " + s.o.VoucherCodes)})
	}
	if rest := s.o.Total.Sub(s.o.Vouchers); rest.IsPositive() && s.byGateway() {
		gateway := gatewayOf(s.o.PaymentMethod)
		reference := strings.TrimSpace(gateway + " " + s.o.TransactionID)
		if gateway == gatewayNone {
			reference = s.o.TransactionID
		}
		out = append(out, means{MeansGateway, s.ways[gateway], rest, reference})
	}
	return out
}

// register registers the payments of the order that are not yet, once something of it is
// posted and open, and matches them with its invoices.
func (s *settlement) register() error {
	open, err := orm.Search[account.MoveLine](s.env, orm.And(orm.Leaf("move_id.line_ids.sale_line_ids.order_id", "=", s.o.SaleID.ID), orm.Leaf("parent_state", "=", account.MovePosted),
		orm.Leaf("move_id.move_type", "=", account.OutInvoice), orm.Leaf("account_id.account_type", "=", account.AssetReceivable), orm.Leaf("reconciled", "=", false)), orm.SearchOptions{Order: "id"})
	if err != nil || len(open) == 0 {
		return err
	}
	old, err := orm.Search[payment](s.env, orm.Leaf("woo_order_id", "=", s.o.ID), orm.SearchOptions{})
	if err != nil {
		return err
	}
	var payments []int64
	for _, p := range old {
		if s.matchAgain && (p.State == account.PaymentPaid || p.State == account.PaymentInProcess) {
			payments = append(payments, p.ID)
		}
	}
	var lacking []string
	for _, m := range s.means() {
		switch {
		case slices.ContainsFunc(old, func(p *payment) bool { return p.WooMeans == m.kind }):
		case m.way == nil:
			lacking = append(lacking, m.reference)
		case !m.way.Active:
		case !m.way.JournalID.IsSet():
			lacking = append(lacking, m.way.Name)
		default:
			id, err := s.pay(m, open[0])
			if err != nil {
				return err
			}
			payments = append(payments, id)
		}
	}
	if len(lacking) > 0 {
		s.waits = settleRefused + fmt.Sprintf("“%s” has no journal, so what was paid is not registered. Choose one under Configuration, Payment Methods, or archive the method there.", strings.Join(lacking, "”, “"))
	}
	if len(payments) == 0 {
		return nil
	}
	own, err := orm.Search[account.MoveLine](s.env, orm.And(orm.Leaf("move_id.origin_payment_id", "in", anyIDs(payments)), orm.Leaf("account_id", "=", open[0].AccountID.ID), orm.Leaf("reconciled", "=", false)), orm.SearchOptions{Order: "id"})
	if err != nil || len(own) == 0 {
		return err
	}
	var lines []int64
	for _, l := range append(own, open...) {
		if l.AccountID.ID == open[0].AccountID.ID {
			lines = append(lines, l.ID)
		}
	}
	return account.Reconcile(s.env, lines...)
}

// pay registers a payment, which the item of an invoice is open for.
func (s *settlement) pay(m means, item *account.MoveLine) (int64, error) {
	made, err := s.env.Model("account.payment").Create(orm.Values{"date": s.paidOn(), "amount": m.amount, "payment_type": account.PaymentInbound, "partner_type": account.PartnerCustomer,
		"journal_id": m.way.JournalID.ID, "company_id": s.inst.CompanyID.ID, "currency_id": s.o.CurrencyID.ID, "partner_id": item.PartnerID.ID, "destination_account_id": item.AccountID.ID,
		"memo": strings.TrimSpace(fmt.Sprintf("%s #%s %s", s.inst.Name, s.o.Number, m.reference)), "payment_reference": m.reference,
		"invoice_ids": []orm.Command{orm.SetIDs(item.MoveID.ID)}, "woo_order_id": s.o.ID, "woo_means": m.kind})
	if err != nil {
		return 0, err
	}
	ps, err := orm.Read[account.Payment](s.env, made.IDs)
	if err != nil {
		return 0, err
	}
	if _, err := orm.Invoke(s.env, account.ActionPostPayment, ps); err != nil {
		return 0, err
	}
	s.done = append(s.done, fmt.Sprintf("A payment of %s by %s is registered.", s.money(m.amount), m.way.Name))
	return made.ID(), nil
}

// paidOn is the day on which the order was paid, where the store is.
func (s *settlement) paidOn() orm.Date {
	at := s.o.DatePaid.Time()
	if at.IsZero() {
		at = s.o.DateCreated.Time()
	}
	if zone, err := time.LoadLocation(s.inst.StoreZone); err == nil {
		at = at.In(zone)
	}
	return orm.DateOf(at)
}
