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
		full := make([]orm.Values, len(list))
		whole := true
		for i, vals := range list {
			var err error
			if full[i], err = completeMove(rs, vals); err != nil {
				return rs, err
			}
			done, err := deriveItems(rs.Env, full[i])
			if err != nil {
				return rs, err
			}
			whole = whole && done
		}
		if whole {
			made, err := super(rs.In(forced(rs.Env)), full)
			if err != nil {
				return rs, err
			}
			return made.In(rs.Env), checkLocked(rs.Env, made.IDs)
		}
		made, err := super(rs.In(quiet(rs.Env)), full)
		if err != nil {
			return rs, err
		}
		made = made.In(rs.Env)
		if err := syncMoves(rs.Env, made.IDs); err != nil {
			return made, err
		}
		return made, checkLocked(rs.Env, made.IDs)
	}
}

// completeMove fills what a new entry needs: type, company, journal, currency,
// addresses, terms.
func completeMove(rs orm.Records, vals orm.Values) (orm.Values, error) {
	env := rs.Env
	vals, err := withGivenDefaults(rs, vals)
	if err != nil {
		return nil, err
	}
	m := &Move{MoveType: orm.AsText(vals["move_type"])}
	delete(vals, "commercial_partner_id")
	company, journal := orm.AsID(vals["company_id"]), orm.AsID(vals["journal_id"])
	var j *Journal
	if journal != 0 {
		if j, err = journalOf(env, journal); err != nil {
			return nil, err
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
			return nil, err
		}
	}
	if m.IsSale() && j.Type != "sale" || m.IsPurchase() && j.Type != "purchase" {
		return nil, orm.ValidationErrorf("The journal %s cannot hold documents of this type.", j.Name)
	}
	vals["company_id"], vals["journal_id"] = company, j.ID
	if orm.AsID(vals["currency_id"]) == 0 {
		if vals["currency_id"], err = documentCurrency(env, j, company); err != nil {
			return nil, err
		}
	}
	if !m.IsInvoice() {
		return vals, nameEntity(env, company, vals)
	}
	if orm.AsText(vals["tax_rounding_method"]) == "" {
		c, err := bookkeeper(env, company)
		if err != nil {
			return nil, err
		}
		vals["tax_rounding_method"] = c.TaxRounding
	}
	return vals, completeInvoice(env, m, company, vals)
}

// nameEntity sets the commercial entity of an entry's partner.
func nameEntity(env *orm.Env, company int64, vals orm.Values) error {
	partner := orm.AsID(vals["partner_id"])
	if partner == 0 {
		return nil
	}
	parties, err := partiesOf(env, company, partner)
	if err != nil {
		return err
	}
	vals["commercial_partner_id"] = commercialID(parties[partner])
	return nil
}

// moveBasics are the fields from which the rest of an entry is derived.
var moveBasics = []string{"move_type", "journal_id", "partner_id", "currency_id", "invoice_date", "date", "fiscal_position_id", "invoice_payment_term_id", "partner_shipping_id"}

// withGivenDefaults adds the defaults that the context or ir.default hold for
// the basic fields.
func withGivenDefaults(rs orm.Records, vals orm.Values) (orm.Values, error) {
	vals = vals.Clone()
	var missing []string
	for _, name := range moveBasics {
		if _, given := vals[name]; !given && (name != "date" || vals["invoice_date"] == nil) {
			missing = append(missing, name)
		}
	}
	defaults, err := rs.DefaultGet(missing...)
	for name, v := range defaults {
		vals[name] = v
	}
	return vals, err
}

