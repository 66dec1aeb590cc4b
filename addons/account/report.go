package account

import (
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/report"
)

// The methods behind the reports of documents.
var (
	renderInvoice  = orm.Method[Move]{Name: report.MethodOf("account.report_invoice")}
	renderPayments = orm.Method[Move]{Name: report.MethodOf("account.report_invoice_with_payments")}
)

func defineReports(d *orm.Def[Move]) {
	orm.Implement(d, renderInvoice, func(env *orm.Env, ms []*Move, _ orm.Args) (any, error) { return printMoves(env, ms, false) })
	orm.Implement(d, renderPayments, func(env *orm.Env, ms []*Move, _ orm.Args) (any, error) { return printMoves(env, ms, true) })
}

// InvoicePDF is the document of invoices, bills and credit notes with what has
// been paid on them, each beginning on a page of its own. The user must be
// allowed to read them. Equal documents have equal bytes.
func InvoicePDF(env *orm.Env, ids ...int64) ([]byte, error) {
	return report.Render(env.Model("account.move").Browse(ids...), "account.report_invoice_with_payments")
}

var documentNames = map[string]string{"out_invoice": "Invoice", "out_refund": "Credit Note", "in_invoice": "Vendor Bill", "in_refund": "Vendor Credit Note", "out_receipt": "Sales Receipt", "in_receipt": "Purchase Receipt"}

func printMoves(env *orm.Env, ms []*Move, payments bool) ([]byte, error) {
	var titles []string
	for _, m := range ms {
		if !m.IsInvoice() {
			return nil, orm.UserErrorf("Only invoices, bills and credit notes can be printed; %s is a journal entry.", m.Name)
		}
		titles = append(titles, m.title())
	}
	first := ms[0]
	created := first.Date
	if !first.InvoiceDate.IsZero() {
		created = first.InvoiceDate
	}
	c, err := companyOf(env, first.CompanyID.ID)
	if err != nil {
		return nil, err
	}
	d := report.New(report.Options{Title: strings.Join(titles, ", "), Author: c.Name, Created: created.Time()})
	for _, m := range ms {
		p := &printer{env: env.Sudo(), doc: d}
		if err := p.print(m.ID, payments); err != nil {
			return nil, err
		}
	}
	return d.Bytes()
}

// title names the document: its kind, state and number.
func (m *Move) title() string {
	name := documentNames[m.MoveType]
	switch m.State {
	case MoveDraft:
		name = "Draft " + name
	case MoveCancelled:
		name = "Cancelled " + name
	}
	if m.Name != "" && m.Name != "/" {
		name += " " + m.Name
	}
	return name
}

// printer writes one document.
type printer struct {
	env      *orm.Env
	doc      *report.Document
	m        *Move
	currency *base.Currency
	format   *base.Format
}

func (p *printer) money(d decimal.Decimal) string { return p.format.Money(d, p.currency) }

func (p *printer) print(id int64, payments bool) error {
	m, err := orm.Get[Move](p.env, id, "partner_id")
	if err != nil {
		return err
	}
	lang := ""
	if m.PartnerID.IsSet() {
		lang = m.PartnerID.Rec().Lang
	}
	if lang != "" {
		p.env = p.env.WithContext(map[string]any{"lang": lang})
	}
	if err := orm.Load(p.env, []*Move{m}, "partner_id", "currency_id", "fiscal_position_id", "invoice_payment_term_id", "line_ids.tax_ids", "line_ids.product_uom_id"); err != nil {
		return err
	}
	p.m, p.currency = m, m.CurrencyID.Rec()
	if p.format, err = base.FormatOf(p.env, lang); err != nil {
		return err
	}
	head, err := base.Letterhead(p.env, m.CompanyID.ID)
	if err != nil {
		return err
	}
	p.doc.Part(head)
	if err := p.addresses(); err != nil {
		return err
	}
	p.doc.Title(m.title())
	p.facts()
	p.lines()
	if err := p.totals(payments); err != nil {
		return err
	}
	p.remarks()
	return nil
}

