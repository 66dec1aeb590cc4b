// Package viewdata reads what pages show, as the user may see it: views, fields,
// rights, records with their lines and the names of what they link to. It stands
// between the database and package render.
package viewdata

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/viewstore"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/locale"
	"fusionsoft.ca/fusion/framework/web/render"
)

// Reader reads what a page shows, as the user may see it: views, fields, rights,
// records with the lines inside them, and the names of what they link to. It is made
// for one unit of work and keeps what was asked for once.
type Reader struct {
	env    *orm.Env
	loc    *locale.Locale
	Names  *Names
	store  *viewstore.Store
	Exprs  *expr.Cache
	links  Links
	access map[string]render.Rights
	fields map[string]map[string]render.Field
}

// Links are what cells need to know of the pages around them.
type Links struct {
	Record func(model string, id int64) string // the address of a record
	Opens  func(action string) bool            // whether the user may open an action
	Panel  func(*view.Node) string             // the name of the panel that a node asks for
}

// New makes a reader for a unit of work.
func New(env *orm.Env, store *viewstore.Store, exprs *expr.Cache, l Links) *Reader {
	rd := &Reader{store: store, Exprs: exprs, links: l, access: map[string]render.Rights{}, fields: map[string]map[string]render.Field{}}
	rd.use(env)
	return rd
}

// Env is the unit of work, as the user with the context of the page.
func (rd *Reader) Env() *orm.Env { return rd.env }

// use makes env the one the page works with.
func (rd *Reader) use(env *orm.Env) {
	rd.env = env
	rd.Names = NewNames(env)
}

// WithContext adds context keys for the rest of the page.
func (rd *Reader) WithContext(keys map[string]any) {
	if len(keys) > 0 {
		rd.use(rd.env.WithContext(keys))
	}
}

// Rights are what the user may do with a model.
func (rd *Reader) Rights(model string) (render.Rights, error) {
	if known, ok := rd.access[model]; ok {
		return known, nil
	}
	rs, err := rd.env.Lookup(model)
	if err != nil {
		return render.Rights{}, err
	}
	var out render.Rights
	for op, to := range map[orm.Op]*bool{orm.OpRead: &out.Read, orm.OpWrite: &out.Write, orm.OpCreate: &out.Create, orm.OpUnlink: &out.Unlink} {
		if *to, err = rs.HasAccess(op); err != nil {
			return render.Rights{}, err
		}
	}
	if rs.Model.Query != "" {
		out.Write, out.Create, out.Unlink = false, false, false
	}
	rd.access[model] = out
	return out, nil
}

// Fields are the fields of a model that the user may see.
func (rd *Reader) Fields(model string) (map[string]render.Field, error) {
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
	out := make(map[string]render.Field, len(described))
	for name, d := range described {
		out[name] = render.Field{Field: rs.Model.Fields[name], ReadonlyForUser: d["readonly"] == true || rs.Model.Query != ""}
	}
	rd.fields[model] = out
	return out, nil
}

