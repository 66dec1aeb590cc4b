package account

import (
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// KeyFullPrecision is the context key under which discounts and quantities keep all
// six decimals they are given; without it they are rounded to the precision
// kept in decimal.precision. Integrations set it.
const KeyFullPrecision = "full_precision"

func createLines(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		env := rs.Env
		if marked(env, keyForce) {
			return super(rs, list) // the system's own items are complete
		}
		moves, err := movesOf(env, list)
		if err != nil {
			return rs, err
		}
		full := make([]orm.Values, len(list))
		byMove := map[int64][]orm.Values{}
		for i, vals := range list {
			m := moves[vals.ID("move_id")]
			if m == nil {
				return rs, orm.ValidationErrorf("A journal item needs the entry it belongs to (move_id).")
			}
			if m.State == MovePosted {
				return rs, orm.UserErrorf("You cannot do this modification on a posted journal entry, you can just change some non legal fields. You must reset the journal entry to draft first.")
			}
			full[i] = vals.Clone()
			byMove[m.ID] = append(byMove[m.ID], full[i])
		}
		ids := make([]int64, 0, len(moves))
		for id := range moves {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		for _, id := range ids {
			if err := completeLines(env, moves[id], byMove[id]); err != nil {
				return rs, err
			}
		}
		made, err := super(rs, full)
		if err != nil || marked(env, keySyncing) {
			return made, err
		}
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
		if id := vals.ID("move_id"); id != 0 {
			ids = append(ids, id)
		}
	}
	ms, err := orm.Read[Move](env.Sudo(), unique(ids))
	if err != nil {
		return nil, err
	}
	out := make(map[int64]*Move, len(ms))
	for _, m := range ms {
		out[m.ID] = m
	}
	return out, nil
}

// completeLines fills new items of one entry.
func completeLines(env *orm.Env, m *Move, list []orm.Values) error {
	f, err := newLineDefaults(env, m, list)
	if err != nil {
		return err
	}
	for _, vals := range list {
		if err := f.complete(vals); err != nil {
			return err
		}
	}
	if m.IsInvoice() && m.State == MoveDraft {
		return f.amounts(list)
	}
	return nil
}

// TaxesOf keeps the taxes of a use ("sale", "purchase") that belong to the
// company that keeps the books of a company.
func TaxesOf(env *orm.Env, taxes []int64, company int64, use string) ([]int64, error) {
	if len(taxes) == 0 {
		return nil, nil
	}
	books, err := booksCompanyID(env, company)
	if err != nil {
		return nil, err
	}
	known, err := readTaxes(env, taxes)
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, id := range taxes {
		if t := known[id]; t.TypeTaxUse == use && t.Active && (t.CompanyID.ID == company || t.CompanyID.ID == books) {
			out = append(out, id)
		}
	}
	return out, nil
}

// roundToPrecision rounds discounts and quantities to the precision people chose, and to six
// decimals under [KeyFullPrecision]. Prices stay as given.
func roundToPrecision(env *orm.Env, vals orm.Values) error {
	for field, usage := range map[string]string{"discount": base.Discount, "quantity": base.ProductUnit} {
		if vals[field] == nil {
			continue
		}
		v := vals.Decimal(field)
		if env.Flag(KeyFullPrecision, false) {
			vals[field] = v.Round(6)
			continue
		}
		rounded, err := base.RoundUsage(env, v, usage)
		if err != nil {
			return err
		}
		vals[field] = rounded
	}
	return nil
}

// fields of an item of a posted entry that may be written.
var openOnPosted = []string{"name", "sequence", "date_maturity", "full_reconcile_id", "matching_number", "discount_date"}

func writeLines(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		env := rs.Env
		if marked(env, keyForce) {
			return super(rs, vals)
		}
		ls, err := orm.Read[MoveLine](env.Sudo(), rs.IDs, "move_id")
		if err != nil {
			return err
		}
		closed := slices.DeleteFunc(vals.Names(), func(f string) bool { return slices.Contains(openOnPosted, f) || strings.HasPrefix(f, "sale_") })
		var moves []int64
		for _, l := range ls {
			if l.MoveID.Rec().State == MovePosted && len(closed) > 0 {
				return orm.UserErrorf("You cannot do this modification on a posted journal entry, you can just change some non legal fields. You must reset the journal entry to draft first.")
			}
			moves = append(moves, l.MoveID.ID)
		}
		moves = unique(moves)
		if len(closed) == 0 {
			return super(rs, vals)
		}
		if vals.Has("price_unit", "quantity", "discount", "tax_ids", "product_id") && vals["tax_override"] == nil {
			// Amounts that were given for the old values do not fit the new ones.
			vals = vals.Clone()
			vals["tax_override"] = nil
		}
		if err := writeEach(super, rs, ls, vals); err != nil {
			return err
		}
		if marked(env, keySyncing) {
			return nil
		}
		if err := syncMoves(env, moves); err != nil {
			return err
		}
		return checkLocked(env, moves)
	}
}

// writeEach writes on items, one by one when the values mean something else
// for each: a product, or one of the amounts that must agree.
func writeEach(super orm.WriteFunc, rs orm.Records, ls []*MoveLine, vals orm.Values) error {
	if !vals.Has("product_id", "debit", "credit", "balance", "amount_currency", "currency_id") {
		vals = vals.Clone()
		if err := roundToPrecision(rs.Env, vals); err != nil {
			return err
		}
		return super(rs, vals)
	}
	for _, l := range ls {
		own := vals.Clone()
		f, err := newLineDefaults(rs.Env, l.MoveID.Rec(), []orm.Values{own})
		if err != nil {
			return err
		}
		if f.products[own.ID("product_id")] != nil && own.ID("product_id") != l.ProductID.ID {
			if err := f.fill(own, true); err != nil {
				return err
			}
		}
		if err := roundToPrecision(rs.Env, own); err != nil {
			return err
		}
		if err := f.balance(l, own); err != nil {
			return err
		}
		if err := super(rs.Browse(l.ID), own); err != nil {
			return err
		}
	}
	return nil
}

func unlinkLines(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		env := rs.Env
		if marked(env, keyForce) {
			return super(rs)
		}
		ls, err := orm.Read[MoveLine](env.Sudo(), rs.IDs, "move_id")
		if err != nil {
			return err
		}
		var moves []int64
		for _, l := range ls {
			if l.MoveID.Rec().State == MovePosted {
				return orm.UserErrorf("You can't delete a posted journal item. Don’t play games with your accounting records; reset the journal entry to draft before deleting it.")
			}
			moves = append(moves, l.MoveID.ID)
		}
		moves = unique(moves)
		if err := checkLocked(env, moves); err != nil {
			return err
		}
		if err := super(rs); err != nil || marked(env, keySyncing) {
			return err
		}
		return syncMoves(env, moves)
	}
}
