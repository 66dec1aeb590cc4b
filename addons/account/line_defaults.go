package account

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/framework/orm"
)

// lineDefaults completes the lines of one document. What several lines need of
// products, accounts and taxes it reads once for all of them.
type lineDefaults struct {
	env       *orm.Env
	m         *Move
	books     *Company
	own       int64 // the company's currency
	rate      decimal.Decimal
	products  map[int64]*product.Product
	templates map[int64]*Template
	names     map[int64]string
	accounts  map[int64]int64 // by template
	usable    map[int64]bool  // taxes of the document's kind and company
	ofAccount map[int64][]int64
}

// newLineDefaults prepares for lines with the products that the values name.
func newLineDefaults(env *orm.Env, m *Move, list []orm.Values) (*lineDefaults, error) {
	f := &lineDefaults{env: env, m: m}
	var err error
	if f.books, err = booksCompany(env, m.CompanyID.ID); err != nil {
		return nil, err
	}
	if f.own, err = base.CompanyCurrency(env, m.CompanyID.ID); err != nil {
		return nil, err
	}
	if f.rate, err = m.rateToBooks(env, f.own); err != nil {
		return nil, err
	}
	if !m.IsInvoice() {
		return f, nil
	}
	var ids []int64
	for _, vals := range list {
		if id := vals.ID("product_id"); id != 0 {
			ids = append(ids, id)
		}
	}
	return f, f.read(unique(ids))
}

// rateToBooks is how many units of the document's currency one unit of the
// company's buys on the day the document counts for.
func (m *Move) rateToBooks(env *orm.Env, own int64) (decimal.Decimal, error) {
	return base.ConversionRate(env, own, m.CurrencyID.ID, m.CompanyID.ID, m.rateDate(env))
}

// rateDate is the day whose exchange rate a document uses.
func (m *Move) rateDate(env *orm.Env) orm.Date {
	switch {
	case !m.InvoiceDate.IsZero():
		return m.InvoiceDate
	case !m.IsInvoice() && !m.Date.IsZero():
		return m.Date
	}
	return env.Today()
}

func (f *lineDefaults) read(products []int64) error {
	if len(products) == 0 {
		return nil
	}
	env := f.env.Sudo().WithCompany(f.books.ID)
	ps, err := orm.Read[product.Product](env, products, "product_tmpl_id", "lst_price", "standard_price")
	if err != nil {
		return err
	}
	f.products, f.templates = map[int64]*product.Product{}, map[int64]*Template{}
	var templates []int64
	for _, p := range ps {
		f.products[p.ID] = p
		templates = append(templates, p.TemplateID.ID)
	}
	ts, err := orm.Read[Template](env, unique(templates), "taxes_id", "supplier_taxes_id")
	if err != nil {
		return err
	}
	var taxes []int64
	for _, t := range ts {
		f.templates[t.ID] = t
		taxes = append(taxes, f.taxesOf(t)...)
	}
	if f.names, err = orm.RecordsOf(env, ps...).DisplayNames(); err != nil {
		return err
	}
	kept, err := TaxesOf(env, unique(taxes), f.m.CompanyID.ID, f.use())
	if err != nil {
		return err
	}
	f.usable = map[int64]bool{}
	for _, id := range kept {
		f.usable[id] = true
	}
	f.accounts, err = productAccounts(env, ts, f.m.IsPurchase())
	return err
}

// use is the kind of taxes a document has.
func (f *lineDefaults) use() string {
	if f.m.IsPurchase() {
		return "purchase"
	}
	return "sale"
}

func (f *lineDefaults) taxesOf(t *Template) []int64 {
	if f.m.IsPurchase() {
		return t.SupplierTaxesID.IDs()
	}
	return t.TaxesID.IDs()
}

