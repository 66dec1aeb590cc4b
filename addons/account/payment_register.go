package account

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// PaymentRegister is the wizard that pays posted documents.
type PaymentRegister struct {
	orm.Record  `orm:"account.payment.register,transient" label:"Pay" rec:"communication"`
	PaymentDate orm.Date                      `orm:"payment_date,required,default=today" label:"Payment Date"`
	Amount      decimal.Decimal               `orm:"amount,monetary" label:"Amount"`
	Memo        string                        `orm:"communication" label:"Memo"`
	Group       bool                          `orm:"group_payment" label:"Group Payments" help:"One payment for all documents of a partner instead of one each."`
	CurrencyID  orm.Ref[base.Currency]        `orm:"currency_id" label:"Currency"`
	JournalID   orm.Ref[Journal]              `orm:"journal_id" label:"Journal" domain:"[('type', 'in', ['bank', 'cash', 'credit'])]"`
	LineIDs     orm.Many[MoveLine]            `orm:"line_ids,rel=account_payment_register_move_line_rel:wizard_id:line_id" label:"Journal items"`
	PaymentType string                        `orm:"payment_type" selection:"outbound:Send Money,inbound:Receive Money" label:"Payment Type"`
	PartnerType string                        `orm:"partner_type" selection:"customer:Customer,supplier:Vendor" label:"Partner Type"`
	PartnerID   orm.Ref[base.Partner]         `orm:"partner_id" label:"Customer/Vendor"`
	CompanyID   orm.Ref[base.Company]         `orm:"company_id" label:"Company"`
	Mode        string                        `orm:"installments_mode" selection:"next:Next Installment,overdue:Overdue Amount,full:Full Amount" label:"Installments Mode" help:"What is proposed to be paid: what is overdue, else the next installment; or all that is due."`
	Due         decimal.Decimal               `orm:"due_amount,monetary" label:"Amount Due"`
	Source      decimal.Decimal               `orm:"source_amount,currency=company_currency_id" label:"Amount to Pay (company currency)"`
	SourceInOwn decimal.Decimal               `orm:"source_amount_currency,currency=source_currency_id" label:"Amount to Pay (foreign currency)"`
	SourceCurr  orm.Ref[base.Currency]        `orm:"source_currency_id" label:"Source Currency"`
	CompanyCurr orm.Ref[base.Currency]        `orm:"company_currency_id,related=company_id.currency_id,readonly" label:"Company Currency"`
	CanEdit     bool                          `orm:"can_edit_wizard" label:"Can Edit" help:"All documents are of one partner, so that the amount can be chosen."`
	CanGroup    bool                          `orm:"can_group_payments" label:"Can Group Payments"`
	Difference  orm.Deferred[decimal.Decimal] `orm:"payment_difference,monetary" label:"Payment Difference"`
	Handling    string                        `orm:"payment_difference_handling,default=open" selection:"open:Keep open,reconcile:Mark as fully paid" label:"Payment Difference Handling"`
	WriteoffID  orm.Ref[Account]              `orm:"writeoff_account_id" label:"Difference Account"`
	WriteoffTag string                        `orm:"writeoff_label,default=Write-Off" label:"Journal Item Label"`
}

// CreatePayments makes, posts and reconciles the payments of the wizard.
var CreatePayments = orm.Method[PaymentRegister]{Name: "action_create_payments"}

func definePaymentRegister(r *orm.Registry) {
	d := orm.Define[PaymentRegister](r)
	d.Compute("payment_difference", func(_ *orm.Env, ws []*PaymentRegister) error {
		for _, w := range ws {
			w.Difference.Set(w.Due.Sub(w.Amount))
		}
		return nil
	}, "due_amount", "amount")
	d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			full := make([]orm.Values, len(list))
			for i, vals := range list {
				v, err := completeRegister(rs.Env, vals.Clone())
				if err != nil {
					return rs, err
				}
				full[i] = v
			}
			return super(rs, full)
		}
	})
	d.OnDefaultGet(func(super orm.DefaultFunc) orm.DefaultFunc {
		return func(rs orm.Records, fields []string) (orm.Values, error) {
			vals, err := super(rs, fields)
			if err != nil || rs.Env.Key("active_model") == nil || !slices.Contains(fields, "line_ids") {
				return vals, err
			}
			filled, err := completeRegister(rs.Env, vals.Clone())
			if err != nil {
				return nil, err
			}
			for _, f := range fields {
				if v, ok := filled[f]; ok {
					vals[f] = v
				}
			}
			return vals, nil
		}
	})
	orm.Implement(d, CreatePayments, createPayments)
}

