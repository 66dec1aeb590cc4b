package web

import (
	"net/http"
	"slices"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/viewdata"
)

type companyChoice struct {
	ID      int64
	Name    string
	Current bool
}

// companiesOf are the companies the user may work for, the current one marked.
func companiesOf(rd *viewdata.Reader) ([]companyChoice, error) {
	models := rd.Env().Registry().PolicyModels()
	rs, err := rd.Env().Sudo().Lookup(models.Users)
	if err != nil || rs.Model.Fields["company_ids"] == nil {
		return nil, nil
	}
	v, err := rs.Browse(rd.Env().UID()).Value("company_ids")
	if err != nil {
		if orm.IsCode(err, orm.CodeMissing) {
			return nil, nil
		}
		return nil, err
	}
	ids, _ := v.([]int64)
	rd.Names.Add(models.Companies, ids...)
	if err := rd.Names.Load(); err != nil {
		return nil, err
	}
	var out []companyChoice
	for _, id := range ids {
		out = append(out, companyChoice{id, rd.Names.Of(models.Companies, id), id == rd.Env().Company()})
	}
	return out, nil
}

// switchCompany makes another of the user's companies the current one.
func (p *page) switchCompany() error {
	form, err := p.posted()
	if err != nil {
		return err
	}
	id := convert.ID(form.Get("company"))
	all, err := companiesOf(p.Reader)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(all, func(c companyChoice) bool { return c.ID == id }) {
		return orm.AccessErrorf("This company is not among yours.")
	}
	ids := []any{id}
	if form.Get("only") == "" {
		for _, c := range all {
			if c.ID != id {
				ids = append(ids, c.ID)
			}
		}
	}
	keys := map[string]any{}
	for k, v := range p.Session.Context {
		keys[k] = v
	}
	keys["allowed_company_ids"] = ids
	p.Session.SetContext(keys)
	return p.Redirect(http.StatusSeeOther, safeRedirect(form.Get("redirect")))
}

// usersOf is the model of users.
func usersOf(rd *viewdata.Reader) orm.Records {
	return rd.Env().Model(rd.Env().Registry().PolicyModels().Users)
}
