package base

import (
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// AddressGet finds, for each wanted kind of address, the partner that has it:
// itself, below it, or below its company; "contact" stands in for the rest.
var AddressGet = orm.Method[Partner]{Name: "address_get"}

// addressFields belong together: a contact takes them all from its company.
var addressFields = []string{"street", "street2", "zip", "city", "state_id", "country_id"}

// commercialFields are the company's, and copied to all its contacts.
var commercialFields = []string{"vat", "company_registry", "industry_id"}

func createPartners(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		clean := make([]orm.Values, len(list))
		for i, vals := range list {
			clean[i] = vals.Clone()
			cleanPartner(clean[i])
			if clean[i].IsSet("parent_id") {
				clean[i]["company_name"] = false
			}
		}
		if err := checkParentAccess(rs.Env, clean...); err != nil {
			return rs, err
		}
		if err := inheritSalespeople(rs.Env, clean); err != nil {
			return rs, err
		}
		made, err := super(rs, clean)
		if err != nil || rs.Env.Flag("_partners_skip_fields_sync", false) {
			return made, err
		}
		below := made.Browse()
		for i, id := range made.IDs {
			if clean[i].ID("parent_id") != 0 {
				below.IDs = append(below.IDs, id)
			} else if clean[i]["child_ids"] == nil {
				continue // nobody is above or below
			}
			if err := syncPartners(made.Browse(id), clean[i]); err != nil {
				return made, err
			}
		}
		return made, setAddressOfParent(below)
	}
}

func writePartners(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		vals = vals.Clone()
		cleanPartner(vals)
		if err := checkParentAccess(rs.Env, vals); err != nil {
			return err
		}
		if active, ok := vals["active"]; ok && !asBool(active) {
			err := partnersHaveNoUser(rs, "You cannot archive contacts linked to an active user.\nYou first need to archive their associated user.")
			if err != nil {
				return err
			}
		}
		if vals.Has("company_id") {
			if err := cascadeCompany(rs, vals["company_id"]); err != nil {
				return err
			}
		}
		if err := super(rs, vals); err != nil {
			return err
		}
		if rs.Env.Flag("_partners_skip_fields_sync", false) {
			return nil
		}
		if err := inheritFromParent(rs, vals); err != nil {
			return err
		}
		return syncPartners(rs, vals)
	}
}

// partnerDefaults gives a contact the company of the one it is made below.
func partnerDefaults(super orm.DefaultFunc) orm.DefaultFunc {
	return func(rs orm.Records, names []string) (orm.Values, error) {
		vals, err := super(rs, names)
		parent := vals.ID("parent_id")
		if err != nil || parent == 0 {
			return vals, err
		}
		p, err := orm.Get[Partner](rs.Env, parent)
		if err != nil {
			return nil, err
		}
		vals["company_id"] = nil
		if p.CompanyID.IsSet() {
			vals["company_id"] = p.CompanyID.ID
		}
		return vals, nil
	}
}

// checkParentAccess refuses to put a contact below one that the user may not read, whose
// tax id, address and salesperson it would take over.
func checkParentAccess(env *orm.Env, list ...orm.Values) error {
	var parents []int64
	for _, vals := range list {
		if id := vals.ID("parent_id"); id != 0 && !slices.Contains(parents, id) {
			parents = append(parents, id)
		}
	}
	if len(parents) == 0 {
		return nil
	}
	return env.Model("res.partner").Browse(parents...).CheckAccess(orm.OpRead)
}

// inheritSalespeople gives new people the salesperson of the one above them.
func inheritSalespeople(env *orm.Env, list []orm.Values) error {
	var parents []int64
	for _, vals := range list {
		if !vals.Has("user_id") && !asBool(vals["is_company"]) && vals["company_type"] != "company" {
			if id := vals.ID("parent_id"); id != 0 {
				parents = append(parents, id)
			}
		}
	}
	if len(parents) == 0 {
		return nil
	}
	ps, err := orm.Read[Partner](env, parents)
	if err != nil {
		return err
	}
	of := map[int64]int64{}
	for _, p := range ps {
		of[p.ID] = p.UserID.ID
	}
	for _, vals := range list {
		user := of[vals.ID("parent_id")]
		if user != 0 && !vals.Has("user_id") && !asBool(vals["is_company"]) && vals["company_type"] != "company" {
			vals["user_id"] = user
		}
	}
	return nil
}

// inheritFromParent gives partners moved below another its language and, to people
// without one, its salesperson.
func inheritFromParent(rs orm.Records, vals orm.Values) error {
	if vals.ID("parent_id") == 0 {
		return nil
	}
	_, lang := vals["lang"]
	_, user := vals["user_id"]
	ps, err := orm.Read[Partner](skipSync(rs.Env.Sudo()), rs.IDs, "parent_id")
	if err != nil {
		return err
	}
	for _, p := range ps {
		parent, next := p.ParentID.Rec(), orm.Values{}
		if !lang && parent.Lang != "" && parent.Lang != p.Lang {
			next["lang"] = parent.Lang
		}
		if !user && !p.IsCompany && !p.UserID.IsSet() && parent.UserID.IsSet() {
			next["user_id"] = parent.UserID.ID
		}
		if len(next) > 0 {
			if err := skipSync(rs.Env).Model("res.partner").Browse(p.ID).Write(next); err != nil {
				return err
			}
		}
	}
	return nil
}

