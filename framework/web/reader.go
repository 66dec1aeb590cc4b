package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/viewstore"
)

// reader reads what a page shows, as the user may see it: views, fields, rights,
// records with the lines inside them, and the names of what they link to. It is made
// for one unit of work and keeps what was asked for once.
type reader struct {
	env    *orm.Env
	loc    *locale
	names  *names
	store  *viewstore.Store
	exprs  *expr.Cache
	links  links
	access map[string]perms
	fields map[string]map[string]fieldInfo
}

// links are what cells need to know of the pages around them.
type links struct {
	record func(model string, id int64) string // the address of a record
	opens  func(action string) bool            // whether the user may open an action
	panel  func(*view.Node) string             // the name of the panel that a node asks for
}

func newReader(env *orm.Env, store *viewstore.Store, exprs *expr.Cache, l links) *reader {
	rd := &reader{store: store, exprs: exprs, links: l, access: map[string]perms{}, fields: map[string]map[string]fieldInfo{}}
	rd.use(env)
	return rd
}

// use makes env the one the page works with.
func (rd *reader) use(env *orm.Env) {
	rd.env = env
	rd.names = newNames(env)
}

// withContext adds context keys for the rest of the page.
func (rd *reader) withContext(keys map[string]any) {
	if len(keys) > 0 {
		rd.use(rd.env.WithContext(keys))
	}
}

// rights are what the user may do with a model.
func (rd *reader) rights(model string) (perms, error) {
	if known, ok := rd.access[model]; ok {
		return known, nil
	}
	rs, err := rd.env.Lookup(model)
	if err != nil {
		return perms{}, err
	}
	var out perms
	for op, to := range map[orm.Op]*bool{orm.OpRead: &out.Read, orm.OpWrite: &out.Write, orm.OpCreate: &out.Create, orm.OpUnlink: &out.Unlink} {
		if *to, err = rs.HasAccess(op); err != nil {
			return perms{}, err
		}
	}
	if rs.Model.Query != "" {
		out.Write, out.Create, out.Unlink = false, false, false
	}
	rd.access[model] = out
	return out, nil
}

// fieldsOf are the fields of a model that the user may see.
func (rd *reader) fieldsOf(model string) (map[string]fieldInfo, error) {
	if known := rd.fields[model]; known != nil {
		return known, nil
	}
	rs, err := rd.env.Lookup(model)
	if err != nil {
		return nil, err
	}
	described, err := rs.FieldsGet(nil, []string{"readonly"})
	if err != nil {
		return nil, err
	}
	out := make(map[string]fieldInfo, len(described))
	for name, d := range described {
		out[name] = fieldInfo{rs.Model.Fields[name], d["readonly"] == true || rs.Model.Query != ""}
	}
	rd.fields[model] = out
	return out, nil
}

// inGroups reports whether the user passes a groups attribute of a view.
func (rd *reader) inGroups(list string) bool {
	if strings.TrimSpace(list) == "" {
		return true
	}
	var wanted, banned []string
	for _, g := range strings.Split(list, ",") {
		if g = strings.TrimSpace(g); strings.HasPrefix(g, "!") {
			banned = append(banned, strings.TrimPrefix(g, "!"))
		} else if g != "" {
			wanted = append(wanted, g)
		}
	}
	if len(banned) > 0 {
		if in, err := rd.env.InAnyGroup(banned...); err != nil || in {
			return false
		}
	}
	if len(wanted) == 0 {
		return true
	}
	in, err := rd.env.InAnyGroup(wanted...)
	return err == nil && in
}

// nodeAllowed reports whether a node of a view is for the user.
func (rd *reader) nodeAllowed(n *view.Node) bool {
	g, ok := n.Lookup("groups")
	return !ok || rd.inGroups(g)
}

// view finds the view of a kind for a model, as the user may see it.
func (rd *reader) view(model, kind string, id int64) (*view.View, error) {
	mine, err := rd.env.Groups()
	if err != nil {
		return nil, err
	}
	v, _, err := rd.store.Find(rd.env, mine, model, kind, id)
	return v, err
}

// vars are the names every expression of a view may read.
func (rd *reader) vars() map[string]any {
	out := expr.TimeVars(rd.env.Now().In(rd.env.Location()))
	companies := []any{}
	for _, id := range rd.env.Companies() {
		companies = append(companies, id)
	}
	out["uid"], out["context"] = rd.env.UID(), exprValue(rd.env.Keys())
	out["allowed_company_ids"], out["current_company_id"] = companies, rd.env.Company()
	for _, k := range []string{"active_id", "active_ids", "active_model"} {
		out[k] = exprValue(rd.env.Key(k))
	}
	return out
}

