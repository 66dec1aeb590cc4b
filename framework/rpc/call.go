package rpc

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
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

// fieldNames are names of fields. A text in place of the list is one of
// letters, as for Odoo: what is asked for is wrong, and has to be said.
func (c *call) fieldNames(i int, name string) ([]string, error) {
	if text, ok := c.get(i, name).(string); ok {
		return strings.Split(text, ""), nil
	}
	return c.names(i, name)
}

// conditions are a domain that has to be there, if only as an empty list. True
// stands for all records, False for none.
func (c *call) conditions(i int, name string) (orm.Domain, error) {
	switch v := c.get(i, name); v {
	case nil, "":
		return nil, &orm.Error{Code: orm.CodeType, Message: "Domain() invalid argument type for domain: " + map[bool]string{true: "None", false: "''"}[v == nil]}
	case true:
		return nil, nil
	case false:
		return orm.Not(nil), nil
	}
	return c.domain(i, name)
}

func (c *call) domain(i int, name string) (orm.Domain, error) { return orm.ToDomain(c.get(i, name)) }

func (c *call) text(i int, name, otherwise string) string {
	if s, ok := c.get(i, name).(string); ok {
		return s
	}
	return otherwise
}

// window reads a limit or offset: nothing means none.
func (c *call) window(i int, name string) (int, error) {
	v := c.get(i, name)
	switch x := v.(type) {
	case nil, bool:
		if v == true {
			break
		}
		return 0, nil
	case string:
		v = json.Number(x)
	}
	n, err := number(v)
	if err != nil {
		return 0, typeErrorf("%s must be a number", name)
	}
	if n < 0 {
		return 0, orm.ValueErrorf("%s must not be negative", name)
	}
	return int(n), nil
}

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
			return &typeError{"builtins.IndexError", "the call needs the ids of records as its first argument"}
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
		if err != nil || id == 0 {
			return nil, typeErrorf("%s is not a record id", python(e))
		}
		out = append(out, id)
	}
	return out, nil
}

type body func(c *call) (any, error)

// method is one that every model has. Its signature lists the arguments that
// may be given by position or by name, the first of them mandatory.
type method struct {
	onModel   bool // takes no ids
	signature string
	mandatory int
	call      body
}

// methods are those every model has.
var methods = map[string]method{
	"search":       {true, "domain offset limit order", 1, search},
	"search_read":  {true, "domain fields offset limit order load", 0, searchRead},
	"search_count": {true, "domain limit", 1, searchCount},
	"create":       {true, "vals_list", 1, create},
	"load":         {true, "fields data", 2, load},
	"name_search":  {true, "name domain operator limit", 0, nameSearch},
	"name_create":  {true, "name", 1, nameCreate},
	"default_get":  {true, "fields_list", 1, defaultGet},
	"fields_get":   {true, "allfields attributes", 0, fieldsGet},
	"read_group":   {true, "domain fields groupby offset limit orderby lazy", 3, readGroup},
	"web_read_group": {true, "domain groupby aggregates limit offset order auto_unfold opening_info unfold_read_specification " +
		"unfold_read_default_limit groupby_read_specification", 2, webReadGroup},
	"formatted_read_group": {true, "domain groupby aggregates having offset limit order", 1, formattedReadGroup},
	"web_search_read":      {true, "domain specification offset limit order count_limit", 2, webSearchRead},
	"web_name_search":      {true, "name specification domain operator limit", 2, webNameSearch},
	"read_progress_bar":    {true, "domain group_by progress_bar", 3, readProgressBar},
	"get_view":             {true, "view_id view_type options", 0, getView},
	"get_views":            {true, "views options", 1, getViews},
	"check_access_rights":  {true, "operation raise_exception", 1, checkRights},

	"read":                      {false, "fields load", 0, read},
	"write":                     {false, "vals", 1, write},
	"unlink":                    {false, "", 0, func(c *call) (any, error) { return true, c.rs.Unlink() }},
	"copy":                      {false, "default", 0, copyRecords},
	"web_read":                  {false, "specification", 1, webRead},
	"web_save":                  {false, "vals specification next_id", 2, webSave},
	"onchange":                  {false, "values field_names fields_spec", 3, onchange},
	"copy_data":                 {false, "default", 0, copyData},
	"export_data":               {false, "fields_to_export", 1, exportData},
	"get_metadata":              {false, "", 0, metadata},
	"get_external_id":           {false, "", 0, externalIDs},
	"get_base_url":              {false, "", 0, baseURL},
	"action_archive":            {false, "", 0, func(c *call) (any, error) { return setActive(c, false) }},
	"action_unarchive":          {false, "", 0, func(c *call) (any, error) { return setActive(c, true) }},
	"toggle_active":             {false, "", 0, toggleActive},
	"get_field_translations":    {false, "field_name langs", 1, fieldTranslations},
	"update_field_translations": {false, "field_name translations source_lang", 2, updateTranslations},
	"web_override_translations": {false, "values", 1, overrideTranslations},
	"get_formview_id":           {false, "access_uid", 0, func(*call) (any, error) { return false, nil }},
	"get_formview_action":       {false, "access_uid", 0, formviewAction},
	"has_access":                {false, "operation", 1, hasAccess},
	"check_access_rule":         {false, "operation", 1, checkAccess},
}