func (p *printer) addresses() error {
	to, err := base.AddressLines(p.env, p.m.PartnerID.ID)
	if err != nil {
		return err
	}
	if vat := p.m.PartnerID.Rec(); vat != nil && vat.VAT != "" {
		to = append(to, "Tax ID: "+vat.VAT)
	}
	blocks := []report.Block{{Caption: "Bill to", Lines: to}}
	if p.m.IsPurchase() {
		blocks[0].Caption = "Vendor"
	}
	if p.m.ShippingID.IsSet() && p.m.ShippingID.ID != p.m.PartnerID.ID {
		shipped, err := base.AddressLines(p.env, p.m.ShippingID.ID)
		if err != nil {
			return err
		}
		blocks = append(blocks, report.Block{Caption: "Ship to", Lines: shipped})
	}
	p.doc.Blocks(blocks...)
	return nil
}

func (p *printer) facts() {
	one := func(caption, value string) report.Block {
		return report.Block{Caption: caption, Lines: []string{value}}
	}
	date := map[string]string{"out_refund": "Credit Note Date", "in_invoice": "Bill Date", "in_refund": "Credit Note Date"}[p.m.MoveType]
	if date == "" {
		date = "Invoice Date"
	}
	due := ""
	if !p.m.IsRefund() {
		due = p.format.Day(p.m.DueDate)
	}
	p.doc.Blocks(one(date, p.format.Day(p.m.InvoiceDate)), one("Due Date", due), one("Delivery Date", p.format.Day(p.m.DeliveryDate)), one("Source", p.m.Origin), one("Reference", p.m.Ref))
}

// lines writes the table of what is charged.
func (p *printer) lines() {
	discounted := false
	for _, l := range p.m.LineIDs.All() {
		discounted = discounted || !l.Discount.IsZero()
	}
	columns := []report.Column{{Header: "Description", Share: 5}, {Header: "Quantity", Share: 1.7, Right: true}, {Header: "Unit Price", Share: 1.6, Right: true}}
	if discounted {
		columns = append(columns, report.Column{Header: "Disc.%", Share: 0.9, Right: true})
	}
	columns = append(columns, report.Column{Header: "Taxes", Share: 1.4}, report.Column{Header: "Amount", Share: 1.8, Right: true})
	var rows []report.Row
	for _, l := range p.m.lines() {
		switch l.DisplayType {
		case DisplayLineSection:
			rows = append(rows, report.Row{Cells: []string{l.Name}, Heading: true})
			continue
		case DisplayLineNote:
			rows = append(rows, report.Row{Cells: []string{l.Name}, Note: true})
			continue
		}
		quantity := p.format.Quantity(l.Quantity)
		if u := l.UoMID.Rec(); u != nil {
			quantity += " " + u.Name
		}
		cells := []string{l.Name, quantity, p.price(l.PriceUnit)}
		if discounted {
			percent := ""
			if !l.Discount.IsZero() {
				percent = p.format.Quantity(l.Discount)
			}
			cells = append(cells, percent)
		}
		var taxes []string
		for _, t := range l.TaxIDs.All() {
			label := t.InvoiceLabel
			if label == "" {
				label = t.Name
			}
			taxes = append(taxes, label)
		}
		rows = append(rows, report.Row{Cells: append(cells, strings.Join(taxes, ", "), p.money(l.PriceSubtotal))})
	}
	p.doc.Table(columns, rows)
}

// price shows a unit price with the decimals it has, at least those of money.
func (p *printer) price(d decimal.Decimal) string {
	places := int32(p.currency.DecimalPlaces)
	for places < 6 && !d.Equal(d.Round(places)) {
		places++
	}
	return p.format.Number(d, places)
}