// domain evaluates a domain written in a view or an action.
func (rd *reader) domain(src string, vars map[string]any) (orm.Domain, error) {
	if strings.TrimSpace(src) == "" {
		return nil, nil
	}
	d, err := rd.exprs.Domain(src, vars)
	return orm.Domain(d), err
}

// dict evaluates a dictionary such as a context.
func (rd *reader) dict(src string, vars map[string]any) (map[string]any, error) {
	if strings.TrimSpace(src) == "" {
		return nil, nil
	}
	v, err := rd.exprs.Eval(src, vars)
	m, _ := v.(map[string]any)
	return m, err
}

// attempt does something in a savepoint, so that its failure leaves nothing
// behind. Errors that are meant for the user come back in told, all others in
// err.
func (rd *reader) attempt(fn func() error) (told *orm.Error, err error) {
	err = rd.env.Savepoint(func(*orm.Env) error { return fn() })
	if oe := asTold(err); oe != nil {
		return oe, nil
	}
	return nil, err
}

// locale reads the user's language and the currencies, once a page.
func (rd *reader) locale() (*locale, error) {
	if rd.loc != nil {
		return rd.loc, nil
	}
	l := plainLocale()
	l.zone = rd.env.Location()
	rd.loc = l
	if _, known := rd.env.Registry().Model("res.lang"); known {
		found, err := rd.env.Sudo().Model("res.lang").Search(orm.Leaf("code", "=", rd.env.Lang()), orm.SearchOptions{Limit: 1})
		if err != nil {
			return nil, err
		}
		rows, err := found.Read("code", "direction", "date_format", "short_time_format", "decimal_point", "thousands_sep", "grouping")
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			l.code, l.dir = str(r["code"]), str(r["direction"])
			l.date, l.clock = layout(str(r["date_format"])), layout(str(r["short_time_format"]))
			l.decimal, l.thousands = str(r["decimal_point"]), str(r["thousands_sep"])
			if err := json.Unmarshal([]byte(str(r["grouping"])), &l.grouping); err != nil {
				l.grouping = nil
			}
		}
	}
	if _, known := rd.env.Registry().Model("res.currency"); known {
		found, err := rd.env.Sudo().Model("res.currency").Search(nil, orm.SearchOptions{})
		if err != nil {
			return nil, err
		}
		rows, err := found.Read("symbol", "position", "decimal_places")
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			places, _ := r["decimal_places"].(int64)
			l.money[toID(r["id"])] = money{str(r["symbol"]), str(r["position"]) == "before", int32(places)}
		}
	}
	return l, nil
}

// fieldsRead are the fields to read for a view: those it shows or looks at and
// the user may see, with the currencies of amounts.
func (rd *reader) fieldsRead(model string, wanted []string) ([]string, error) {
	known, err := rd.fieldsOf(model)
	if err != nil {
		return nil, err
	}
	var out []string
	add := func(name string) {
		f, ok := known[name]
		if !ok || f.Kind == orm.BinaryKind || slices.Contains(out, name) {
			return
		}
		if f.X2many() {
			if can, err := rd.rights(f.Comodel); err != nil || !can.Read {
				return // the page is for the reader, without what is not
			}
		}
		out = append(out, name)
	}
	for _, name := range wanted {
		add(name)
		if f, ok := known[name]; ok && f.Kind == orm.Monetary {
			add(f.Currency)
		}
		if f, ok := known[name]; ok && f.Kind == orm.Many2oneRef {
			add(f.ModelField)
		}
	}
	return out, nil
}

// read loads records for a view: one read for their fields, one for each
// x2many list inside, and later one for the names of each model linked to.
func (rd *reader) read(rs orm.Records, v *view.View, extra ...string) ([]*record, error) {
	fields, err := rd.fieldsRead(rs.Model.Name, append(v.FieldNames(), extra...))
	if err != nil {
		return nil, err
	}
	rows, err := rs.Read(fields...)
	if err != nil {
		return nil, err
	}
	for _, name := range v.FieldNames() { // what is left out is empty, for expressions
		if f := rs.Model.Fields[name]; f != nil && f.X2many() && !slices.Contains(fields, name) {
			for _, vals := range rows {
				vals[name] = []int64(nil)
			}
		}
	}
	out := make([]*record, len(rows))
	for i, vals := range rows {
		out[i] = &record{model: rs.Model, id: storedID(rs, toID(vals["id"])), vals: vals, lists: map[string]*lines{}}
	}
	rd.wantNames(rs.Model, fields, out)
	return out, nil
}

// storedID is the id of the stored record that a record of rs is or stands for, or its
// own when there is none.
func storedID(rs orm.Records, id int64) int64 {
	return cmp.Or(rs.Browse(id).Origin(), id)
}