// inGroups reports whether the user passes a groups attribute of a view.
func (rd *Reader) inGroups(list string) bool {
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

// Allowed reports whether a node of a view is for the user.
func (rd *Reader) Allowed(n *view.Node) bool {
	g, ok := n.Lookup("groups")
	return !ok || rd.inGroups(g)
}

// View finds the view of a kind for a model, as the user may see it.
func (rd *Reader) View(model, kind string, id int64) (*view.View, error) {
	mine, err := rd.env.Groups()
	if err != nil {
		return nil, err
	}
	v, _, err := rd.store.Find(rd.env, mine, model, kind, id)
	return v, err
}

// Vars are the names every expression of a view may read.
func (rd *Reader) Vars() map[string]any {
	out := expr.TimeVars(rd.env.Now().In(rd.env.Location()))
	companies := []any{}
	for _, id := range rd.env.Companies() {
		companies = append(companies, id)
	}
	out["uid"], out["context"] = rd.env.UID(), convert.Expr(rd.env.Keys())
	out["allowed_company_ids"], out["current_company_id"] = companies, rd.env.Company()
	for _, k := range []string{"active_id", "active_ids", "active_model"} {
		out[k] = convert.Expr(rd.env.Key(k))
	}
	return out
}

// Domain evaluates a domain written in a view or an action.
func (rd *Reader) Domain(src string, vars map[string]any) (orm.Domain, error) {
	if strings.TrimSpace(src) == "" {
		return nil, nil
	}
	d, err := rd.Exprs.Domain(src, vars)
	return orm.Domain(d), err
}

// Dict evaluates a dictionary such as a context.
func (rd *Reader) Dict(src string, vars map[string]any) (map[string]any, error) {
	if strings.TrimSpace(src) == "" {
		return nil, nil
	}
	v, err := rd.Exprs.Eval(src, vars)
	m, _ := v.(map[string]any)
	return m, err
}

// Attempt does something in a savepoint, so that its failure leaves nothing
// behind. Errors that are meant for the user come back in told, all others in
// err.
func (rd *Reader) Attempt(fn func() error) (told *orm.Error, err error) {
	err = rd.env.Savepoint(func(*orm.Env) error { return fn() })
	if oe := UserError(err); oe != nil {
		return oe, nil
	}
	return nil, err
}

// Locale reads the user's language and the currencies, once a page.
func (rd *Reader) Locale() (*locale.Locale, error) {
	if rd.loc != nil {
		return rd.loc, nil
	}
	l := locale.Default()
	l.Zone = rd.env.Location()
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
			l.Code, l.Dir = convert.Text(r["code"]), convert.Text(r["direction"])
			l.DateLayout, l.TimeLayout = locale.Layout(convert.Text(r["date_format"])), locale.Layout(convert.Text(r["short_time_format"]))
			l.Decimal, l.Thousands = convert.Text(r["decimal_point"]), convert.Text(r["thousands_sep"])
			if err := json.Unmarshal([]byte(convert.Text(r["grouping"])), &l.Grouping); err != nil {
				l.Grouping = nil
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
			l.Currencies[convert.ID(r["id"])] = locale.Currency{Symbol: convert.Text(r["symbol"]), Before: convert.Text(r["position"]) == "before", Places: int32(places)}
		}
	}
	return l, nil
}

