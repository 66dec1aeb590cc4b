package account

import (
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"fusion/addons/base"
	"fusion/addons/product"
	"fusion/framework/orm"
)

// KeyFullPrecision is the context key under which prices and discounts keep all
// six decimals they are given; without it they are rounded to the precision
// kept in decimal.precision. Integrations set it.
const KeyFullPrecision = "full_precision"

func createLines(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		env := rs.Env
		moves, err := movesOf(env, list)
		if err != nil {
			return rs, err
		}
		full := make([]orm.Values, len(list))
		for i, vals := range list {
			m := moves[asInt(vals["move_id"])]
			if m == nil {
				return rs, orm.ValidationErrorf("A journal item needs the entry it belongs to (move_id).")
			}
			if m.State == "posted" && !env.Flag(keyForce, false) {
				return rs, orm.UserErrorf("You cannot do this modification on a posted journal entry, you can just change some non legal fields. You must reset the journal entry to draft first.")
			}
			if full[i], err = completeLine(env, m, vals.Clone()); err != nil {
				return rs, err
			}
		}
		made, err := super(rs, full)
		if err != nil || env.Flag(keySyncing, false) {
			return made, err
		}
		ids := make([]int64, 0, len(moves))
		for id := range moves {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		if err := syncMoves(env, ids); err != nil {
			return made, err
		}
		return made, checkLocked(env, ids)
	}
}

// movesOf reads the entries new items belong to.
func movesOf(env *orm.Env, list []orm.Values) (map[int64]*Move, error) {
	var ids []int64
	for _, vals := range list {
		if id := asInt(vals["move_id"]); id != 0 && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	ms, err := orm.Read[Move](env.Sudo(), ids)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]*Move, len(ms))
	for _, m := range ms {
		out[m.ID] = m
	}
	return out, nil
}

// completeLine fills what a new item needs from its entry and product, and
// makes its amounts agree.
func completeLine(env *orm.Env, m *Move, vals orm.Values) (orm.Values, error) {
	kind := asString(vals["display_type"])
	if kind == "" {
		kind = "product"
		vals["display_type"] = kind
	}
	if asInt(vals["currency_id"]) == 0 {
		vals["currency_id"] = m.CurrencyID.ID
	}
	if kind == "line_section" || kind == "line_note" {
		for _, f := range []string{"account_id", "product_id", "product_uom_id", "tax_ids", "debit", "credit", "balance", "amount_currency", "price_unit", "quantity"} {
			delete(vals, f)
		}
		return vals, nil
	}
	if _, given := vals["partner_id"]; !given && m.CommercialID.IsSet() {
		vals["partner_id"] = m.CommercialID.ID
	}
	if m.IsInvoice() && kind == "product" {
		if err := fillFromProduct(env, m, vals, false); err != nil {
			return nil, err
		}
	}
	if err := roundGiven(env, vals); err != nil {
		return nil, err
	}
	return vals, balanceValues(env, m, nil, vals)
}

// fillFromProduct sets description, price, unit, taxes and account of an
// invoice line where they are not given.
func fillFromProduct(env *orm.Env, m *Move, vals orm.Values, changed bool) error {
	missing := func(name string) bool { _, ok := vals[name]; return !ok }
	if missing("quantity") && !changed {
		vals["quantity"] = decimal.NewFromInt(1)
	}
	id := asInt(vals["product_id"])
	var p *product.Product
	var t *Template
	if id != 0 {
		var err error
		if p, err = orm.Get[product.Product](env.Sudo().WithCompany(m.CompanyID.ID), id, "product_tmpl_id", "lst_price", "standard_price"); err != nil {
			return err
		}
		if t, err = orm.Get[Template](env.Sudo().WithCompany(m.CompanyID.ID), p.TemplateID.ID, "taxes_id", "supplier_taxes_id"); err != nil {
			return err
		}
		if missing("name") {
			if vals["name"], err = lineDescription(env, p, t, m.IsPurchase()); err != nil {
				return err
			}
		}
		if asInt(vals["product_uom_id"]) == 0 {
			vals["product_uom_id"] = t.UoMID.ID
		}
		if missing("price_unit") {
			if vals["price_unit"], err = productPrice(env, m, p); err != nil {
				return err
			}
		}
	}
	if missing("tax_ids") && (p != nil || !changed) {
		taxes, err := defaultTaxes(env, m, t)
		if err != nil {
			return err
		}
		vals["tax_ids"] = []orm.Command{orm.SetIDs(taxes...)}
	}
	if asInt(vals["account_id"]) == 0 {
		account, err := defaultAccount(env, m, t)
		if err != nil {
			return err
		}
		vals["account_id"] = account
	}
	return nil
}