// Methods names the methods that every model has, sorted.
func Methods() []string { return slices.Sorted(maps.Keys(methods)) }

// bind checks the arguments of a call against a signature.
func (c *call) bind(name string, m method) error {
	params := strings.Fields(m.signature)
	if len(c.a.Pos) > len(params) {
		return typeErrorf("%s() takes at most %d arguments (%s), %d were given", name, len(params), strings.Join(params, ", "), len(c.a.Pos))
	}
	for k := range c.a.Kw {
		i := slices.Index(params, k)
		if i < 0 {
			return typeErrorf("%s() got an unexpected keyword argument '%s'", name, k)
		}
		if i < len(c.a.Pos) {
			return typeErrorf("%s() got multiple values for argument '%s'", name, k)
		}
	}
	for i := len(c.a.Pos); i < m.mandatory; i++ {
		if _, ok := c.a.Kw[params[i]]; !ok {
			return typeErrorf("%s() missing the argument '%s'", name, params[i])
		}
	}
	return nil
}

func needsIDs(m *orm.Model, name string) bool {
	if m.HasMethod(name) {
		return !m.OnModel(name)
	}
	every, ok := methods[name]
	return ok && !every.onModel
}

// takesNoIDs reports whether a method is one of the model as a whole; false for
// what is no method.
func takesNoIDs(m *orm.Model, name string) bool {
	if m.HasMethod(name) {
		return m.OnModel(name)
	}
	return methods[name].onModel
}

// notCallable are names that are no method of records, whatever an addon says.
var notCallable = []string{"sudo", "with_context", "with_user", "with_company", "with_env", "with_prefetch", "mapped", "filtered", "filtered_domain", "sorted", "grouped",
	"ensure_one", "init", "browse", "new", "concat", "union", "invalidate_recordset", "invalidate_model", "modified", "flush_model", "flush_recordset", "clear_caches", "update", "fetch", "search_fetch",
	"exists", "check_access"}

