package rpc

import (
	"fmt"
	"slices"
	"strings"

	"fusion/framework/orm"
)

// call is one method every model has, with its arguments taken apart.
type call struct {
	rs orm.Records
	a  orm.Args
}

func (c *call) get(i int, name string) any { return c.a.Get(i, name) }

func (c *call) has(i int, name string) bool {
	_, ok := c.a.Kw[name]
	return ok || i < len(c.a.Pos)
}

func (c *call) names(i int, name string) ([]string, error) {
	switch v := c.get(i, name).(type) {
	case nil:
		return nil, nil
	case bool:
		if !v {
			return nil, nil
		}
	case string:
		return []string{v}, nil
	case []any:
		out := make([]string, len(v))
		for k, x := range v {
			s, ok := x.(string)
			if !ok {
				return nil, typeErrorf("%s must be a list of texts", name)
			}
			out[k] = s
		}
		return out, nil
	}
	return nil, typeErrorf("%s must be a list of texts", name)
}

func (c *call) domain(i int, name string) (orm.Domain, error) { return orm.ToDomain(c.get(i, name)) }

func (c *call) text(i int, name, otherwise string) string {
	if s, ok := c.get(i, name).(string); ok {
		return s
	}
	return otherwise
}

func (c *call) int(i int, name string) int { return int(c.a.Int(i, name)) }

func (c *call) values(i int, name string) (orm.Values, error) {
	switch v := c.get(i, name).(type) {
	case map[string]any:
		return v, nil
	case nil:
		return nil, nil
	}
	return nil, typeErrorf("%s must be an object of field values", name)
}

// records takes the ids that are the first argument of record methods.
func (c *call) records() error {
	if len(c.a.Pos) == 0 {
		if v, ok := c.a.Kw["ids"]; ok {
			c.a.Pos = []any{v}
			delete(c.a.Kw, "ids")
		} else {
			return typeErrorf("the call needs the ids of records as its first argument")
		}
	}
	ids, err := toIDs(c.a.Pos[0])
	if err != nil {
		return err
	}
	c.rs, c.a.Pos = c.rs.Browse(ids...), c.a.Pos[1:]
	return nil
}

func toIDs(v any) ([]int64, error) {
	var list []any
	switch x := v.(type) {
	case nil:
		return nil, nil
	case bool:
		if !x {
			return nil, nil
		}
	case []any:
		list = x
	default:
		list = []any{x}
	}
	out := []int64{}
	for _, e := range list {
		id, err := number(e)
		if err != nil || id <= 0 {
			return nil, typeErrorf("%v is not a record id", e)
		}
		out = append(out, id)
	}
	return out, nil
}

type body func(c *call) (any, error)

// onRecords and onModel are the methods every model has. The first take ids.
var onRecords = map[string]body{
	"read":             read,
	"write":            write,
	"unlink":           func(c *call) (any, error) { return true, c.rs.Unlink() },
	"copy":             copyRecords,
	"exists":           exists,
	"web_read":         webRead,
	"web_save":         webSave,
	"export_data":      exportData,
	"get_metadata":     metadata,
	"get_external_id":  externalIDs,
	"action_archive":   func(c *call) (any, error) { return true, c.rs.Write(orm.Values{"active": false}) },
	"action_unarchive": func(c *call) (any, error) { return true, c.rs.Write(orm.Values{"active": true}) },
	"toggle_active":    toggleActive,
	"name_get":         nameGet,
	"check_access":     func(c *call) (any, error) { return nil, c.rs.CheckAccess(op(c)) },
	"has_access":       hasAccess,
	"check_access_rule": func(c *call) (any, error) {
		return nil, c.rs.CheckAccess(op(c))
	},
}

var onModel = map[string]body{
	"search":               search,
	"search_read":          searchRead,
	"search_count":         searchCount,
	"create":               create,
	"name_search":          nameSearch,
	"name_create":          nameCreate,
	"default_get":          defaultGet,
	"fields_get":           fieldsGet,
	"read_group":           readGroup,
	"web_read_group":       webReadGroup,
	"formatted_read_group": formattedReadGroup,
	"web_search_read":      webSearchRead,
	"check_access_rights":  checkRights,
}