func cleanPartner(vals orm.Values) {
	if site := vals.Text("website"); site != "" {
		if !strings.Contains(site, "://") {
			vals["website"] = "http://" + strings.TrimPrefix(site, "//")
		}
	}
}

// partnersHaveNoUser refuses to archive or delete the partners of people who
// log in, and shows who may change users the way to them.
func partnersHaveNoUser(rs orm.Records, why string) error {
	users, err := rs.Env.Sudo().Model("res.users").Search(orm.Leaf("partner_id", "in", rs.IDs), orm.SearchOptions{})
	if err != nil || users.Len() == 0 {
		return err
	}
	names, err := users.NamesForUser()
	if err != nil {
		return err
	}
	var who []string
	for _, id := range users.IDs {
		who = append(who, names[id])
	}
	message := why + "\n\nLinked active users : " + strings.Join(who, ", ")
	may, err := rs.Env.Model("res.users").HasAccess(orm.OpWrite)
	if err != nil {
		return err
	}
	if !may {
		return &orm.Error{Code: orm.CodeValidation, Message: message}
	}
	return &orm.Error{Code: orm.CodeRedirect, Message: message, Button: "Go to users", Action: map[string]any{
		"type": "ir.actions.act_window", "name": "Related users", "res_model": "res.users", "view_mode": "list,form",
		"views": []any{[]any{false, "list"}, []any{false, "form"}}, "domain": []any{[]any{"id", "in", users.IDs}}}}
}

func unlinkPartners(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		err := partnersHaveNoUser(rs, "You cannot delete contacts linked to an active user.\nYou should rather archive them after archiving their associated user.")
		if err != nil {
			return err
		}
		return super(rs)
	}
}

// cascadeCompany gives the contacts of a company record its new company.
func cascadeCompany(rs orm.Records, company any) error {
	kids, err := rs.Env.Model("res.partner").Search(orm.And(orm.Leaf("parent_id", "in", rs.IDs), orm.Leaf("is_company", "=", true)), orm.SearchOptions{})
	if err != nil || kids.Len() == 0 {
		return err
	}
	return kids.Write(orm.Values{"company_id": company})
}

func skipSync(env *orm.Env) *orm.Env {
	return env.WithContext(map[string]any{"_partners_skip_fields_sync": true, "active_test": false})
}

// syncPartners brings addresses and commercial fields into line after vals
// were given to the partners: first from above, then to those below.
func syncPartners(rs orm.Records, vals orm.Values) error {
	fromAbove := vals.IsSet("parent_id")
	address, commercial := vals.Has(addressFields...), vals.Has(commercialFields...)
	if !fromAbove && vals["type"] != "contact" && !address && !commercial {
		return nil
	}
	env := skipSync(rs.Env)
	ps, err := orm.Read[Partner](env, rs.IDs, "parent_id")
	if err != nil {
		return err
	}
	for _, p := range ps {
		if fromAbove && p.CommercialPartnerID.IsSet() && p.CommercialPartnerID.ID != p.ID {
			if err := copyFields(env, p.CommercialPartnerID.ID, []int64{p.ID}, commercialFields); err != nil {
				return err
			}
		}
		if p.ParentID.IsSet() && p.Type == AddressContact && (fromAbove || vals["type"] == "contact") && hasAddress(p.ParentID.Rec()) {
			if err := copyFields(env, p.ParentID.ID, []int64{p.ID}, addressFields); err != nil {
				return err
			}
		}
		if commercial && p.CommercialPartnerID.ID == p.ID {
			below, err := env.Sudo().Model("res.partner").Search(orm.And(orm.Leaf("commercial_partner_id", "=", p.ID), orm.Leaf("id", "!=", p.ID)), orm.SearchOptions{})
			if err != nil {
				return err
			}
			if err := copyFields(env.Sudo(), p.ID, below.IDs, commercialFields); err != nil {
				return err
			}
		}
		if address {
			kids, err := env.Model("res.partner").Search(orm.And(orm.Leaf("parent_id", "=", p.ID), orm.Leaf("type", "=", "contact")), orm.SearchOptions{})
			if err != nil {
				return err
			}
			changed := slices.DeleteFunc(slices.Clone(addressFields), func(n string) bool { return !vals.Has(n) })
			if err := copyFields(env, p.ID, kids.IDs, changed); err != nil {
				return err
			}
		}
	}
	return nil
}

// addressFromParent shows in the form of a contact the address of its company.
func addressFromParent(rs orm.Records) error {
	p, err := orm.Get[Partner](rs.Env, rs.ID(), "parent_id")
	if err != nil || !p.ParentID.IsSet() || p.Type != AddressContact || !hasAddress(p.ParentID.Rec()) {
		return err
	}
	return copyFields(rs.Env, p.ParentID.ID, rs.IDs, addressFields)
}