// lineDescription is what a document says of a product: its name with its
// reference, and the description for sales or purchases.
func lineDescription(env *orm.Env, p *product.Product, t *Template, purchase bool) (string, error) {
	names, err := orm.RecordsOf(env.Sudo(), p).DisplayNames()
	if err != nil {
		return "", err
	}
	more := t.DescriptionSale
	if purchase {
		more = t.DescriptionPurchase
	}
	if more == "" {
		return names[p.ID], nil
	}
	return names[p.ID] + "\n" + more, nil
}

func productPrice(env *orm.Env, m *Move, p *product.Product) (decimal.Decimal, error) {
	price := p.LstPrice
	if m.IsPurchase() {
		price = p.StandardPrice
	}
	own, err := base.CompanyCurrency(env, m.CompanyID.ID)
	if err != nil {
		return price, err
	}
	return base.ConvertUnrounded(env, price, own, m.CurrencyID.ID, m.CompanyID.ID, m.rateDate(env))
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

// defaultTaxes are the product's taxes of the document's kind and company,
// mapped by its fiscal position.
func defaultTaxes(env *orm.Env, m *Move, t *Template) ([]int64, error) {
	if t == nil {
		return nil, nil
	}
	use, ids := "sale", t.TaxesID.IDs()
	if m.IsPurchase() {
		use, ids = "purchase", t.SupplierTaxesID.IDs()
	}
	kept, err := TaxesOf(env, ids, m.CompanyID.ID, use)
	if err != nil {
		return nil, err
	}
	return MapTaxes(env, m.FiscalPositionID.ID, kept)
}

// TaxesOf keeps the taxes of a use ("sale", "purchase") that belong to the
// company that keeps the books of a company.
func TaxesOf(env *orm.Env, taxes []int64, company int64, use string) ([]int64, error) {
	if len(taxes) == 0 {
		return nil, nil
	}
	books, err := booksOf(env, company)
	if err != nil {
		return nil, err
	}
	ts, err := orm.Search[Tax](env.Sudo(), orm.And(orm.Leaf("id", "in", taxes), orm.Leaf("company_id", "in", []int64{company, books}), orm.Leaf("type_tax_use", "=", use)), orm.SearchOptions{})
	if err != nil {
		return nil, err
	}
	return orm.IDs(env, ts), nil
}

// defaultAccount is where a line is booked: the product's account, its
// category's, the journal's, the company's.
func defaultAccount(env *orm.Env, m *Move, t *Template) (int64, error) {
	c, err := bookkeeper(env, m.CompanyID.ID)
	if err != nil {
		return 0, err
	}
	account := int64(0)
	if t != nil {
		if account, err = productAccount(env, c, t, m.IsPurchase()); err != nil {
			return 0, err
		}
	}
	if account == 0 {
		j, err := orm.Get[Journal](env.Sudo(), m.JournalID.ID)
		if err != nil {
			return 0, err
		}
		account = j.DefaultAccountID.ID
	}
	if account == 0 {
		account = c.IncomeID.ID
		if m.IsPurchase() {
			account = c.ExpenseID.ID
		}
	}
	if account == 0 {
		return 0, orm.UserErrorf("No account is known for the lines of this document. Set a default account on the journal, or an income and an expense account on the company %s.", c.Name)
	}
	return MapAccount(env, m.FiscalPositionID.ID, account)
}

// roundGiven rounds prices, discounts and quantities to the precision people
// chose, unless the caller wants all decimals kept.
func roundGiven(env *orm.Env, vals orm.Values) error {
	for field, precision := range map[string]string{"price_unit": "Product Price", "discount": "Discount", "quantity": "Product Unit of Measure"} {
		d, ok := asDecimal(vals[field])
		if !ok {
			continue
		}
		rounded, err := RoundPrecision(env, d, precision)
		if err != nil {
			return err
		}
		vals[field] = rounded
	}
	return nil
}

// RoundPrecision rounds a number to the digits of a decimal.precision record,
// and to six decimals under [KeyFullPrecision].
func RoundPrecision(env *orm.Env, d decimal.Decimal, precision string) (decimal.Decimal, error) {
	if env.Flag(KeyFullPrecision, false) {
		return d.Round(6), nil
	}
	digits, err := precisionDigits(env, precision)
	return d.Round(digits), err
}

type precisionKey string

func precisionDigits(env *orm.Env, name string) (int32, error) {
	return orm.Memo(env, precisionKey(name), func() (int32, error) {
		rows, err := env.Query("SELECT digits FROM decimal_precision WHERE name = ?", name)
		if err != nil {
			return 0, err
		}
		if len(rows) == 0 {
			return 2, nil
		}
		return int32(atoi(rows[0][0])), nil
	})
}

// balanceValues makes debit, credit, balance and amount in currency agree with
// the one that is given. old is the item when it exists already.
func balanceValues(env *orm.Env, m *Move, old *MoveLine, vals orm.Values) error {
	var balance decimal.Decimal
	known := false
	debit, hasDebit := asDecimal(vals["debit"])
	credit, hasCredit := asDecimal(vals["credit"])
	given, hasBalance := asDecimal(vals["balance"])
	inCurrency, hasCurrency := asDecimal(vals["amount_currency"])
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
	currency := asInt(vals["currency_id"])
	if currency == 0 && old != nil {
		currency = old.CurrencyID.ID
	}
	own, err := base.CompanyCurrency(env, m.CompanyID.ID)
	if err != nil {
		return err
	}
	if !known && !hasCurrency {
		return nil
	}
	if !known {
		if balance, err = base.Convert(env, inCurrency, currency, own, m.CompanyID.ID, m.rateDate(env)); err != nil {
			return err
		}
	}
	if balance, err = base.Round(env, balance, own); err != nil {
		return err
	}
	switch {
	case currency == own:
		vals["amount_currency"] = balance
	case !hasCurrency:
		if vals["amount_currency"], err = base.Convert(env, balance, own, currency, m.CompanyID.ID, m.rateDate(env)); err != nil {
			return err
		}
	default:
		if vals["amount_currency"], err = base.Round(env, inCurrency, currency); err != nil {
			return err
		}
	}
	vals["balance"] = balance
	vals["debit"], vals["credit"] = decimal.Max(balance, decimal.Zero), decimal.Max(balance.Neg(), decimal.Zero)
	return nil
}

// fields of an item of a posted entry that may be written.
var openOnPosted = []string{"name", "sequence", "date_maturity", "full_reconcile_id", "matching_number", "discount_date"}

func writeLines(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		env := rs.Env
		if env.Flag(keySyncing, false) && env.Flag(keyForce, false) {
			return super(rs, vals)
		}
		ls, err := orm.Read[MoveLine](env.Sudo(), rs.IDs, "move_id")
		if err != nil {
			return err
		}
		closed := slices.DeleteFunc(keysOf(vals), func(f string) bool { return slices.Contains(openOnPosted, f) || strings.HasPrefix(f, "sale_") })
		var moves []int64
		for _, l := range ls {
			if l.MoveID.Rec().State == "posted" && len(closed) > 0 && !env.Flag(keyForce, false) {
				return orm.UserErrorf("You cannot do this modification on a posted journal entry, you can just change some non legal fields. You must reset the journal entry to draft first.")
			}
			if !slices.Contains(moves, l.MoveID.ID) {
				moves = append(moves, l.MoveID.ID)
			}
		}
		if touches(vals, "price_unit", "quantity", "discount", "tax_ids", "product_id") && vals["tax_override"] == nil {
			vals = vals.Clone()
			vals["tax_override"] = nil
		}
		for _, l := range ls {
			own := vals.Clone()
			m := l.MoveID.Rec()
			if m.IsInvoice() && asInt(own["product_id"]) != 0 && asInt(own["product_id"]) != l.ProductID.ID {
				if err := fillFromProduct(env, m, own, true); err != nil {
					return err
				}
			}
			if err := roundGiven(env, own); err != nil {
				return err
			}
			if err := balanceValues(env, m, l, own); err != nil {
				return err
			}
			if err := super(rs.Browse(l.ID), own); err != nil {
				return err
			}
		}
		if env.Flag(keySyncing, false) || len(closed) == 0 {
			return nil
		}
		if err := syncMoves(env, moves); err != nil {
			return err
		}
		return checkLocked(env, moves)
	}
}

func keysOf(vals orm.Values) []string {
	out := make([]string, 0, len(vals))
	for k := range vals {
		out = append(out, k)
	}
	return out
}

func touches(vals orm.Values, names ...string) bool {
	for _, n := range names {
		if _, ok := vals[n]; ok {
			return true
		}
	}
	return false
}

func unlinkLines(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		env := rs.Env
		if env.Flag(keyForce, false) {
			return super(rs)
		}
		ls, err := orm.Read[MoveLine](env.Sudo(), rs.IDs, "move_id")
		if err != nil {
			return err
		}
		var moves []int64
		for _, l := range ls {
			if l.MoveID.Rec().State == "posted" {
				return orm.UserErrorf("You can't delete a posted journal item. Don’t play games with your accounting records; reset the journal entry to draft before deleting it.")
			}
			if !slices.Contains(moves, l.MoveID.ID) {
				moves = append(moves, l.MoveID.ID)
			}
		}
		if err := super(rs); err != nil || env.Flag(keySyncing, false) {
			return err
		}
		return syncMoves(env, moves)
	}
}