// Call runs a method of a model on behalf of a client: first the model's own,
// then those every model has.
func Call(env *orm.Env, model, name string, pos []any, kw map[string]any) (any, error) {
	rs, err := env.Lookup(model)
	if err != nil {
		return nil, err
	}
	pos, _ = orm.Plain(pos).([]any)
	args, _ := orm.Plain(kw).(map[string]any)
	if v, ok := args["context"]; ok {
		delete(args, "context")
		keys, isMap := v.(map[string]any)
		if !isMap && !nothingIn(v) {
			return nil, typeErrorf("the context must be an object")
		}
		if env, err = inContext(env, keys); err != nil {
			return nil, err
		}
		rs = rs.In(env)
	}
	if strings.HasPrefix(name, "_") || slices.Contains(notCallable, name) {
		return nil, orm.AccessErrorf("Private methods (such as '%s.%s') cannot be called remotely.", model, name)
	}
	c := &call{rs: rs, a: orm.Args{Pos: pos, Kw: args}}
	if needsIDs(rs.Model, name) {
		if err := c.records(); err != nil {
			return nil, err
		}
	}
	if rs.Model.HasMethod(name) {
		out, err := c.rs.Call(name, c.a)
		return wire(out), err
	}
	m, ok := methods[name]
	if !ok {
		return nil, &typeError{noAttribute, fmt.Sprintf("The method '%s.%s' does not exist", model, name)}
	}
	if err := c.bind(name, m); err != nil {
		return nil, err
	}
	return m.call(c)
}

// maxKeys is how many keys a context may have: it is copied for each nested read.
const maxKeys = 500

// fromClient adds a client's context to env, without the keys that the program
// itself sets.
func fromClient(env *orm.Env, keys map[string]any) (*orm.Env, error) {
	if len(keys) > maxKeys {
		return nil, orm.UserErrorf("The context has %d keys; at most %d are accepted.", len(keys), maxKeys)
	}
	keys = maps.Clone(keys)
	maps.DeleteFunc(keys, func(k string, _ any) bool {
		return strings.HasPrefix(k, "_") || k == "install_mode" || k == "uninstall"
	})
	return env.WithContext(keys), nil
}

// inContext is fromClient for the context of a call, whose languages and companies
// have to be there.
func inContext(env *orm.Env, keys map[string]any) (*orm.Env, error) {
	env, err := fromClient(env, keys)
	if err != nil {
		return nil, err
	}
	return env, checkContext(env)
}

// checkContext refuses languages and companies that do not exist for the user.
func checkContext(env *orm.Env) error {
	if lang, ok := env.Key("lang").(string); ok && lang != "" && lang != orm.DefaultLang {
		active, err := env.Languages()
		if err != nil {
			return err
		}
		if !slices.Contains(active, lang) {
			return orm.UserErrorf("Invalid language code: %s", lang)
		}
	}
	return env.CheckCompanies()
}

// wire turns what a method returned into JSON-RPC: records become ids, and no
// list of ids is null.
func wire(v any) any {
	switch x := v.(type) {
	case orm.Records:
		return idsOf(x)
	case interface{ WireValue() any }:
		return x.WireValue()
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			out[k] = wire(e)
		}
		return out
	case orm.Domain:
		return wire([]any(x))
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = wire(e)
		}
		return out
	case []int64:
		if x == nil {
			return []int64{}
		}
	}
	return v
}

func op(c *call) (orm.Op, error) {
	switch op := orm.Op(c.text(0, "operation", "")); op {
	case orm.OpRead, orm.OpWrite, orm.OpCreate, orm.OpUnlink:
		return op, nil
	default:
		return "", &typeError{"builtins.AssertionError", "the operation must be read, write, create or unlink"}
	}
}

func checkAccess(c *call) (any, error) {
	op, err := op(c)
	if err != nil {
		return nil, err
	}
	return nil, c.rs.CheckAccess(op)
}

func hasAccess(c *call) (any, error) {
	_, err := checkAccess(c)
	if orm.IsCode(err, orm.CodeAccess) {
		return false, nil
	}
	return err == nil, err
}

func checkRights(c *call) (any, error) {
	op, err := op(c)
	if err != nil {
		return nil, err
	}
	ok, err := c.rs.HasAccess(op)
	if err != nil || ok {
		return ok, err
	}
	if v := c.get(1, "raise_exception"); v == nil || v == true {
		return nil, c.rs.CheckAccess(op)
	}
	return false, nil
}

// setActive archives or restores the records that are not yet so.
func setActive(c *call, active bool) (any, error) {
	is, isnt, err := byActive(c)
	if err != nil {
		return nil, err
	}
	if active {
		return true, isnt.Write(orm.Values{"active": true})
	}
	return true, is.Write(orm.Values{"active": false})
}