// completeRegister finds the open items to pay and what is due on them.
func completeRegister(env *orm.Env, vals orm.Values) (orm.Values, error) {
	lines, err := itemsToPay(env, vals)
	if err != nil {
		return nil, err
	}
	first := lines[0]
	currency := first.CurrencyID.ID
	own, err := base.CompanyCurrency(env, first.CompanyID.ID)
	if err != nil {
		return nil, err
	}
	same := true
	for _, l := range lines {
		same = same && l.CurrencyID.ID == currency
	}
	if !same {
		currency = own
	}
	day := vals.Date("payment_date")
	if day.IsZero() {
		day = env.Today()
	}
	asked, mode := proposed(lines, day)
	if vals.Text("installments_mode") == "full" {
		asked, mode = lines, "full"
	}
	vals["installments_mode"] = mode
	open := func(ls []*MoveLine, foreign bool) (sum decimal.Decimal) {
		for _, l := range ls {
			if foreign {
				sum = sum.Add(l.ResidualCurrency)
			} else {
				sum = sum.Add(l.AmountResidual)
			}
		}
		return sum
	}
	due := open(asked, same && currency != own)
	vals["source_amount"], vals["source_amount_currency"], vals["source_currency_id"] = open(lines, false).Abs(), open(lines, same && currency != own).Abs(), currency
	moves, alone := map[int64]bool{}, true
	for _, l := range lines {
		moves[l.MoveID.ID] = true
		alone = alone && l.PartnerID.ID == first.PartnerID.ID && l.AccountID.ID == first.AccountID.ID
	}
	vals["can_edit_wizard"], vals["can_group_payments"] = alone, alone && len(lines) > 1
	ids := make([]int64, len(lines))
	var names []string
	for i, l := range lines {
		ids[i] = l.ID
		m := l.MoveID.Rec()
		label := m.PaymentReference
		if label == "" {
			label = m.Ref
		}
		if label == "" {
			label = m.Name
		}
		if !slices.Contains(names, label) {
			names = append(names, label)
		}
	}
	set := func(name string, v any) {
		if x, ok := vals[name]; !ok || x == nil || x == false {
			vals[name] = v
		}
	}
	if !vals.Has("group_payment") {
		vals["group_payment"] = alone && len(moves) == 1
	}
	set("line_ids", []orm.Command{orm.SetIDs(ids...)})
	set("company_id", first.CompanyID.ID)
	set("partner_id", first.PartnerID.ID)
	set("communication", strings.Join(names, " "))
	vals["payment_type"], vals["partner_type"] = "inbound", "customer"
	if due.IsNegative() {
		vals["payment_type"] = "outbound"
	}
	if first.AccountType == "liability_payable" {
		vals["partner_type"] = "supplier"
	}
	if vals.ID("journal_id") == 0 {
		j, err := journalFor(env, first.CompanyID.ID, "bank", "cash", "credit")
		if err != nil {
			return nil, err
		}
		vals["journal_id"] = j.ID
	}
	if chosen := vals.ID("currency_id"); chosen != 0 && chosen != currency {
		if due, err = base.Convert(env, due, currency, chosen, first.CompanyID.ID, day); err != nil {
			return nil, err
		}
		currency = chosen
	}
	vals["currency_id"], vals["due_amount"] = currency, due.Abs()
	set("amount", due.Abs())
	return vals, nil
}

// proposed are the items that are asked to be paid on a day: of each document
// the overdue ones, else the next that falls due. mode says which they are.
func proposed(lines []*MoveLine, day orm.Date) (asked []*MoveLine, mode string) {
	byMove := map[int64][]*MoveLine{}
	var order []int64
	for _, l := range lines {
		if byMove[l.MoveID.ID] == nil {
			order = append(order, l.MoveID.ID)
		}
		byMove[l.MoveID.ID] = append(byMove[l.MoveID.ID], l)
	}
	for _, id := range order {
		ls := byMove[id]
		slices.SortStableFunc(ls, func(a, b *MoveLine) int { return a.maturity().Time().Compare(b.maturity().Time()) })
		n := 0
		for n < len(ls) && ls[n].maturity().Before(day) {
			n++
		}
		found := "overdue"
		if n == 0 {
			n, found = 1, "next"
		}
		asked = append(asked, ls[:n]...)
		if mode == "" || found == "next" {
			mode = found
		}
	}
	if len(asked) == len(lines) {
		mode = "full"
	}
	return asked, mode
}