// wantNames notes which names the values of records need.
func (rd *reader) wantNames(m *orm.Model, fields []string, recs []*record) {
	for _, name := range fields {
		f := m.Fields[name]
		switch f.Kind {
		case orm.Many2one:
			for _, r := range recs {
				rd.names.add(f.Comodel, toID(r.vals[name]))
			}
		case orm.Many2many, orm.One2many:
			for _, r := range recs {
				ids, _ := r.vals[name].([]int64)
				if len(ids) > maxLines {
					ids = ids[:maxLines]
				}
				rd.names.add(f.Comodel, ids...)
			}
		case orm.Many2oneRef:
			for _, r := range recs {
				if model := str(r.vals[f.ModelField]); model != "" {
					rd.names.add(model, toID(r.vals[name]))
				}
			}
		case orm.Reference:
			for _, r := range recs {
				if model, id := splitRef(str(r.vals[name])); model != "" {
					rd.names.add(model, id)
				}
			}
		}
	}
}

// readForm loads one record for a form, the lists inside it included.
func (rd *reader) readForm(rs orm.Records, v *view.View) (*record, error) {
	recs, err := rd.read(rs, v, "display_name", "write_date", "active")
	if err != nil {
		return nil, err
	}
	rec := recs[0]
	if err := rd.readLists(rs, rec, v); err != nil {
		return nil, err
	}
	return rec, rd.readFiles(rec, v)
}

// listOf is the list a form shows for an x2many field: the one written inside,
// else the comodel's own. Widgets that show names only have none.
func (rd *reader) listOf(f *orm.Field, n *view.Node) (*view.View, error) {
	if !f.X2many() {
		return nil, nil
	}
	switch n.Attr("widget") {
	case "many2many_tags", "many2many_tags_avatar", "many2many_checkboxes", "many2many_binary", "many2many_avatar_user", "statinfo", "badge":
		return nil, nil
	}
	subs := n.SubViews()
	if sub := subs["list"]; sub != nil {
		return &view.View{Model: f.Comodel, Kind: "list", Root: sub}, nil
	}
	if f.Kind == orm.Many2many && len(subs) == 0 && n.Attr("mode") == "" {
		return nil, nil
	}
	return rd.view(f.Comodel, "list", 0)
}

// readLists loads the lines of the x2many fields a form shows.
func (rd *reader) readLists(rs orm.Records, rec *record, v *view.View) error {
	known, err := rd.fieldsOf(rs.Model.Name)
	if err != nil {
		return err
	}
	for _, n := range v.Fields() {
		f, ok := known[n.Name()]
		if !ok || rec.lists[f.Name] != nil || !rd.nodeAllowed(n) || n.Attr("invisible") == "1" || n.Attr("invisible") == "True" {
			continue
		}
		list, err := rd.listOf(f.Field, n)
		if err != nil {
			return err
		}
		if list == nil {
			continue
		}
		ids, _ := rec.vals[f.Name].([]int64)
		if rec.lists[f.Name], err = rd.readLines(f.Field, list, n, ids); err != nil {
			return err
		}
	}
	return nil
}

func (rd *reader) readLines(f *orm.Field, list *view.View, n *view.Node, ids []int64) (*lines, error) {
	out := &lines{field: f, view: list, total: len(ids)}
	can, err := rd.rights(f.Comodel)
	if err != nil {
		return nil, err
	}
	if !can.Read {
		out.denied = true
		return out, nil
	}
	if len(ids) > maxLines {
		ids = ids[:maxLines]
	}
	extra := []string{"display_name"}
	if form := n.SubViews()["form"]; form != nil {
		extra = append(extra, (&view.View{Root: form}).FieldNames()...)
	}
	rows, err := rd.read(rd.env.Model(f.Comodel).Browse(ids...), list, extra...)
	if orm.IsCode(err, orm.CodeAccess) {
		out.denied = true
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		r.key = fmt.Sprint(r.id)
	}
	out.rows = rows
	return out, nil
}

// readFiles finds out which files a form shows, without reading them.
func (rd *reader) readFiles(rec *record, v *view.View) error {
	rec.files = map[string]fileFact{}
	var fields []string
	for _, n := range v.Fields() {
		if f := rec.model.Fields[n.Name()]; f != nil && f.Kind == orm.BinaryKind && !f.Computed() {
			fields = append(fields, f.Name)
		}
	}
	if len(fields) == 0 || rec.id == 0 {
		return nil
	}
	// Whether there is a file follows from the record, which the user may read.
	att := rd.env.Sudo().Model("ir.attachment")
	found, err := att.Search(orm.And(orm.Leaf("res_model", "=", rec.model.Name), orm.Leaf("res_id", "=", rec.id), orm.Leaf("res_field", "in", fields)), orm.SearchOptions{})
	if err != nil {
		return err
	}
	rows, err := found.Read("res_field", "file_size", "name")
	if err != nil {
		return err
	}
	for _, r := range rows {
		n, _ := r["file_size"].(int64)
		rec.files[str(r["res_field"])] = fileFact{n, str(r["name"])}
	}
	return nil
}