func toggleActive(c *call) (any, error) {
	is, isnt, err := byActive(c)
	if err != nil {
		return nil, err
	}
	if err := is.Write(orm.Values{"active": false}); err != nil {
		return nil, err
	}
	return true, isnt.Write(orm.Values{"active": true})
}

// byActive parts the records into active and archived ones.
func byActive(c *call) (is, isnt orm.Records, err error) {
	is, isnt = c.rs.Browse(), c.rs.Browse()
	if !c.rs.Model.HasActive() {
		return is, isnt, orm.UserErrorf("%s (%s) cannot be archived.", c.rs.Model.Label, c.rs.Model.Name)
	}
	rows, err := c.rs.Read("active")
	for i, row := range rows {
		if row["active"] == true {
			is.IDs = append(is.IDs, c.rs.IDs[i])
		} else {
			isnt.IDs = append(isnt.IDs, c.rs.IDs[i])
		}
	}
	return is, isnt, err
}

func read(c *call) (any, error) {
	fields, err := c.fieldNames(0, "fields")
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
	if err == nil && vals == nil {
		err = typeErrorf("vals must be an object of field values")
	}
	if err != nil {
		return nil, err
	}
	if err := c.rs.CheckReferences(vals); err != nil {
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
			if err := c.rs.Browse().CheckReferences(m); err != nil {
				return nil, err
			}
		}
		created, err := c.rs.Create(vals...)
		return idsOf(created), err
	}
	m, ok := arg.(map[string]any)
	if !ok {
		return nil, typeErrorf("create takes an object of field values, or a list of them")
	}
	if err := c.rs.Browse().CheckReferences(m); err != nil {
		return nil, err
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
	if err := c.rs.Browse().CheckReferences(over); err != nil {
		return nil, err
	}
	made, err := c.rs.Copy(over)
	return idsOf(made), err
}

func options(c *call, offset, limit, order int) (o orm.SearchOptions, err error) {
	if o.Offset, err = c.window(offset, "offset"); err != nil {
		return o, err
	}
	o.Limit, err = c.window(limit, "limit")
	o.Order = c.text(order, "order", "")
	return o, err
}

func search(c *call) (any, error) {
	d, err := c.conditions(0, "domain")
	if err != nil {
		return nil, err
	}
	o, err := options(c, 1, 2, 3)
	if err != nil {
		return nil, err
	}
	found, err := c.rs.Search(d, o)
	return idsOf(found), err
}

func searchRead(c *call) (any, error) {
	d, err := c.domain(0, "domain")
	if err != nil {
		return nil, err
	}
	fields, err := c.fieldNames(1, "fields")
	if err != nil {
		return nil, err
	}
	o, err := options(c, 2, 3, 4)
	if err != nil {
		return nil, err
	}
	found, err := c.rs.Search(d, o)
	if err != nil {
		return nil, err
	}
	load, given := c.a.Kw["load"]
	return orEmpty(found.ReadWire(fields, !given || load == "_classic_read"))
}

func searchCount(c *call) (any, error) {
	d, err := c.conditions(0, "domain")
	if err != nil {
		return nil, err
	}
	limit, err := c.window(1, "limit")
	if err != nil {
		return nil, err
	}
	return c.rs.SearchCount(d, limit)
}

func nameSearch(c *call) (any, error) {
	d, err := c.domain(1, "domain")
	if err != nil {
		return nil, err
	}
	limit := 100
	if c.has(3, "limit") {
		if limit, err = c.window(3, "limit"); err != nil {
			return nil, err
		}
	}
	op := c.text(2, "operator", "ilike")
	if list, ok := c.get(0, "name").([]any); ok { // one of several names
		d, op = orm.And(orm.Leaf("display_name", op, list), d), ""
	}
	name := c.text(0, "name", "")
	switch n := c.get(0, "name").(type) {
	case json.Number, int64, float64:
		name = fmt.Sprint(n)
	}
	found, err := c.rs.NameSearch(name, d, op, limit)
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