// lines are what people entered on a document, in their order.
func (m *Move) lines() []*MoveLine {
	var out []*MoveLine
	for _, l := range m.LineIDs.All() {
		if l.DisplayType == DisplayProduct || l.DisplayType == DisplayLineSection || l.DisplayType == DisplayLineNote {
			out = append(out, l)
		}
	}
	sortLines(out)
	return out
}

func (p *printer) totals(payments bool) error {
	doc := p.m.document(p.m.lines())
	if err := doc.Compute(p.env); err != nil {
		return err
	}
	groups, err := doc.groups(p.env)
	if err != nil {
		return err
	}
	totals := []report.Total{{Label: "Untaxed Amount", Amount: p.money(p.m.AmountUntaxed)}}
	for _, g := range groups {
		label := g.name
		if !g.base.Equal(p.m.AmountUntaxed) {
			label += " on " + p.money(g.base)
		}
		totals = append(totals, report.Total{Label: label, Amount: p.money(g.amount)})
	}
	totals = append(totals, report.Total{Label: "Total", Amount: p.money(p.m.AmountTotal), Strong: true})
	if payments && p.m.State == MovePosted {
		paid, err := settlements(p.env, p.m)
		if err != nil {
			return err
		}
		for _, s := range paid {
			label := "Paid on "
			if s.credit {
				label = "Credited on "
			}
			totals = append(totals, report.Total{Label: label + p.format.Day(s.day), Amount: p.money(s.amount.Neg())})
		}
		if len(paid) > 0 {
			totals = append(totals, report.Total{Label: "Amount Due", Amount: p.money(p.m.AmountResidual), Strong: true})
		}
	}
	p.doc.Totals(totals)
	return nil
}

// settlement is a part of a document that was paid or credited.
type settlement struct {
	day    orm.Date
	amount decimal.Decimal
	credit bool // by another document
}

// settlements are what a document was settled by, in the order of their dates,
// in its currency.
func settlements(env *orm.Env, m *Move) ([]settlement, error) {
	type row struct {
		Date   orm.Date
		Sum    decimal.Decimal
		Credit bool
	}
	// SQL: joins items over what settles them, which the customer may not read.
	rows, err := orm.Rows[row](env, orm.SQL(`SELECT o.date, COALESCE(sum(CASE WHEN p.debit_move_id = own.id THEN p.debit_amount_currency ELSE p.credit_amount_currency END), 0) AS sum, m.move_type <> 'entry' AS credit
		FROM account_move_line own
		JOIN account_partial_reconcile p ON own.id IN (p.debit_move_id, p.credit_move_id)
		JOIN account_move_line o ON o.id IN (p.debit_move_id, p.credit_move_id) AND o.id <> own.id
		JOIN account_move m ON m.id = o.move_id
		WHERE own.move_id = ? AND own.display_type = 'payment_term' AND p.exchange_move_id IS NULL
		GROUP BY o.date, m.id, m.move_type ORDER BY o.date, m.id`, m.ID).Reads("account.move.line").Reads("account.partial.reconcile").Reads("account.move", "move_type"))
	if err != nil {
		return nil, err
	}
	out := make([]settlement, len(rows))
	for i, row := range rows {
		out[i].day, out[i].amount, out[i].credit = row.Date, row.Sum, row.Credit
	}
	return out, nil
}

// remarks are what a document says below its sums.
func (p *printer) remarks() {
	if t := p.m.PaymentTermID.Rec(); t != nil && t.Note != "" {
		p.doc.Text(report.Plain(t.Note))
	}
	if p.m.PaymentReference != "" && p.m.IsSale() && !p.m.IsRefund() && p.m.State == MovePosted {
		p.doc.Text("Payment Communication: " + p.m.PaymentReference)
	}
	if f := p.m.FiscalPositionID.Rec(); f != nil && f.Note != "" {
		p.doc.Text(report.Plain(f.Note))
	}
	p.doc.Text(report.Plain(p.m.Narration))
}