func needsIDs(m *orm.Model, method string) bool {
	if m.HasMethod(method) {
		return !m.OnModel(method)
	}
	return onRecords[method] != nil
}

// notCallable are names that are no method of records, whatever an addon says.
var notCallable = []string{"sudo", "with_context", "with_user", "with_company", "with_env", "mapped", "filtered", "filtered_domain", "sorted",
	"ensure_one", "init", "browse", "new", "concat", "union", "invalidate_recordset", "invalidate_model", "modified", "flush_model", "flush_recordset", "flush", "clear_caches", "update", "ids", "env", "pool"}

// Call runs a method of a model on behalf of a client: first the model's own,
// then those every model has.
func Call(env *orm.Env, model, method string, pos []any, kw map[string]any) (any, error) {
	rs, err := env.Lookup(model)
	if err != nil {
		return nil, err
	}
	args := make(map[string]any, len(kw))
	for k, v := range kw {
		args[k] = v
	}
	if v, ok := args["context"]; ok {
		delete(args, "context")
		keys, isMap := v.(map[string]any)
		if v != nil && !isMap {
			return nil, typeErrorf("the context must be an object")
		}
		env = env.WithContext(keys)
		if err := checkContext(env); err != nil {
			return nil, err
		}
		rs = rs.In(env)
	}
	if strings.HasPrefix(method, "_") || slices.Contains(notCallable, method) {
		return nil, orm.AccessErrorf("Private methods (such as '%s.%s') cannot be called remotely.", model, method)
	}
	c := &call{rs: rs, a: orm.Args{Pos: pos, Kw: args}}
	if rs.Model.HasMethod(method) {
		if !rs.Model.OnModel(method) {
			if err := c.records(); err != nil {
				return nil, err
			}
		}
		out, err := c.rs.Call(method, c.a)
		return wire(out), err
	}
	if fn := onModel[method]; fn != nil {
		return fn(c)
	}
	if fn := onRecords[method]; fn != nil {
		if err := c.records(); err != nil {
			return nil, err
		}
		return fn(c)
	}
	return nil, &typeError{"builtins.AttributeError", fmt.Sprintf("The method '%s.%s' does not exist", model, method)}
}

// checkContext refuses languages and companies that do not exist for the user.
func checkContext(env *orm.Env) error {
	if lang, ok := env.Key("lang").(string); ok && lang != "" && lang != orm.DefaultLang {
		if _, known := env.Registry().Model("res.lang"); known {
			rows, err := env.Query("SELECT 1 FROM res_lang WHERE code = ? AND active", lang)
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				return orm.UserErrorf("Invalid language code: %s", lang)
			}
		}
	}
	return env.CheckCompanies()
}

// wire turns what a method returned into JSON-RPC: records become ids.
func wire(v any) any {
	switch x := v.(type) {
	case orm.Records:
		return x.IDs
	case interface{ WireValue() any }:
		return x.WireValue()
	}
	return v
}

func op(c *call) orm.Op { return orm.Op(c.text(0, "operation", "read")) }

func hasAccess(c *call) (any, error) {
	err := c.rs.CheckAccess(op(c))
	if orm.IsCode(err, orm.CodeAccess) {
		return false, nil
	}
	return err == nil, err
}

func checkRights(c *call) (any, error) {
	ok, err := c.rs.HasAccess(op(c))
	if err != nil || ok {
		return ok, err
	}
	if v := c.get(1, "raise_exception"); v == nil || v == true {
		return nil, c.rs.CheckAccess(op(c))
	}
	return false, nil
}

func read(c *call) (any, error) {
	fields, err := c.names(0, "fields")
	if err != nil {
		return nil, err
	}
	load := c.get(1, "load")
	return orEmpty(c.rs.ReadWire(fields, !c.has(1, "load") || load == "_classic_read"))
}

