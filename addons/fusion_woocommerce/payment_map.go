package woocommerce

import (
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"
)

// PaymentMap says where money arrives that a store's customers pay in some way.
type PaymentMap struct {
	orm.Record  `orm:"woo.payment.map" label:"WooCommerce Payment Method" order:"instance_id, id" rec:"name" search:"name,gateway"`
	InstanceID  orm.Ref[Instance]        `orm:"instance_id,required,index,ondelete=cascade" label:"Instance"`
	CompanyID   orm.Ref[base.Company]    `orm:"company_id,related=instance_id.company_id,store" label:"Company"`
	Gateway     string                   `orm:"gateway" validate:"required" label:"Gateway" help:"As the store's API calls it, such as stripe."`
	Name        string                   `orm:"name" validate:"required" label:"Payment Method"`
	JournalID   orm.Ref[account.Journal] `orm:"journal_id,ondelete=restrict,check_company" label:"Journal" domain:"[('type', 'in', ['bank', 'cash', 'credit'])]" help:"Where payments are registered. Without one none is."`
	PaidAtOrder bool                     `orm:"paid_at_order,default=true" label:"Paid With the Order" help:"The date on which the store says the order was paid is believed. Otherwise it is once the order has left the statuses pending and on hold; one paid on delivery, once it is completed."`
	Active      bool                     `orm:"active,default=true" label:"Active" help:"Payments by an archived method are not registered, and nobody is asked for a journal."`
}

// Gateways that no store has.
const (
	gatewayVoucher = "voucher" // gift cards and store credit
	gatewayNone    = "none"    // an order paid outside of any gateway
)

// Gateways whose money comes later than the order.
const gatewayCash = "cod"

var paidLater = []string{"bacs", "cheque", gatewayCash}

func definePaymentMap(r *orm.Registry) {
	d := orm.Define[PaymentMap](r)
	d.Unique("instance_gateway", "instance_id, gateway", "This way of paying is listed already.")
	d.Constrain("journal_id", func(env *orm.Env, rows []*PaymentMap) error {
		for _, m := range rows {
			if !m.JournalID.IsSet() {
				continue
			}
			j, err := orm.Get[account.Journal](env, m.JournalID.ID)
			if err != nil {
				return err
			}
			if !slices.Contains([]string{account.JournalBank, account.JournalCash, account.JournalCredit}, j.Type) {
				return orm.ValidationErrorf("Payments arrive in a bank, cash or card journal; %s is none.", j.Name)
			}
		}
		return nil
	})
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, v orm.Values) error {
			if err := super(rs, v); err != nil || !v.Has("journal_id", "paid_at_order", "active") {
				return err
			}
			return retryPayments(rs)
		}
	})
	definePayments(r)
}

// retryPayments lets open invoices be looked at again of orders that were paid in ways
// about which something was decided.
func retryPayments(rs orm.Records) error {
	rows, err := orm.Read[PaymentMap](rs.Env, rs.IDs)
	if err != nil {
		return err
	}
	for _, m := range rows {
		by := orm.Leaf("payment_method", "=", m.Gateway)
		switch m.Gateway {
		case gatewayNone:
			by = orm.Leaf("payment_method", "=", false)
		case gatewayVoucher:
			by = orm.Leaf("voucher_total", ">", 0)
		}
		list, err := orm.Search[Order](rs.Env, orm.And(orm.Leaf("instance_id", "=", m.InstanceID.ID), by, orm.Leaf("state", "=", OrderImported),
			orm.Leaf("invoice_id.state", "=", account.MovePosted), orm.Leaf("invoice_id.payment_state", "in", []any{account.InvoiceNotPaid, account.InvoicePartial})), orm.SearchOptions{})
		if err != nil {
			return err
		}
		for _, o := range list {
			if err := queueOrder(rs.Env, m.InstanceID.ID, o.RemoteID, "mended", 0, "mended"); err != nil {
				return err
			}
		}
	}
	return nil
}

// paymentMaps are the ways of paying of a store that are known, archived ones too.
func paymentMaps(env *orm.Env, inst *Instance) (map[string]*PaymentMap, error) {
	return orm.Memo(env, "woo.payments:"+itoa(inst.ID), func() (map[string]*PaymentMap, error) {
		rows, err := orm.Search[PaymentMap](env.WithContext(map[string]any{"active_test": false}), orm.Leaf("instance_id", "=", inst.ID), orm.SearchOptions{})
		out := map[string]*PaymentMap{}
		for _, m := range rows {
			out[m.Gateway] = m
		}
		return out, err
	})
}

// wayOfPaying is a gateway of a store, and what it calls it.
type wayOfPaying struct{ gateway, title string }

// gatewayOf is the gateway an order is paid by.
func gatewayOf(method string) string {
	if method == "" {
		return gatewayNone
	}
	return method
}

// newWays are the ways in which an order was paid, or is going to be, that the map does
// not have.
func newWays(known map[string]*PaymentMap, o *ordermap.Order) []wayOfPaying {
	var out []wayOfPaying
	if o.Payment.Method != "" || !o.Paid.IsZero() {
		out = append(out, wayOfPaying{gatewayOf(o.Payment.Method), o.Payment.Title})
	}
	if len(o.Vouchers) > 0 {
		out = append(out, wayOfPaying{gatewayVoucher, ""})
	}
	return slices.DeleteFunc(out, func(w wayOfPaying) bool { return known[w.gateway] != nil || len(w.gateway) > longestGateway })
}

// longestGateway is how long the id of a gateway may be: what is longer is none.
const longestGateway = 200

// createWays lists ways of paying that are not listed yet.
func createWays(env *orm.Env, inst *Instance, ways []wayOfPaying) error {
	known, err := paymentMaps(env, inst)
	if err != nil {
		return err
	}
	for _, w := range ways {
		if known[w.gateway] != nil {
			continue
		}
		env.Forget("woo.payments:" + itoa(inst.ID))
		name := strings.TrimSpace(w.title)
		switch {
		case w.gateway == gatewayVoucher:
			name = "Gift cards and store credit"
		case w.gateway == gatewayNone:
			name = "Outside of any gateway"
		case name == "":
			name = w.gateway
		}
		if _, err := env.Model("woo.payment.map").Create(orm.Values{"instance_id": inst.ID, "gateway": w.gateway, "name": name, "paid_at_order": !slices.Contains(paidLater, w.gateway)}); err != nil {
			return err
		}
	}
	return nil
}

// enabledWays are the ways of paying a store offers.
func enabledWays(list []wcapi.PaymentGateway) []wayOfPaying {
	var out []wayOfPaying
	for _, g := range list {
		if g.Enabled && g.ID != "" {
			title := wcapi.Unescape(g.Title)
			if title == "" {
				title = wcapi.Unescape(g.MethodTitle)
			}
			out = append(out, wayOfPaying{g.ID, title})
		}
	}
	return append(out, wayOfPaying{gatewayVoucher, ""})
}