// builder makes a builder with what the page knows.
func (rd *reader) builder() (*builder, error) {
	loc, err := rd.locale()
	if err != nil {
		return nil, err
	}
	return &builder{loc: loc, names: rd.names, vars: rd.vars(), exprs: rd.exprs, today: rd.env.Now().In(loc.zone), panel: rd.links.panel,
		fields: func(model string) map[string]fieldInfo {
			f, err := rd.fieldsOf(model)
			if err != nil {
				return nil
			}
			return f
		},
		rights: func(model string) perms {
			r, err := rd.rights(model)
			if err != nil {
				return perms{}
			}
			return r
		},
		allowed: rd.nodeAllowed, link: rd.links.record, leads: rd.links.opens, base: map[string]string{}, lists: map[string]dataList{}, options: map[string][]choice{}}, nil
}

// flag is a switch an action's context may turn off.
func (rd *reader) flag(name string) bool {
	v, ok := rd.env.Key(name).(bool)
	return !ok || v
}

// languages are those switched on.
func (rd *reader) languages() ([]choice, error) {
	rs, err := rd.env.Sudo().Lookup("res.lang")
	if err != nil {
		return nil, nil
	}
	found, err := rs.Search(nil, orm.SearchOptions{Order: "name"})
	if err != nil {
		return nil, err
	}
	rows, err := found.Read("code", "name")
	if err != nil {
		return nil, err
	}
	var out []choice
	for _, l := range rows {
		out = append(out, choice{str(l["code"]), str(l["name"])})
	}
	return out, nil
}

// newLine is an empty line with the values it starts with.
func (rd *reader) newLine(co *orm.Model, key string, given map[string]any) *record {
	r := &record{model: co, key: key, vals: orm.Values{}, given: given}
	var fields []string
	for name, v := range given {
		lf := co.Fields[name]
		if lf == nil {
			continue
		}
		r.vals[name] = fromWire(lf, defaultValue(lf, v))
		fields = append(fields, name)
	}
	rd.wantNames(co, fields, []*record{r})
	return r
}

// defaultsOf are default values in the form of JSON-RPC, without empty ones.
func (rd *reader) defaultsOf(rs orm.Records, fields []string) (map[string]any, error) {
	vals, err := rs.DefaultGet(fields...)
	if err != nil {
		return nil, err
	}
	if vals, err = rs.WireValues(vals); err != nil {
		return nil, err
	}
	out := map[string]any{}
	for k, v := range vals {
		if v != nil && (v != false || rs.Model.Fields[k] != nil && rs.Model.Fields[k].Kind == orm.Boolean) {
			out[k] = v
		}
	}
	return out, nil
}

// zones are time zones most people find theirs among.
func zones() []string {
	return []string{"UTC", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Argentina/Buenos_Aires", "America/Bogota",
		"America/Chicago", "America/Denver", "America/Halifax", "America/Lima", "America/Los_Angeles", "America/Mexico_City", "America/New_York",
		"America/Santiago", "America/Sao_Paulo", "America/Toronto", "Asia/Bangkok", "Asia/Dhaka", "Asia/Dubai", "Asia/Ho_Chi_Minh", "Asia/Hong_Kong",
		"Asia/Jakarta", "Asia/Jerusalem", "Asia/Karachi", "Asia/Kolkata", "Asia/Kuala_Lumpur", "Asia/Manila", "Asia/Riyadh", "Asia/Seoul", "Asia/Shanghai",
		"Asia/Singapore", "Asia/Taipei", "Asia/Tehran", "Asia/Tokyo", "Australia/Brisbane", "Australia/Perth", "Australia/Sydney", "Europe/Amsterdam",
		"Europe/Athens", "Europe/Berlin", "Europe/Brussels", "Europe/Bucharest", "Europe/Copenhagen", "Europe/Dublin", "Europe/Helsinki", "Europe/Istanbul",
		"Europe/Kyiv", "Europe/Lisbon", "Europe/London", "Europe/Madrid", "Europe/Moscow", "Europe/Oslo", "Europe/Paris", "Europe/Prague", "Europe/Rome",
		"Europe/Stockholm", "Europe/Vienna", "Europe/Warsaw", "Europe/Zurich", "Pacific/Auckland", "Pacific/Honolulu"}
}

// users is the model of users.
func (rd *reader) users() orm.Records { return rd.env.Model(rd.env.Registry().PolicyModels().Users) }