func orEmpty(rows []orm.Values, err error) (any, error) {
	if rows == nil {
		rows = []orm.Values{}
	}
	return rows, err
}

func write(c *call) (any, error) {
	vals, err := c.values(0, "vals")
	if err != nil {
		return nil, err
	}
	return true, c.rs.Write(vals)
}

func create(c *call) (any, error) {
	arg := c.get(0, "vals_list")
	if arg == nil {
		arg = c.a.Kw["vals"]
	}
	if list, ok := arg.([]any); ok {
		vals := make([]orm.Values, len(list))
		for i, v := range list {
			m, ok := v.(map[string]any)
			if !ok {
				return nil, typeErrorf("create takes an object of field values, or a list of them")
			}
			vals[i] = m
		}
		created, err := c.rs.Create(vals...)
		return idsOf(created), err
	}
	m, ok := arg.(map[string]any)
	if !ok {
		return nil, typeErrorf("create takes an object of field values, or a list of them")
	}
	created, err := c.rs.Create(m)
	return created.ID(), err
}

func idsOf(rs orm.Records) []int64 {
	if rs.IDs == nil {
		return []int64{}
	}
	return rs.IDs
}

func copyRecords(c *call) (any, error) {
	over, err := c.values(0, "default")
	if err != nil {
		return nil, err
	}
	made, err := c.rs.Copy(over)
	return idsOf(made), err
}

func exists(c *call) (any, error) {
	there, err := c.rs.Exists()
	return idsOf(there), err
}

func toggleActive(c *call) (any, error) {
	rows, err := c.rs.Read("active")
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		id, _ := row["id"].(int64)
		if err := c.rs.Browse(id).Write(orm.Values{"active": row["active"] != true}); err != nil {
			return nil, err
		}
	}
	return true, nil
}

func nameGet(c *call) (any, error) {
	names, err := c.rs.DisplayNames()
	out := [][]any{}
	for _, id := range c.rs.IDs {
		out = append(out, []any{id, names[id]})
	}
	return out, err
}

func options(c *call, offset, limit, order int) orm.SearchOptions {
	return orm.SearchOptions{Offset: c.int(offset, "offset"), Limit: c.int(limit, "limit"), Order: c.text(order, "order", "")}
}

func search(c *call) (any, error) {
	d, err := c.domain(0, "domain")
	if err != nil {
		return nil, err
	}
	found, err := c.rs.Search(d, options(c, 1, 2, 3))
	return idsOf(found), err
}

func searchRead(c *call) (any, error) {
	d, err := c.domain(0, "domain")
	if err != nil {
		return nil, err
	}
	fields, err := c.names(1, "fields")
	if err != nil {
		return nil, err
	}
	found, err := c.rs.Search(d, options(c, 2, 3, 4))
	if err != nil {
		return nil, err
	}
	return orEmpty(found.ReadWire(fields, c.a.Kw["load"] == nil || c.a.Kw["load"] == "_classic_read"))
}

func searchCount(c *call) (any, error) {
	d, err := c.domain(0, "domain")
	if err != nil {
		return nil, err
	}
	return c.rs.SearchCount(d, c.int(1, "limit"))
}

func nameSearch(c *call) (any, error) {
	d, err := c.domain(1, "args")
	if err != nil {
		return nil, err
	}
	if v, ok := c.a.Kw["domain"]; ok {
		if d, err = orm.ToDomain(v); err != nil {
			return nil, err
		}
	}
	limit := 100
	if c.has(3, "limit") {
		limit = c.int(3, "limit")
	}
	found, err := c.rs.NameSearch(c.text(0, "name", ""), d, c.text(2, "operator", "ilike"), limit)
	out := [][]any{}
	for _, n := range found {
		out = append(out, []any{n.ID, n.Name})
	}
	return out, err
}

func nameCreate(c *call) (any, error) {
	n, err := c.rs.NameCreate(c.text(0, "name", ""))
	return []any{n.ID, n.Name}, err
}