// complete fills what a new item needs from its entry and product, and makes
// its amounts agree.
func (f *lineDefaults) complete(vals orm.Values) error {
	kind := vals.Text("display_type")
	if kind == "" {
		kind = "product"
		vals["display_type"] = kind
	}
	if vals.ID("currency_id") == 0 || f.m.IsInvoice() {
		vals["currency_id"] = f.m.CurrencyID.ID
	}
	if kind == "line_section" || kind == "line_note" {
		for _, name := range []string{"account_id", "product_id", "product_uom_id", "tax_ids", "tax_override", "debit", "credit", "balance", "amount_currency", "price_unit", "quantity"} {
			delete(vals, name)
		}
		return nil
	}
	if !vals.Has("partner_id") || f.m.IsInvoice() {
		vals["partner_id"] = orNil(f.m.CommercialID.ID)
	}
	if f.m.IsInvoice() && kind == "product" {
		if err := f.fill(vals, false); err != nil {
			return err
		}
	}
	if err := roundToPrecision(f.env, vals); err != nil {
		return err
	}
	return f.balance(nil, vals)
}

// fill sets description, price, unit, taxes and account of an invoice line
// where they are not given; changed says that the line exists already.
func (f *lineDefaults) fill(vals orm.Values, changed bool) error {
	missing := func(name string) bool { _, ok := vals[name]; return !ok }
	if missing("quantity") && !changed {
		vals["quantity"] = decimal.NewFromInt(1)
	}
	var t *Template
	if p := f.products[vals.ID("product_id")]; p != nil {
		t = f.templates[p.TemplateID.ID]
		if missing("name") {
			vals["name"] = f.description(p, t)
		}
		if vals.ID("product_uom_id") == 0 {
			vals["product_uom_id"] = t.UoMID.ID
		}
		if missing("price_unit") {
			vals["price_unit"] = f.price(p)
		}
	}
	if vals.ID("account_id") == 0 {
		account, err := f.account(t)
		if err != nil {
			return err
		}
		vals["account_id"] = account
	}
	if missing("tax_ids") && (t != nil || !changed) {
		taxes, err := f.defaultTaxes(t, vals.ID("account_id"))
		if err != nil {
			return err
		}
		vals["tax_ids"] = []orm.Command{orm.SetIDs(taxes...)}
	}
	return nil
}

// description is what a document says of a product: its name with its
// reference, and the description for sales or purchases.
func (f *lineDefaults) description(p *product.Product, t *Template) string {
	more := t.DescriptionSale
	if f.m.IsPurchase() {
		more = t.DescriptionPurchase
	}
	if more == "" {
		return f.names[p.ID]
	}
	return f.names[p.ID] + "\n" + more
}

// price is the product's price or cost in the currency of the document.
func (f *lineDefaults) price(p *product.Product) decimal.Decimal {
	price := p.LstPrice.Get()
	if f.m.IsPurchase() {
		price = p.StandardPrice
	}
	return price.Mul(f.rate)
}

// defaultTaxes are the product's taxes of the document's kind and company, else
// those of the account, mapped by the document's fiscal position.
func (f *lineDefaults) defaultTaxes(t *Template, account int64) ([]int64, error) {
	var kept []int64
	if t != nil {
		for _, id := range f.taxesOf(t) {
			if f.usable[id] {
				kept = append(kept, id)
			}
		}
	}
	if len(kept) == 0 {
		var err error
		if kept, err = f.accountTaxes(account); err != nil {
			return nil, err
		}
	}
	return MapTaxes(f.env, f.m.FiscalPositionID.ID, kept)
}

// accountTaxes are the default taxes of an account.
func (f *lineDefaults) accountTaxes(account int64) ([]int64, error) {
	if kept, known := f.ofAccount[account]; known || account == 0 {
		return kept, nil
	}
	a, err := orm.Get[Account](f.env.Sudo(), account, "tax_ids")
	if err != nil {
		return nil, err
	}
	kept, err := TaxesOf(f.env, a.TaxIDs.IDs(), f.m.CompanyID.ID, f.use())
	if err != nil {
		return nil, err
	}
	if f.ofAccount == nil {
		f.ofAccount = map[int64][]int64{}
	}
	f.ofAccount[account] = kept
	return kept, nil
}

