package base

import (
	"slices"

	"fusionsoft.ca/fusion/framework/orm"
)

// selfWritable are the fields that users change of themselves whatever else
// they may: the only values of a client that are ever written with more than
// the client's rights. They are plain values of the user and of the contact
// behind it. A list of records is none: its commands would reach, with those
// rights, whatever it leads to.
//
// For reading there is no such list: what a user may read of himself is what
// anybody who sees the user may read, and fields that are nobody else's
// business carry groups.
var selfWritable = []string{"action_id", "company_id", "email", "image_1920", "lang", "mobile", "name", "phone", "signature", "tz"}

// forSelf gives the records with the rights to write what users may change of
// themselves when it is that and nothing else that is to be written, and the
// values without a company that is not the user's, which is left out without a
// word, as in Odoo.
func forSelf(rs orm.Records, vals orm.Values) (orm.Records, orm.Values, error) {
	env := rs.Env
	if len(rs.IDs) != 1 || rs.IDs[0] != env.UID() || env.Superuser() || len(vals) == 0 {
		return rs, vals, nil
	}
	for name := range vals {
		if f := rs.Model.Fields[name]; f == nil || f.X2many() || !slices.Contains(selfWritable, name) {
			return rs, vals, nil
		}
	}
	if company := vals.ID("company_id"); company != 0 {
		mine, err := ownCompany(env, company)
		if err != nil {
			return rs, vals, err
		}
		if !mine {
			vals = vals.Clone()
			delete(vals, "company_id")
		}
	}
	return rs.In(env.Sudo()), vals, nil
}

// ownCompany reports whether the user may work in a company.
func ownCompany(env *orm.Env, company int64) (bool, error) {
	u, err := orm.Get[User](env.Sudo(), env.UID(), "company_ids")
	if err != nil {
		return false, err
	}
	return slices.Contains(u.CompanyIDs.IDs(), company), nil
}
