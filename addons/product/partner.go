package product

import (
	"slices"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Partner adds to a partner the pricelist it buys at: its own in the current
// company, else the one of its country.
type Partner struct {
	base.Partner
	PricelistID         orm.Deferred[orm.Ref[Pricelist]] `orm:"property_product_pricelist" label:"Pricelist" domain:"[('company_id', 'in', [False, company_id])]" help:"The pricelist of sales to the partner."`
	CommercialPartnerID orm.Ref[Partner]                 `orm:"commercial_partner_id"`
	SpecificID          orm.Ref[Pricelist]               `orm:"specific_property_product_pricelist,company_dependent" label:"Own Pricelist"`
}

func definePartner(r *orm.Registry) {
	p := orm.Extend[Partner](r, "res.partner")
	p.Compute("property_product_pricelist", func(env *orm.Env, ps []*Partner) error {
		found, err := pricelistsOf(env, ps)
		for _, p := range ps {
			p.PricelistID.Set(orm.RefTo[Pricelist](found[p.ID]))
		}
		return err
	}, "specific_property_product_pricelist", "commercial_partner_id.specific_property_product_pricelist", "country_id")
	p.Inverse("property_product_pricelist", func(env *orm.Env, ps []*Partner) error {
		for _, p := range ps {
			p.SpecificID = orm.RefTo[Pricelist](p.PricelistID.Get().ID)
		}
		return orm.Save(env, ps, "specific_property_product_pricelist")
	})
}

// PricelistOf is the pricelist a partner buys at in the current company, 0 when
// there is none or the feature is off.
func PricelistOf(env *orm.Env, partnerID int64) (int64, error) {
	if partnerID == 0 {
		return 0, nil
	}
	p, err := orm.Get[Partner](env.Sudo(), partnerID, "property_product_pricelist")
	if err != nil {
		return 0, err
	}
	return p.PricelistID.Get().ID, nil
}

// pricelistsOf finds the pricelists of partners: their own, that of their
// commercial entity, else the first of the company that is for their country,
// else the first that is for no country in particular, else the first. Nobody
// has one while the feature is off.
func pricelistsOf(env *orm.Env, ps []*Partner) (map[int64]int64, error) {
	out := map[int64]int64{}
	on, err := pricelistsEnabled(env)
	if err != nil || !on {
		return out, err
	}
	lists, err := orm.Search[Pricelist](env.Sudo(), orm.Leaf("company_id", "in", []any{false, env.Company()}), orm.SearchOptions{}, "country_group_ids.country_ids")
	if err != nil {
		return nil, err
	}
	for _, p := range ps {
		own := p.SpecificID.ID
		if c := p.CommercialPartnerID.Rec(); own == 0 && c != nil {
			own = c.SpecificID.ID
		}
		out[p.ID] = choosePricelist(lists, own, p.CountryID.ID)
	}
	return out, nil
}

// choosePricelist picks among the active pricelists of a company, in their order.
func choosePricelist(lists []*Pricelist, own, country int64) int64 {
	var first, anywhere int64
	for _, l := range lists {
		if l.ID == own {
			return own
		}
	}
	for _, l := range lists {
		if first == 0 {
			first = l.ID
		}
		if anywhere == 0 && len(l.CountryGroupIDs.IDs()) == 0 {
			anywhere = l.ID
		}
		for _, g := range l.CountryGroupIDs.All() {
			for _, c := range g.CountryIDs.IDs() {
				if c == country && country != 0 {
					return l.ID
				}
			}
		}
	}
	if anywhere != 0 {
		return anywhere
	}
	return first
}

// pricelistsEnabled reports whether pricelists are in use: whether all internal users
// are members of the group for them.
func pricelistsEnabled(env *orm.Env) (bool, error) {
	users, ok, err := env.FindRef("base.group_user")
	if err != nil || !ok {
		return false, err
	}
	group, ok, err := env.FindRef("product.group_product_pricelist")
	if err != nil || !ok {
		return false, err
	}
	implied, err := env.Sudo().Model("res.groups").Browse(users.ID()).Value("all_implied_ids")
	if err != nil {
		return false, err
	}
	ids, _ := implied.([]int64)
	return slices.Contains(ids, group.ID()), nil
}