// account is where a line is booked: the product's account, its category's,
// the journal's, the company's.
func (f *lineDefaults) account(t *Template) (int64, error) {
	account := int64(0)
	if t != nil {
		account = f.accounts[t.ID]
	}
	if account == 0 {
		j, err := journalOf(f.env, f.m.JournalID.ID)
		if err != nil {
			return 0, err
		}
		account = j.DefaultAccountID.ID
	}
	if account == 0 {
		account = f.books.IncomeID.ID
		if f.m.IsPurchase() {
			account = f.books.ExpenseID.ID
		}
	}
	if account == 0 {
		return 0, orm.UserErrorf("No account is known for the lines of this document. Set a default account on the journal, or an income and an expense account on the company %s.", f.books.Name)
	}
	return MapAccount(f.env, f.m.FiscalPositionID.ID, account)
}

// balance makes debit, credit, balance and amount in currency agree with the
// one that is given. old is the item when it exists already.
func (f *lineDefaults) balance(old *MoveLine, vals orm.Values) error {
	var balance decimal.Decimal
	known := false
	debit, hasDebit := vals.Decimal("debit"), vals["debit"] != nil
	credit, hasCredit := vals.Decimal("credit"), vals["credit"] != nil
	given, hasBalance := vals.Decimal("balance"), vals["balance"] != nil
	inCurrency, hasCurrency := vals.Decimal("amount_currency"), vals["amount_currency"] != nil
	switch {
	case hasBalance:
		balance, known = given, true
	case hasDebit || hasCredit:
		if old != nil && !hasDebit && credit.IsZero() {
			debit = old.Debit
		}
		if old != nil && !hasCredit && debit.IsZero() {
			credit = old.Credit
		}
		balance, known = debit.Sub(credit), true
	}
	currency := vals.ID("currency_id")
	if currency == 0 && old != nil {
		currency = old.CurrencyID.ID
	}
	if !known && !hasCurrency {
		return nil
	}
	rate := f.rate
	var err error
	if currency != f.m.CurrencyID.ID {
		if rate, err = base.ConversionRate(f.env, f.own, currency, f.m.CompanyID.ID, f.m.rateDate(f.env)); err != nil {
			return err
		}
	}
	if !known {
		balance = inCurrency.DivRound(rate, 16)
	}
	if balance, err = base.Round(f.env, balance, f.own); err != nil {
		return err
	}
	switch {
	case currency == f.own:
		vals["amount_currency"] = balance
	case !hasCurrency:
		inCurrency = balance.Mul(rate)
		fallthrough
	default:
		if vals["amount_currency"], err = base.Round(f.env, inCurrency, currency); err != nil {
			return err
		}
	}
	setBalance(vals, balance)
	return nil
}

func setBalance(vals orm.Values, balance decimal.Decimal) {
	vals["balance"] = balance
	vals["debit"], vals["credit"] = decimal.Max(balance, decimal.Zero), decimal.Max(balance.Neg(), decimal.Zero)
}

// amounts computes the taxes of the new lines of a draft document, so that
// they need not be changed once they are stored.
func (f *lineDefaults) amounts(list []orm.Values) error {
	doc := &Document{Company: f.m.CompanyID.ID, Currency: f.m.CurrencyID.ID, Rate: f.rate, Rounding: f.m.TaxRounding, Refund: f.m.IsRefund()}
	var lines []orm.Values
	for _, vals := range list {
		if vals["display_type"] != "product" {
			continue
		}
		taxes, ok := vals.IDs("tax_ids")
		if !ok {
			return nil // taxes made together with the line: syncMoves sees them
		}
		l := DocumentLine{Taxes: taxes, Override: vals.JSON("tax_override"), Price: vals.Decimal("price_unit"), Quantity: vals.Decimal("quantity"), Discount: vals.Decimal("discount")}
		doc.Lines, lines = append(doc.Lines, l), append(lines, vals)
	}
	if err := doc.Compute(f.env); err != nil {
		return err
	}
	for i, vals := range lines {
		r := doc.Results[i]
		amount := f.m.Sign().Mul(r.Booked)
		balance, err := inBooks(f.env, amount, f.rate, f.own)
		if err != nil {
			return err
		}
		vals["amount_currency"], vals["price_subtotal"], vals["price_total"] = amount, r.Subtotal, r.Total
		setBalance(vals, balance)
	}
	return nil
}

// inBooks is an amount in the company's currency.
func inBooks(env *orm.Env, amount, rate decimal.Decimal, own int64) (decimal.Decimal, error) {
	return base.Round(env, amount.DivRound(rate, 16), own)
}