// itemsToPay are the open receivable or payable items of the documents the
// wizard was opened on.
func itemsToPay(env *orm.Env, vals orm.Values) ([]*MoveLine, error) {
	ids := env.KeyIDs("active_ids")
	var d orm.Domain
	switch model := env.KeyText("active_model"); {
	case vals["line_ids"] != nil:
		given, ok := vals.IDs("line_ids")
		if !ok {
			return nil, orm.UserErrorf("The journal items to pay must be given as a list of ids.")
		}
		d = orm.Leaf("id", "in", given)
	case model == "account.move":
		d = orm.Leaf("move_id", "in", ids)
	case model == "account.move.line":
		d = orm.Leaf("id", "in", ids)
	default:
		return nil, orm.UserErrorf("The register payment wizard should only be called on account.move or account.move.line records.")
	}
	ls, err := orm.Search[MoveLine](env, orm.And(d, orm.Leaf("account_id.account_type", "in", []string{"asset_receivable", "liability_payable"})),
		orm.SearchOptions{Order: "id"}, "move_id", "account_type")
	if err != nil {
		return nil, err
	}
	var open []*MoveLine
	for _, l := range ls {
		if l.MoveID.Rec().State != MovePosted {
			return nil, orm.UserErrorf("You can only register payment for posted journal entries.")
		}
		if l.Reconciled || l.AmountResidual.IsZero() && l.ResidualCurrency.IsZero() {
			continue
		}
		open = append(open, l)
	}
	if len(open) == 0 {
		return nil, orm.UserErrorf("You can't register a payment because there is nothing left to pay on the selected journal items.")
	}
	for _, l := range open {
		if l.CompanyID.ID != open[0].CompanyID.ID {
			return nil, orm.UserErrorf("You can't create payments for entries belonging to different companies.")
		}
		if l.AccountType != open[0].AccountType {
			return nil, orm.UserErrorf("You can't register payments for both inbound and outbound moves at the same time.")
		}
	}
	return open, nil
}

// batch is what one payment of the wizard pays.
type batch struct {
	lines []*MoveLine
	due   decimal.Decimal // signed, in currency
}

func createPayments(env *orm.Env, ws []*PaymentRegister, _ orm.Args) (any, error) {
	if err := orm.RecordsOf(env, ws...).One(); err != nil {
		return nil, err
	}
	w := ws[0]
	if err := orm.Load(env, ws, "line_ids.move_id"); err != nil {
		return nil, err
	}
	if !w.Amount.IsPositive() {
		return nil, orm.UserErrorf("The amount to pay must be positive.")
	}
	batches, err := w.batches(env)
	if err != nil {
		return nil, err
	}
	var made []int64
	for _, b := range batches {
		amount := b.due.Abs()
		if len(batches) == 1 {
			amount = w.Amount
		}
		id, err := w.pay(env, b, amount, len(batches) == 1)
		if err != nil {
			return nil, err
		}
		made = append(made, id)
	}
	if env.Flag("dont_redirect_to_payments", false) {
		return true, nil
	}
	action := map[string]any{"name": "Payments", "type": "ir.actions.act_window", "res_model": "account.payment", "context": map[string]any{"create": false}}
	if len(made) == 1 {
		action["view_mode"], action["res_id"] = "form", made[0]
	} else {
		action["view_mode"], action["domain"] = "list,form", []any{[]any{"id", "in", made}}
	}
	return action, nil
}

// batches divides the items by partner and account, and apart unless they shall
// be paid together.
func (w *PaymentRegister) batches(env *orm.Env) ([]*batch, error) {
	type key struct{ partner, account, item int64 }
	found := map[key]*batch{}
	var out []*batch
	own, err := base.CompanyCurrency(env, w.CompanyID.ID)
	if err != nil {
		return nil, err
	}
	var lines []*MoveLine
	for _, l := range w.LineIDs.All() {
		if !l.Reconciled {
			lines = append(lines, l)
		}
	}
	if !w.Group && w.Mode != InstallmentsFull {
		lines, _ = proposed(lines, w.PaymentDate)
	}
	for _, l := range lines {
		k := key{l.PartnerID.ID, l.AccountID.ID, l.ID}
		if w.Group {
			k.item = 0
		}
		b := found[k]
		if b == nil {
			b = &batch{}
			found[k] = b
			out = append(out, b)
		}
		b.lines = append(b.lines, l)
		amount, from := l.AmountResidual, own
		if l.CurrencyID.ID == w.CurrencyID.ID {
			amount, from = l.ResidualCurrency, l.CurrencyID.ID
		}
		if amount, err = base.Convert(env, amount, from, w.CurrencyID.ID, w.CompanyID.ID, w.PaymentDate); err != nil {
			return nil, err
		}
		b.due = b.due.Add(amount)
	}
	if len(out) == 0 {
		return nil, orm.UserErrorf("You can't register a payment because there is nothing left to pay on the selected journal items.")
	}
	return out, nil
}