func defaultGet(c *call) (any, error) {
	fields, err := c.names(0, "fields_list")
	if err != nil {
		return nil, err
	}
	vals, err := c.rs.DefaultGet(fields...)
	if err != nil {
		return nil, err
	}
	return c.rs.WireValues(vals)
}

func fieldsGet(c *call) (any, error) {
	fields, err := c.names(0, "allfields")
	if err != nil {
		return nil, err
	}
	attrs, err := c.names(1, "attributes")
	if err != nil {
		return nil, err
	}
	return c.rs.FieldsGet(fields, attrs)
}

func metadata(c *call) (any, error) {
	rows, err := c.rs.ReadWire([]string{"create_uid", "create_date", "write_uid", "write_date"}, true)
	if err != nil {
		return nil, err
	}
	xml, err := xmlids(c.rs)
	for _, row := range rows {
		id, _ := row["id"].(int64)
		row["xmlid"], row["noupdate"] = false, false
		if list := xml[id]; len(list) > 0 {
			row["xmlid"] = list[0]
		}
		row["xmlids"] = []any{}
	}
	return orEmpty(rows, err)
}

func xmlids(rs orm.Records) (map[int64][]string, error) {
	out := map[int64][]string{}
	rows, err := rs.Env.Query("SELECT res_id, module || '.' || name FROM ir_model_data WHERE model = ? AND res_id = ANY(?) ORDER BY id", rs.Model.Name, rs.IDs)
	for _, r := range rows {
		var id int64
		fmt.Sscan(r[0], &id)
		out[id] = append(out[id], r[1])
	}
	return out, err
}

func externalIDs(c *call) (any, error) {
	xml, err := xmlids(c.rs)
	out := map[string]string{}
	for _, id := range c.rs.IDs {
		name := ""
		if len(xml[id]) > 0 {
			name = xml[id][0]
		}
		out[fmt.Sprint(id)] = name
	}
	return out, err
}

// exportData reads dotted paths as rows of texts and values.
func exportData(c *call) (any, error) {
	paths, err := c.names(0, "fields_to_export")
	if err != nil {
		return nil, err
	}
	rows := [][]any{}
	for _, id := range c.rs.IDs {
		row := make([]any, len(paths))
		for i, p := range paths {
			if row[i], err = exportValue(c.rs.Browse(id), strings.Split(strings.ReplaceAll(p, "/", "."), ".")); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	return map[string]any{"datas": rows}, nil
}

func exportValue(rs orm.Records, path []string) (any, error) {
	if rs.Len() == 0 {
		return "", nil
	}
	name := path[0]
	if name == "id" {
		xml, err := xmlids(rs)
		if list := xml[rs.ID()]; len(list) > 0 {
			return list[0], err
		}
		return "", err
	}
	if name == ".id" {
		return fmt.Sprint(rs.ID()), nil
	}
	v, err := rs.Value(name)
	if err != nil {
		return nil, err
	}
	f := rs.Model.Fields[name]
	switch {
	case f.Kind == orm.Many2one:
		id, _ := v.(int64)
		if id == 0 {
			return "", nil
		}
		co := rs.Env.Model(f.Comodel).Browse(id)
		if len(path) > 1 {
			return exportValue(co, path[1:])
		}
		names, err := co.DisplayNames()
		return names[id], err
	case f.X2many():
		ids, _ := v.([]int64)
		co := rs.Env.Model(f.Comodel)
		if len(path) > 1 {
			if len(ids) == 0 {
				return "", nil
			}
			return exportValue(co.Browse(ids[0]), path[1:])
		}
		names, err := co.Browse(ids...).DisplayNames()
		var parts []string
		for _, id := range ids {
			parts = append(parts, names[id])
		}
		return strings.Join(parts, ","), err
	case f.Kind == orm.Selection:
		s, _ := v.(string)
		return f.OptionLabel(s), nil
	}
	w := f.Wire(v)
	if w == false && f.Kind != orm.Boolean {
		return "", nil
	}
	return w, nil
}