// FieldsToRead are the fields to read for a view: those it shows or looks at and
// the user may see, with the currencies of amounts.
func (rd *Reader) FieldsToRead(model string, wanted []string) ([]string, error) {
	known, err := rd.Fields(model)
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
			if can, err := rd.Rights(f.Comodel); err != nil || !can.Read {
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

// Read loads records for a view: one read for their fields, one for each
// x2many list inside, and later one for the names of each model linked to.
func (rd *Reader) Read(rs orm.Records, v *view.View, extra ...string) ([]*render.Record, error) {
	fields, err := rd.FieldsToRead(rs.Model.Name, append(v.FieldNames(), extra...))
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
	out := make([]*render.Record, len(rows))
	for i, vals := range rows {
		out[i] = &render.Record{Model: rs.Model, ID: storedID(rs, convert.ID(vals["id"])), Values: vals, Lists: map[string]*render.Lines{}}
	}
	rd.WantNames(rs.Model, fields, out)
	return out, nil
}

// storedID is the id of the stored record that a record of rs is or stands for, or its
// own when there is none.
func storedID(rs orm.Records, id int64) int64 {
	return cmp.Or(rs.Browse(id).Origin(), id)
}

// WantNames notes which names the values of records need.
func (rd *Reader) WantNames(m *orm.Model, fields []string, recs []*render.Record) {
	for _, name := range fields {
		f := m.Fields[name]
		switch f.Kind {
		case orm.Many2one:
			for _, r := range recs {
				rd.Names.Add(f.Comodel, convert.ID(r.Values[name]))
			}
		case orm.Many2many, orm.One2many:
			for _, r := range recs {
				ids, _ := r.Values[name].([]int64)
				if len(ids) > render.MaxLines {
					ids = ids[:render.MaxLines]
				}
				rd.Names.Add(f.Comodel, ids...)
			}
		case orm.Many2oneRef:
			for _, r := range recs {
				if model := convert.Text(r.Values[f.ModelField]); model != "" {
					rd.Names.Add(model, convert.ID(r.Values[name]))
				}
			}
		case orm.Reference:
			for _, r := range recs {
				if model, id := convert.Reference(convert.Text(r.Values[name])); model != "" {
					rd.Names.Add(model, id)
				}
			}
		}
	}
}

// ReadForm loads one record for a form, the lists inside it included.
func (rd *Reader) ReadForm(rs orm.Records, v *view.View) (*render.Record, error) {
	recs, err := rd.Read(rs, v, "display_name", "write_date", "active")
	if err != nil {
		return nil, err
	}
	rec := recs[0]
	if err := rd.ReadLists(rs, rec, v); err != nil {
		return nil, err
	}
	return rec, rd.readFiles(rec, v)
}

// LinesView is the list a form shows for an x2many field: the one written inside,
// else the comodel's own. Widgets that show names only have none.
func (rd *Reader) LinesView(f *orm.Field, n *view.Node) (*view.View, error) {
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
	return rd.View(f.Comodel, "list", 0)
}

// ReadLists loads the lines of the x2many fields a form shows.
func (rd *Reader) ReadLists(rs orm.Records, rec *render.Record, v *view.View) error {
	known, err := rd.Fields(rs.Model.Name)
	if err != nil {
		return err
	}
	for _, n := range v.Fields() {
		f, ok := known[n.Name()]
		if !ok || rec.Lists[f.Name] != nil || !rd.Allowed(n) || n.Attr("invisible") == "1" || n.Attr("invisible") == "True" {
			continue
		}
		list, err := rd.LinesView(f.Field, n)
		if err != nil {
			return err
		}
		if list == nil {
			continue
		}
		ids, _ := rec.Values[f.Name].([]int64)
		if rec.Lists[f.Name], err = rd.ReadLines(f.Field, list, n, ids); err != nil {
			return err
		}
	}
	return nil
}

// ReadLines loads records as the lines of an x2many field, for a list inside a form.
func (rd *Reader) ReadLines(f *orm.Field, list *view.View, n *view.Node, ids []int64) (*render.Lines, error) {
	out := &render.Lines{Field: f, View: list, Total: len(ids)}
	can, err := rd.Rights(f.Comodel)
	if err != nil {
		return nil, err
	}
	if !can.Read {
		out.Denied = true
		return out, nil
	}
	if len(ids) > render.MaxLines {
		ids = ids[:render.MaxLines]
	}
	extra := []string{"display_name"}
	if form := n.SubViews()["form"]; form != nil {
		extra = append(extra, (&view.View{Root: form}).FieldNames()...)
	}
	rows, err := rd.Read(rd.env.Model(f.Comodel).Browse(ids...), list, extra...)
	if orm.IsCode(err, orm.CodeAccess) {
		out.Denied = true
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		r.Key = fmt.Sprint(r.ID)
	}
	out.Rows = rows
	return out, nil
}

// readFiles finds out which files a form shows, without reading them.
func (rd *Reader) readFiles(rec *render.Record, v *view.View) error {
	rec.Files = map[string]render.FileFact{}
	var fields []string
	for _, n := range v.Fields() {
		if f := rec.Model.Fields[n.Name()]; f != nil && f.Kind == orm.BinaryKind && !f.Computed() {
			fields = append(fields, f.Name)
		}
	}
	if len(fields) == 0 || rec.ID == 0 {
		return nil
	}
	// Whether there is a file follows from the record, which the user may read.
	att := rd.env.Sudo().Model("ir.attachment")
	found, err := att.Search(orm.And(orm.Leaf("res_model", "=", rec.Model.Name), orm.Leaf("res_id", "=", rec.ID), orm.Leaf("res_field", "in", fields)), orm.SearchOptions{})
	if err != nil {
		return err
	}
	rows, err := found.Read("res_field", "file_size", "name")
	if err != nil {
		return err
	}
	for _, r := range rows {
		n, _ := r["file_size"].(int64)
		rec.Files[convert.Text(r["res_field"])] = render.FileFact{Size: n, Name: convert.Text(r["name"])}
	}
	return nil
}

// Builder makes a builder with what the page knows.
func (rd *Reader) Builder() (*render.Builder, error) {
	loc, err := rd.Locale()
	if err != nil {
		return nil, err
	}
	return &render.Builder{Locale: loc, Names: rd.Names, Vars: rd.Vars(), Exprs: rd.Exprs, Today: rd.env.Now().In(loc.Zone), Panel: rd.links.Panel,
		Fields: func(model string) map[string]render.Field {
			f, err := rd.Fields(model)
			if err != nil {
				return nil
			}
			return f
		},
		Rights: func(model string) render.Rights {
			r, err := rd.Rights(model)
			if err != nil {
				return render.Rights{}
			}
			return r
		},
		Allowed: rd.Allowed, Link: rd.links.Record, Opens: rd.links.Opens, Shown: map[string]string{}, Lists: map[string]render.DataList{}, Options: map[string][]render.Choice{}}, nil
}

// Flag is a switch an action's context may turn off.
func (rd *Reader) Flag(name string) bool {
	v, ok := rd.env.Key(name).(bool)
	return !ok || v
}

// Languages are those switched on.
func (rd *Reader) Languages() ([]render.Choice, error) {
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
	var out []render.Choice
	for _, l := range rows {
		out = append(out, render.Choice{Value: convert.Text(l["code"]), Label: convert.Text(l["name"])})
	}
	return out, nil
}

// NewLine is an empty line with the values it starts with.
func (rd *Reader) NewLine(co *orm.Model, key string, given map[string]any) *render.Record {
	r := &render.Record{Model: co, Key: key, Values: orm.Values{}, Extra: given}
	var fields []string
	for name, v := range given {
		lf := co.Fields[name]
		if lf == nil {
			continue
		}
		r.Values[name] = convert.FromWire(lf, convert.DefaultValue(lf, v))
		fields = append(fields, name)
	}
	rd.WantNames(co, fields, []*render.Record{r})
	return r
}

// Defaults are default values in the form of JSON-RPC, without empty ones.
func (rd *Reader) Defaults(rs orm.Records, fields []string) (map[string]any, error) {
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

// Zones are time zones most people find theirs among.
func Zones() []string {
	return []string{"UTC", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "Africa/Nairobi", "America/Argentina/Buenos_Aires", "America/Bogota",
		"America/Chicago", "America/Denver", "America/Halifax", "America/Lima", "America/Los_Angeles", "America/Mexico_City", "America/New_York",
		"America/Santiago", "America/Sao_Paulo", "America/Toronto", "Asia/Bangkok", "Asia/Dhaka", "Asia/Dubai", "Asia/Ho_Chi_Minh", "Asia/Hong_Kong",
		"Asia/Jakarta", "Asia/Jerusalem", "Asia/Karachi", "Asia/Kolkata", "Asia/Kuala_Lumpur", "Asia/Manila", "Asia/Riyadh", "Asia/Seoul", "Asia/Shanghai",
		"Asia/Singapore", "Asia/Taipei", "Asia/Tehran", "Asia/Tokyo", "Australia/Brisbane", "Australia/Perth", "Australia/Sydney", "Europe/Amsterdam",
		"Europe/Athens", "Europe/Berlin", "Europe/Brussels", "Europe/Bucharest", "Europe/Copenhagen", "Europe/Dublin", "Europe/Helsinki", "Europe/Istanbul",
		"Europe/Kyiv", "Europe/Lisbon", "Europe/London", "Europe/Madrid", "Europe/Moscow", "Europe/Oslo", "Europe/Paris", "Europe/Prague", "Europe/Rome",
		"Europe/Stockholm", "Europe/Vienna", "Europe/Warsaw", "Europe/Zurich", "Pacific/Auckland", "Pacific/Honolulu"}
}

// UserError is the error in a chain that is meant for the user.
func UserError(err error) *orm.Error {
	oe, _ := errors.AsType[*orm.Error](err)
	return oe
}