// setAddressOfParent gives a company without address that of its first contact.
func setAddressOfParent(rs orm.Records) error {
	env := skipSync(rs.Env)
	ps, err := orm.Read[Partner](env, rs.IDs, "parent_id")
	if err != nil {
		return err
	}
	for _, p := range ps {
		parent := p.ParentID.Rec()
		if parent == nil || !parent.IsCompany && parent.ParentID.IsSet() || !hasAddress(p) || hasAddress(parent) {
			continue
		}
		n, err := env.Model("res.partner").SearchCount(orm.And(orm.Leaf("parent_id", "=", parent.ID), orm.Leaf("active", "=", true)), 0)
		if err != nil {
			return err
		}
		if n == 1 {
			if err := copyFields(env, p.ID, []int64{parent.ID}, addressFields); err != nil {
				return err
			}
		}
	}
	return nil
}

func hasAddress(p *Partner) bool {
	return p.Street != "" || p.Street2 != "" || p.Zip != "" || p.City != "" || p.StateID.IsSet() || p.CountryID.IsSet()
}

// copyFields writes the values of one partner on others.
func copyFields(env *orm.Env, from int64, to []int64, fields []string) error {
	if len(to) == 0 {
		return nil
	}
	rows, err := env.Model("res.partner").Browse(from).Read(fields...)
	if err != nil {
		return err
	}
	vals := orm.Values{}
	for _, f := range fields {
		vals[f] = rows[0][f]
	}
	return env.Model("res.partner").Browse(to...).Write(vals)
}

// companyFitsUsers keeps the company of a partner that of its users.
func companyFitsUsers(env *orm.Env, ps []*Partner) error {
	if err := orm.Load(env.Sudo(), ps, "user_ids"); err != nil {
		return err
	}
	for _, p := range ps {
		if !p.CompanyID.IsSet() {
			continue
		}
		for _, u := range p.UserIDs.All() {
			if u.CompanyID.ID != p.CompanyID.ID {
				names, err := orm.RecordsOf(env, u).NamesForUser()
				if err != nil {
					return err
				}
				return orm.UserErrorf("The company assigned to this partner does not match the company of its user %s.", names[u.ID])
			}
		}
	}
	return nil
}

func addressGet(env *orm.Env, recs []*Partner, args orm.Args) (any, error) {
	wanted := []string{"contact"}
	if list, ok := args.Get(0, "adr_pref").([]any); ok {
		for _, w := range list {
			if s, _ := w.(string); s != "" && !slices.Contains(wanted, s) {
				wanted = append(wanted, s)
			}
		}
	}
	return AddressesOf(env, orm.IDs(env, recs), wanted...)
}

// AddressesOf is address_get for Go: the partner id for each kind. The people
// and places of an entity are read at once.
func AddressesOf(env *orm.Env, ids []int64, wanted ...string) (map[string]int64, error) {
	type person struct {
		ID, ParentID int64
		Type         string
		IsCompany    bool
	}
	// SQL: an order is invoiced and delivered to addresses its user may not read.
	rows, err := orm.Rows[person](env, orm.SQL(`SELECT p.id, COALESCE(p.parent_id, 0) AS parent_id, COALESCE(p.type, '') AS type, COALESCE(p.is_company, false) AS is_company FROM res_partner p
		WHERE (p.active OR p.id = ANY(?)) AND p.commercial_partner_id IN (SELECT commercial_partner_id FROM res_partner WHERE id = ANY(?))
		ORDER BY p.complete_name, p.id DESC`, ids, ids).Reads("res.partner"))
	if err != nil {
		return nil, err
	}
	at, kids := map[int64]int{}, map[int64][]int64{}
	for i, p := range rows {
		at[p.ID] = i
		if !p.IsCompany {
			kids[p.ParentID] = append(kids[p.ParentID], p.ID)
		}
	}
	out := map[string]int64{}
	seen := map[int64]bool{}
	for _, id := range ids {
		for top := id; top != 0; {
			queue := []int64{top}
			for len(queue) > 0 {
				i, known := at[queue[0]]
				queue = queue[1:]
				if !known || seen[rows[i].ID] {
					continue
				}
				p := rows[i]
				seen[p.ID] = true
				if slices.Contains(wanted, p.Type) && out[p.Type] == 0 {
					out[p.Type] = p.ID
				}
				queue = append(slices.Clone(kids[p.ID]), queue...) // what is below comes before what is beside
			}
			i, known := at[top]
			if !known || rows[i].IsCompany {
				break
			}
			top = rows[i].ParentID
		}
	}
	fallback := out["contact"]
	if fallback == 0 && len(ids) > 0 {
		fallback = ids[0]
	}
	for _, w := range wanted {
		if out[w] == 0 {
			out[w] = fallback
		}
	}
	return out, nil
}
