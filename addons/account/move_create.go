package account

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// createMoves completes new entries and derives their items before anything is
// stored, so that an entry takes the same few statements however long it is.
func createMoves(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		for _, vals := range list {
			if err := completeMove(rs, vals); err != nil {
				return rs, err
			}
			if err := deriveItems(rs.Env, vals); err != nil {
				return rs, err
			}
		}
		made, err := super(rs.In(skipChecks(rs.Env)), list)
		if err != nil {
			return rs, err
		}
		return made.In(rs.Env), checkLocked(rs.Env, made.IDs)
	}
}

// completeMove fills what a new entry needs: type, company, journal, currency,
// addresses, terms.
func completeMove(rs orm.Records, vals orm.Values) error {
	env := rs.Env
	if err := addContextDefaults(rs, vals); err != nil {
		return err
	}
	m := &Move{MoveType: vals.Text("move_type")}
	delete(vals, "commercial_partner_id")
	company, journal := vals.ID("company_id"), vals.ID("journal_id")
	var j *Journal
	var err error
	if journal != 0 {
		if j, err = journalOf(env, journal); err != nil {
			return err
		}
		if company == 0 {
			company = j.CompanyID.ID
		}
	}
	if company == 0 {
		company = env.Company()
	}
	if j == nil {
		kinds := []string{"general"}
		if m.IsSale() {
			kinds = []string{"sale"}
		} else if m.IsPurchase() {
			kinds = []string{"purchase"}
		}
		if j, err = journalFor(env, company, kinds...); err != nil {
			return err
		}
	}
	if m.IsSale() && j.Type != JournalSale || m.IsPurchase() && j.Type != JournalPurchase {
		return orm.ValidationErrorf("The journal %s cannot hold documents of this type.", j.Name)
	}
	vals["company_id"], vals["journal_id"] = company, j.ID
	if vals.ID("currency_id") == 0 {
		if vals["currency_id"], err = documentCurrency(env, j, company); err != nil {
			return err
		}
	}
	if !m.IsInvoice() {
		return setCommercialPartner(env, company, vals)
	}
	if vals.Text("tax_rounding_method") == "" {
		c, err := booksCompany(env, company)
		if err != nil {
			return err
		}
		vals["tax_rounding_method"] = c.TaxRounding
	}
	return completeInvoice(env, m, company, vals)
}

// setCommercialPartner sets the commercial entity of an entry's partner.
func setCommercialPartner(env *orm.Env, company int64, vals orm.Values) error {
	partner := vals.ID("partner_id")
	if partner == 0 {
		return nil
	}
	parties, err := partnersWithProperties(env, company, partner)
	if err != nil {
		return err
	}
	vals["commercial_partner_id"] = commercialID(parties[partner])
	return nil
}

// moveBasics are the fields from which the rest of an entry is derived.
var moveBasics = []string{"move_type", "journal_id", "partner_id", "currency_id", "invoice_date", "date", "fiscal_position_id", "invoice_payment_term_id", "partner_shipping_id"}

// addContextDefaults adds the defaults that the context or ir.default hold for the basic
// fields.
func addContextDefaults(rs orm.Records, vals orm.Values) error {
	var missing []string
	for _, name := range moveBasics {
		if !vals.Has(name) && (name != "date" || vals["invoice_date"] == nil) {
			missing = append(missing, name)
		}
	}
	return rs.AddDefaults(vals, missing...)
}

// completeInvoice takes addresses, terms and fiscal position from the partner.
func completeInvoice(env *orm.Env, m *Move, company int64, vals orm.Values) error {
	partner := vals.ID("partner_id")
	if vals.IsSet("invoice_date") && (vals["date"] == nil || m.IsSale()) {
		vals["date"] = vals["invoice_date"]
	}
	if partner == 0 {
		return nil
	}
	delivery := vals.ID("partner_shipping_id")
	if delivery == 0 && m.IsSale() {
		var err error
		if delivery, err = AddressOf(env, partner, "delivery"); err != nil {
			return err
		}
		vals["partner_shipping_id"] = delivery
	}
	if delivery == 0 {
		delivery = partner
	}
	parties, err := partnersWithProperties(env, company, partner, delivery)
	if err != nil {
		return err
	}
	entity := parties[commercialID(parties[partner])]
	vals["commercial_partner_id"] = entity.ID
	if !vals.Has("invoice_payment_term_id") && !m.IsRefund() {
		term := entity.PaymentTermID
		if m.IsPurchase() {
			term = entity.SupplierTermID
		}
		vals["invoice_payment_term_id"] = orNil(term.ID)
	}
	if !vals.Has("fiscal_position_id") {
		position, err := positionFor(env, company, parties, partner, delivery)
		if err != nil {
			return err
		}
		vals["fiscal_position_id"] = orNil(position)
	}
	return nil
}

// AddressOf is the address of a partner for a purpose ("invoice", "delivery"),
// the partner itself when it has none.
func AddressOf(env *orm.Env, partner int64, purpose string) (int64, error) {
	if partner == 0 {
		return 0, nil
	}
	found, err := base.AddressesOf(env, []int64{partner}, purpose)
	return found[purpose], err
}