// completeInvoice takes addresses, terms and fiscal position from the partner.
func completeInvoice(env *orm.Env, m *Move, company int64, vals orm.Values) error {
	partner := orm.AsID(vals["partner_id"])
	if set(vals["invoice_date"]) && (vals["date"] == nil || m.IsSale()) {
		vals["date"] = vals["invoice_date"]
	}
	if partner == 0 {
		return nil
	}
	delivery := orm.AsID(vals["partner_shipping_id"])
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
	parties, err := partiesOf(env, company, partner, delivery)
	if err != nil {
		return err
	}
	entity := parties[commercialID(parties[partner])]
	vals["commercial_partner_id"] = entity.ID
	if _, given := vals["invoice_payment_term_id"]; !given && !m.IsRefund() {
		term := entity.PaymentTermID
		if m.IsPurchase() {
			term = entity.SupplierTermID
		}
		vals["invoice_payment_term_id"] = orNil(term.ID)
	}
	if _, given := vals["fiscal_position_id"]; !given {
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

// deriveItems replaces the lines of a new entry by all its items. It is false,
// with nothing changed, when the values must first be stored to be understood.
func deriveItems(env *orm.Env, vals orm.Values) (bool, error) {
	m, ok := newMove(vals)
	if !ok {
		return false, nil
	}
	given, ok := newLines(vals["line_ids"])
	onlyLines, ok2 := newLines(vals["invoice_line_ids"])
	if !ok || !ok2 {
		return false, nil
	}
	if len(given) == 0 { // a form sends the lines of a document under both names
		given = onlyLines
	}
	var lines []orm.Values
	for _, l := range given {
		if !m.IsInvoice() || !derived(orm.AsText(l["display_type"])) {
			lines = append(lines, l.Clone())
		}
	}
	f, err := newFiller(env, m, lines)
	if err != nil {
		return false, err
	}
	for _, l := range lines {
		if err := f.complete(l); err != nil {
			return false, err
		}
	}
	if m.IsInvoice() {
		s := &syncer{env: silent(env.Sudo()), m: m}
		if ok, err := s.derive(lines); err != nil || !ok {
			return false, err
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
		m.lend(l, vals)
		cmds[i] = orm.CreateLine(l)
	}
	if !sum.IsZero() {
		return false, orm.UserErrorf("The entry is not balanced.")
	}
	delete(vals, "invoice_line_ids")
	vals["line_ids"] = cmds
	return true, nil
}

// lend gives a new item what it has of its entry, which need then not be
// looked up.
func (m *Move) lend(line, vals orm.Values) {
	line["company_id"], line["journal_id"], line["date"] = m.CompanyID.ID, m.JournalID.ID, vals["date"]
	for item, entry := range map[string]string{"move_name": "name", "invoice_date": "invoice_date", "ref": "ref", "payment_id": "origin_payment_id"} {
		line[item] = vals[entry]
	}
	line["parent_state"] = "draft"
	if state := orm.AsText(vals["state"]); state != "" {
		line["parent_state"] = state
	}
	for _, name := range []string{"tax_line_id", "tax_group_id"} {
		if _, given := line[name]; !given {
			line[name] = nil
		}
	}
}

// newMove is an entry as its values describe it, before it is stored.
func newMove(vals orm.Values) (*Move, bool) {
	m := &Move{MoveType: orm.AsText(vals["move_type"]), State: "draft", Ref: orm.AsText(vals["ref"]), TaxRounding: orm.AsText(vals["tax_rounding_method"]), PaymentReference: orm.AsText(vals["payment_reference"]),
		CompanyID: orm.RefTo[base.Company](orm.AsID(vals["company_id"])), JournalID: orm.RefTo[Journal](orm.AsID(vals["journal_id"])), CurrencyID: orm.RefTo[base.Currency](orm.AsID(vals["currency_id"])),
		PartnerID: orm.RefTo[base.Partner](orm.AsID(vals["partner_id"])), CommercialID: orm.RefTo[base.Partner](orm.AsID(vals["commercial_partner_id"])),
		FiscalPositionID: orm.RefTo[FiscalPosition](orm.AsID(vals["fiscal_position_id"])), PaymentTermID: orm.RefTo[PaymentTerm](orm.AsID(vals["invoice_payment_term_id"]))}
	for name, day := range map[string]*orm.Date{"date": &m.Date, "invoice_date": &m.InvoiceDate, "invoice_date_due": &m.DueDate} {
		var ok bool
		if *day, ok = asDate(vals[name]); !ok {
			return nil, false
		}
	}
	return m, true
}

// newLines reads the lines of a new record; ok is false when the value does
// more than create some.
func newLines(v any) (lines []orm.Values, ok bool) {
	switch list := v.(type) {
	case nil, bool:
		return nil, true
	case []orm.Command:
		for _, c := range list {
			if c.Op != orm.CmdCreate && c.Op != orm.CmdClear {
				return nil, false
			}
			if c.Op == orm.CmdCreate {
				lines = append(lines, c.Values)
			}
		}
		return lines, true
	case []any:
		for _, e := range list {
			cmd, _ := e.([]any)
			if len(cmd) == 0 || orm.AsID(cmd[0]) != orm.CmdCreate && orm.AsID(cmd[0]) != orm.CmdClear {
				return nil, false
			}
			if orm.AsID(cmd[0]) == orm.CmdClear {
				continue
			}
			if len(cmd) < 3 {
				return nil, false
			}
			switch vals := cmd[2].(type) {
			case map[string]any:
				lines = append(lines, vals)
			case orm.Values:
				lines = append(lines, vals)
			default:
				return nil, false
			}
		}
		return lines, true
	}
	return nil, false
}

// derive is run for a document that is not stored yet: the amounts go to the
// values of its lines, and fresh holds the items that follow from them.
func (s *syncer) derive(lines []orm.Values) (bool, error) {
	items := make([]*MoveLine, len(lines))
	for i, vals := range lines {
		taxes, ok := listIDs(vals["tax_ids"])
		override, err := asJSON(vals["tax_override"])
		if !ok || err != nil {
			return false, nil
		}
		l := &MoveLine{DisplayType: orm.AsText(vals["display_type"]), AccountID: orm.RefTo[Account](orm.AsID(vals["account_id"])), TaxOverride: override}
		for name, d := range map[string]*decimal.Decimal{"price_unit": &l.PriceUnit, "quantity": &l.Quantity, "discount": &l.Discount, "balance": &l.Balance, "amount_currency": &l.AmountCurrency} {
			*d, _ = orm.AsDecimal(vals[name])
		}
		l.TaxIDs.Set(taxes...)
		items[i] = l
	}
	if err := s.plan(items); err != nil {
		return false, err
	}
	for i, l := range items {
		if l.DisplayType == "product" {
			lines[i]["amount_currency"], lines[i]["price_subtotal"], lines[i]["price_total"] = l.AmountCurrency, l.PriceSubtotal, l.PriceTotal
			setBalance(lines[i], l.Balance)
		}
	}
	return true, nil
}
