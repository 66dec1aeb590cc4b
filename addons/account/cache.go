package account

import (
	"slices"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// What documents ask for again and again is read once in a unit of work:
// companies, journals and taxes. A change of them by this unit drops it.
type (
	booksKey      int64
	bookkeeperKey int64
	journalsKey   struct{}
	taxesKey      struct{}
)

// booksCompanyID is the company that keeps the accounts of a company: a branch uses
// the chart, journals and taxes of the company at the top.
func booksCompanyID(env *orm.Env, company int64) (int64, error) {
	if company == 0 {
		return 0, nil
	}
	return orm.Memo(env, booksKey(company), func() (int64, error) {
		c, err := orm.Get[base.Company](env.Sudo(), company, "root_id")
		if err != nil {
			return 0, err
		}
		if c.RootID.Get().IsSet() {
			return c.RootID.Get().ID, nil
		}
		return c.ID, nil
	})
}

// companyOf reads a company with what it says of its books. The value is
// shared and must not be changed.
func companyOf(env *orm.Env, company int64) (*Company, error) {
	return orm.Memo(env, bookkeeperKey(company), func() (*Company, error) { return orm.Get[Company](env.Sudo(), company) })
}

// booksCompany is the company that keeps the books of a company, see companyOf.
func booksCompany(env *orm.Env, company int64) (*Company, error) {
	books, err := booksCompanyID(env, company)
	if err != nil {
		return nil, err
	}
	return companyOf(env, books)
}

// invalidateCompanies drops what is kept of changed companies; taxes go too, since
// companies say whether prices include them.
func invalidateCompanies(env *orm.Env, ids []int64) {
	for _, id := range ids {
		env.Forget(booksKey(id))
		env.Forget(bookkeeperKey(id))
	}
	env.Forget(taxesKey{})
	env.Forget(locksKey{})
}

// journalsOf are the journals of all companies in their order.
func journalsOf(env *orm.Env) ([]*Journal, error) {
	return orm.Memo(env, journalsKey{}, func() ([]*Journal, error) { return orm.Search[Journal](env.Sudo(), nil, orm.SearchOptions{}) })
}

// journalOf reads a journal; the value is shared and must not be changed.
func journalOf(env *orm.Env, id int64) (*Journal, error) {
	all, err := journalsOf(env)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(all, func(j *Journal) bool { return j.ID == id }); i >= 0 {
		return all[i], nil
	}
	return orm.Get[Journal](env.Sudo(), id)
}

// journalFor finds a company's first journal of one of the types, in their order.
func journalFor(env *orm.Env, company int64, types ...string) (*Journal, error) {
	books, err := booksCompanyID(env, company)
	if err != nil {
		return nil, err
	}
	all, err := journalsOf(env)
	if err != nil {
		return nil, err
	}
	for _, t := range types {
		i := slices.IndexFunc(all, func(j *Journal) bool {
			return j.Type == t && (j.CompanyID.ID == company || j.CompanyID.ID == books)
		})
		if i >= 0 {
			return all[i], nil
		}
	}
	c, err := companyOf(env, company)
	if err != nil {
		return nil, err
	}
	return nil, orm.UserErrorf("No journal could be found in company %s for any of those types: %v", c.Name, types)
}

// readTaxes reads taxes, those in groups, and how they are distributed. The
// values are shared and must not be changed.
func readTaxes(env *orm.Env, ids []int64) (map[int64]*Tax, error) {
	byLang, err := orm.Memo(env, taxesKey{}, func() (map[string]map[int64]*Tax, error) { return map[string]map[int64]*Tax{}, nil })
	if err != nil {
		return nil, err
	}
	known := byLang[env.Lang()]
	if known == nil {
		known = map[int64]*Tax{}
		byLang[env.Lang()] = known
	}
	var unread []int64
	for _, id := range ids {
		if known[id] == nil {
			unread = append(unread, id)
		}
	}
	if len(unread) == 0 {
		return known, nil
	}
	slices.Sort(unread)
	ts, err := orm.Read[Tax](env.Sudo(), slices.Compact(unread), "price_include", "invoice_repartition_line_ids", "refund_repartition_line_ids",
		"children_tax_ids.price_include", "children_tax_ids.invoice_repartition_line_ids", "children_tax_ids.refund_repartition_line_ids")
	if err != nil {
		return nil, err
	}
	for _, t := range ts {
		known[t.ID] = t
		for _, c := range t.ChildrenTaxIDs.All() {
			known[c.ID] = c
		}
	}
	return known, nil
}

// invalidateOnChange drops what is kept under a key when records change.
func invalidateOnChange[T any](d *orm.Def[T], key any) {
	d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, vals []orm.Values) (orm.Records, error) {
			defer rs.Env.Forget(key)
			return super(rs, vals)
		}
	})
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			defer rs.Env.Forget(key)
			return super(rs, vals)
		}
	})
	d.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			defer rs.Env.Forget(key)
			return super(rs)
		}
	})
}

type positionsKey struct{}

// positionOf reads a fiscal position with what it replaces, nil for 0. The
// value is shared and must not be changed.
func positionOf(env *orm.Env, id int64) (*FiscalPosition, error) {
	if id == 0 {
		return nil, nil
	}
	known, err := orm.Memo(env, positionsKey{}, func() (map[int64]*FiscalPosition, error) { return map[int64]*FiscalPosition{}, nil })
	if err != nil || known[id] != nil {
		return known[id], err
	}
	known[id], err = orm.Get[FiscalPosition](env.Sudo(), id, "tax_ids", "account_ids")
	return known[id], err
}

type locksKey struct{}

// anyLock reports whether a company has closed a period, so that the usual
// case costs nothing.
func anyLock(env *orm.Env) (bool, error) {
	return orm.Memo(env, locksKey{}, func() (bool, error) {
		var locks []orm.Domain
		for _, lock := range []string{"fiscalyear_lock_date", "tax_lock_date", "sale_lock_date", "purchase_lock_date", "hard_lock_date"} {
			locks = append(locks, orm.Leaf(lock, "!=", false))
		}
		n, err := env.Sudo().WithContext(map[string]any{"active_test": false}).Model("res.company").SearchCount(orm.Or(locks...), 1)
		return n > 0, err
	})
}

type termsKey struct{}

// termOf reads the lines of a payment term, none for 0. The values are shared
// and must not be changed.
func termOf(env *orm.Env, id int64) ([]*PaymentTermLine, error) {
	if id == 0 {
		return nil, nil
	}
	known, err := orm.Memo(env, termsKey{}, func() (map[int64][]*PaymentTermLine, error) { return map[int64][]*PaymentTermLine{}, nil })
	if err != nil || known[id] != nil {
		return known[id], err
	}
	known[id], err = orm.Search[PaymentTermLine](env.Sudo(), orm.Leaf("payment_id", "=", id), orm.SearchOptions{})
	return known[id], err
}