// pay makes one payment of a batch and matches it with the batch's items.
func (w *PaymentRegister) pay(env *orm.Env, b *batch, amount decimal.Decimal, sole bool) (int64, error) {
	kind := "inbound"
	if b.due.IsNegative() {
		kind = "outbound"
	}
	var invoices []int64
	memo := w.Memo
	for _, l := range b.lines {
		if !slices.Contains(invoices, l.MoveID.ID) {
			invoices = append(invoices, l.MoveID.ID)
		}
	}
	if !sole && len(invoices) == 1 {
		memo = b.lines[0].MoveID.Rec().PaymentReference
	}
	p, err := env.Model("account.payment").Create(orm.Values{"date": w.PaymentDate, "amount": amount, "payment_type": kind, "partner_type": w.PartnerType,
		"memo": memo, "journal_id": w.JournalID.ID, "company_id": w.CompanyID.ID, "currency_id": w.CurrencyID.ID, "partner_id": b.lines[0].PartnerID.ID,
		"destination_account_id": b.lines[0].AccountID.ID, "invoice_ids": []orm.Command{orm.SetIDs(invoices...)}})
	if err != nil {
		return 0, err
	}
	if _, err := p.Do("action_post", orm.Args{}); err != nil {
		return 0, err
	}
	sudo := env.Sudo()
	own, err := orm.Search[MoveLine](sudo, orm.And(orm.Leaf("move_id.origin_payment_id", "=", p.ID()), orm.Leaf("account_id", "=", b.lines[0].AccountID.ID)), orm.SearchOptions{})
	if err != nil {
		return 0, err
	}
	items := append(own, b.lines...)
	diff := b.due.Abs().Sub(amount)
	if w.Mode != InstallmentsFull { // the other installments stay open
		diff = w.Due.Sub(amount)
	}
	if sole && w.Handling == DifferenceReconcile && !diff.IsZero() {
		written, err := w.writeOff(sudo, b, diff)
		if err != nil {
			return 0, err
		}
		items = append(items, written)
	}
	return p.ID(), reconcile(sudo, items)
}

// writeOff books the difference between what was due and what was paid on the
// account the user chose, so that the documents count as fully paid.
func (w *PaymentRegister) writeOff(env *orm.Env, b *batch, diff decimal.Decimal) (*MoveLine, error) {
	if !w.WriteoffID.IsSet() {
		return nil, orm.UserErrorf("Choose the account on which the difference of the payment is booked.")
	}
	if b.due.IsNegative() {
		diff = diff.Neg()
	}
	j, err := journalFor(env, w.CompanyID.ID, "general")
	if err != nil {
		return nil, err
	}
	own, err := base.CompanyCurrency(env, w.CompanyID.ID)
	if err != nil {
		return nil, err
	}
	balance, err := base.Convert(env, diff, w.CurrencyID.ID, own, w.CompanyID.ID, w.PaymentDate)
	if err != nil {
		return nil, err
	}
	line := func(account int64, balance, inCurrency decimal.Decimal) orm.Command {
		return orm.CreateLine(orm.Values{"name": w.WriteoffTag, "account_id": account, "partner_id": b.lines[0].PartnerID.ID, "currency_id": w.CurrencyID.ID, "balance": balance, "amount_currency": inCurrency})
	}
	made, err := env.Model("account.move").Create(orm.Values{"move_type": "entry", "journal_id": j.ID, "company_id": w.CompanyID.ID, "date": w.PaymentDate, "ref": w.WriteoffTag,
		"line_ids": []orm.Command{line(w.WriteoffID.ID, balance, diff), line(b.lines[0].AccountID.ID, balance.Neg(), diff.Neg())}})
	if err != nil {
		return nil, err
	}
	if err := Post(env, made.ID()); err != nil {
		return nil, err
	}
	return orm.First[MoveLine](env, orm.And(orm.Leaf("move_id", "=", made.ID()), orm.Leaf("account_id", "=", b.lines[0].AccountID.ID)), "id")
}
