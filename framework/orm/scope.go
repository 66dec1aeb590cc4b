package orm

import "slices"

// Which companies a piece of work sees is said by one of three. The program
// says it with WithCompany, and is believed. A context says it under
// allowed_company_ids; it may be what a client sent, so only the user's own
// companies may stand in it. When nobody says it, they are all of the user's.
//
// A context that came along from elsewhere, from a stored session or from
// another user, is not refused for companies that are not the user's: those
// simply do not count.

const allowedCompanies = "allowed_company_ids"

// scope finds the companies of an Env, or says why there are none.
func (e *Env) scope() ([]int64, error) {
	if e.companies != nil {
		return e.companies, nil
	}
	info, err := e.userInfo()
	if err != nil {
		return nil, err
	}
	p, err := e.loadAccess()
	if err != nil {
		return nil, err
	}
	named, err := e.namedCompanies()
	free := e.uid == SuperuserID || !p.enabled
	switch {
	case err != nil && !e.inherited:
		return nil, err
	case len(named) > 0 && free:
		return named, nil
	case len(named) > 0:
		mine := slices.DeleteFunc(slices.Clone(named), func(id int64) bool { return !slices.Contains(info.Companies, id) })
		if len(mine) < len(named) && !e.inherited {
			return nil, errCompanies()
		}
		if len(mine) > 0 {
			return mine, nil
		}
	}
	own := []int64{}
	if info.Company != 0 {
		own = append(own, info.Company)
	}
	for _, c := range info.Companies {
		if !slices.Contains(own, c) {
			own = append(own, c)
		}
	}
	return own, nil
}

func errCompanies() error { return AccessErrorf("Access to unauthorized or invalid companies.") }

// namedCompanies are those of the context.
func (e *Env) namedCompanies() ([]int64, error) {
	v := e.keys[allowedCompanies]
	if v == nil || v == "" {
		return nil, nil
	}
	ids, err := parseIDs(v)
	if err != nil {
		return nil, errCompanies() // of what are no ids, none is the user's
	}
	return ids, nil
}

// Companies are the companies the work may see, the current one first. There
// are none when the context names one that is not the user's; whoever then
// reads or writes records is refused.
func (e *Env) Companies() []int64 {
	ids, err := e.scope()
	if err != nil {
		return []int64{}
	}
	return ids
}

// Company is the current company, 0 without one.
func (e *Env) Company() int64 {
	if c := e.Companies(); len(c) > 0 {
		return c[0]
	}
	return 0
}

// CheckCompanies refuses a context that names companies which are not the
// user's. Every operation on records asks it.
func (e *Env) CheckCompanies() error {
	if e.companies != nil || e.inherited || e.keys[allowedCompanies] == nil {
		return nil
	}
	_, err := e.scope()
	return err
}

// WithCompany makes a company the current one. The program vouches for it, so
// that the id must not be one that a client gave.
func (e *Env) WithCompany(id int64) *Env {
	ids, list := []int64{id}, []any{id}
	for _, c := range e.Companies() {
		if c != id {
			ids, list = append(ids, c), append(list, c)
		}
	}
	c := e.WithContext(map[string]any{allowedCompanies: list})
	c.companies = ids
	return c
}

// WithUser acts as another user, with that user's rights. Of the companies seen
// so far those remain that are the other user's, too.
func (e *Env) WithUser(id int64) *Env {
	return e.with(func(c *Env) {
		if c.uid != id {
			c.companies, c.inherited = nil, true
		}
		c.uid, c.su = id, id == SuperuserID
	})
}