// deriveItems replaces the lines of a new entry by all its items.
func deriveItems(env *orm.Env, vals orm.Values) error {
	m := newMove(vals)
	given, ok := vals.Lines("line_ids")
	onlyLines, ok2 := vals.Lines("invoice_line_ids")
	if !ok || !ok2 {
		return orm.UserErrorf("The lines of a new entry are new: line_ids and invoice_line_ids can only create some.")
	}
	if len(given) == 0 { // a form sends the lines of a document under both names
		given = onlyLines
	}
	var lines []orm.Values
	for _, l := range given {
		if !m.IsInvoice() || !derived(l.Text("display_type")) {
			lines = append(lines, l.Clone())
		}
	}
	f, err := newLineDefaults(env, m, lines)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if err := f.complete(l); err != nil {
			return err
		}
	}
	if m.IsInvoice() {
		s := &syncer{env: skipTracking(env.Sudo()), m: m}
		if err := s.derive(lines); err != nil {
			return err
		}
		lines = append(lines, s.fresh...)
		vals["invoice_currency_rate"] = m.CurrencyRate
		if !m.DueDate.IsZero() {
			vals["invoice_date_due"] = m.DueDate
		}
	}
	sum := decimal.Zero
	cmds := make([]orm.Command, len(lines))
	for i, l := range lines {
		balance, _ := l["balance"].(decimal.Decimal)
		sum = sum.Add(balance)
		m.fillItem(l, vals)
		cmds[i] = orm.CreateLine(l)
	}
	if !sum.IsZero() {
		return orm.UserErrorf("The entry is not balanced.")
	}
	delete(vals, "invoice_line_ids")
	vals["line_ids"] = cmds
	return nil
}

// fillItem gives a new item what it has of its entry, which need then not be
// looked up.
func (m *Move) fillItem(line, vals orm.Values) {
	line["company_id"], line["journal_id"], line["date"] = m.CompanyID.ID, m.JournalID.ID, vals["date"]
	for item, entry := range map[string]string{"move_name": "name", "invoice_date": "invoice_date", "ref": "ref", "payment_id": "origin_payment_id"} {
		line[item] = vals[entry]
	}
	line["parent_state"] = "draft"
	if state := vals.Text("state"); state != "" {
		line["parent_state"] = state
	}
	for _, name := range []string{"tax_line_id", "tax_group_id"} {
		if !line.Has(name) {
			line[name] = nil
		}
	}
}

// newMove is an entry as its values describe it, before it is stored.
func newMove(vals orm.Values) *Move {
	return &Move{MoveType: vals.Text("move_type"), State: MoveDraft, Ref: vals.Text("ref"), TaxRounding: vals.Text("tax_rounding_method"), PaymentReference: vals.Text("payment_reference"),
		CompanyID: orm.RefTo[base.Company](vals.ID("company_id")), JournalID: orm.RefTo[Journal](vals.ID("journal_id")), CurrencyID: orm.RefTo[base.Currency](vals.ID("currency_id")),
		PartnerID: orm.RefTo[base.Partner](vals.ID("partner_id")), CommercialID: orm.RefTo[base.Partner](vals.ID("commercial_partner_id")),
		FiscalPositionID: orm.RefTo[FiscalPosition](vals.ID("fiscal_position_id")), PaymentTermID: orm.RefTo[PaymentTerm](vals.ID("invoice_payment_term_id")),
		Date: vals.Date("date"), InvoiceDate: vals.Date("invoice_date"), DueDate: vals.Date("invoice_date_due")}
}

// derive is run for a document that is not stored yet: the amounts go to the
// values of its lines, and fresh holds the items that follow from them.
func (s *syncer) derive(lines []orm.Values) error {
	items := make([]*MoveLine, len(lines))
	for i, vals := range lines {
		taxes, ok := vals.IDs("tax_ids")
		if !ok {
			return orm.UserErrorf("The taxes of a new line must be there before it: tax_ids creates or changes some.")
		}
		l := &MoveLine{DisplayType: vals.Text("display_type"), AccountID: orm.RefTo[Account](vals.ID("account_id")), TaxOverride: vals.JSON("tax_override"),
			PriceUnit: vals.Decimal("price_unit"), Quantity: vals.Decimal("quantity"), Discount: vals.Decimal("discount"), Balance: vals.Decimal("balance"), AmountCurrency: vals.Decimal("amount_currency")}
		l.TaxIDs.Set(taxes...)
		items[i] = l
	}
	if err := s.plan(items); err != nil {
		return err
	}
	for i, l := range items {
		if l.DisplayType == DisplayProduct {
			lines[i]["amount_currency"], lines[i]["price_subtotal"], lines[i]["price_total"] = l.AmountCurrency, l.PriceSubtotal, l.PriceTotal
			setBalance(lines[i], l.Balance)
		}
	}
	return nil
}
