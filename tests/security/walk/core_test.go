package walk

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// coreMethods are the methods every model has, with the ways to call them. A
// method that is missing here is not walked, and fails TestWalkIsComplete.
func coreMethods() map[string]func(k *walker) {
	return map[string]func(k *walker){
		"search":                    walkSearch,
		"search_read":               walkSearchRead,
		"search_count":              walkSearchCount,
		"read":                      walkRead,
		"name_search":               walkNameSearch,
		"web_name_search":           walkNameSearch,
		"web_read":                  walkWebRead,
		"web_search_read":           walkWebSearchRead,
		"web_save":                  walkWebSave,
		"read_group":                walkGroups,
		"web_read_group":            walkGroups,
		"formatted_read_group":      walkGroups,
		"read_progress_bar":         walkProgress,
		"default_get":               walkDefaults,
		"onchange":                  walkOnchange,
		"fields_get":                walkFieldsGet,
		"get_view":                  walkViewsOf,
		"get_views":                 walkViewsOf,
		"export_data":               walkExport,
		"copy":                      func(k *walker) { k.onRecords("copy"); k.copies() },
		"copy_data":                 func(k *walker) { k.onRecords("copy_data") },
		"create":                    walkCreate,
		"name_create":               func(k *walker) { k.call("name_create", list("made"), nil) },
		"load":                      walkLoad,
		"write":                     walkWrite,
		"unlink":                    func(k *walker) { k.onRecords("unlink") },
		"get_metadata":              func(k *walker) { k.onRecords("get_metadata") },
		"get_external_id":           func(k *walker) { k.call("get_external_id", list(ids(k.all())), nil) },
		"get_base_url":              func(k *walker) { k.call("get_base_url", list(ids(k.visible(1))), nil) },
		"action_archive":            func(k *walker) { k.onRecords("action_archive") },
		"action_unarchive":          func(k *walker) { k.onRecords("action_unarchive") },
		"toggle_active":             func(k *walker) { k.onRecords("toggle_active") },
		"get_field_translations":    walkTranslations,
		"update_field_translations": walkTranslations,
		"web_override_translations": walkTranslations,
		"get_formview_id":           func(k *walker) { k.call("get_formview_id", list(ids(k.all())), nil) },
		"get_formview_action":       func(k *walker) { k.each("get_formview_action") },
		"has_access":                walkCheck,
		"check_access_rule":         walkCheck,
		"check_access_rights":       func(k *walker) { k.call("check_access_rights", list("read"), nil) },
	}
}

func list(v ...any) []any { return v }

func ids(of []int64) []any {
	out := make([]any, len(of))
	for i, id := range of {
		out[i] = id
	}
	return out
}

// onRecords calls a method without arguments on what may be read, and on what
// may not.
func (k *walker) onRecords(method string) {
	k.call(method, list(ids(k.visible(4))), nil)
	if hidden := k.hidden(2); len(hidden) > 0 {
		k.refused(method, list(ids(hidden)), nil)
		k.refused(method, list(ids(append(k.visible(1), hidden...))), nil)
	}
}

func (k *walker) each(method string) {
	for _, id := range k.all() {
		k.call(method, list(list(id)), nil)
	}
}

// copies reads what a copy of a visible record holds.
func (k *walker) copies() {
	for _, id := range k.visible(1) {
		out, err := k.call("copy", list(list(id)), nil)
		if made, ok := out.([]int64); ok && err == nil && len(made) > 0 {
			k.call("read", list(ids(made)), nil)
		}
	}
}

func walkSearch(k *walker) {
	everything := map[string]any{"context": map[string]any{"active_test": false}}
	out, err := k.call("search", list(list()), everything)
	if found, ok := out.([]int64); ok && err == nil {
		k.onlyReadable("search", found)
	}
	for _, f := range k.open() {
		if !f.Searchable() {
			continue
		}
		out, err := k.call("search", list(list(list(f.Name, "!=", false))), map[string]any{"order": f.Name})
		if found, ok := out.([]int64); ok && err == nil {
			k.onlyReadable("search by "+f.Name, found)
		}
	}
	k.oracles()
}

// oracles asks for hidden fields, and by what lies behind relations to records
// that are hidden: the ids found must not tell.
func (k *walker) oracles() {
	for _, f := range k.reserved() {
		for _, domain := range [][]any{list(list(f.Name, "!=", false)), list("!", list(f.Name, "=", false)), list("|", list("id", "=", 0), list(f.Name, "ilike", "c"))} {
			k.refused("search", list(domain), nil)
			k.refused("search_count", list(domain), nil)
		}
		k.refused("search", list(list()), map[string]any{"order": f.Name + " desc"})
		k.refused("search_read", list(list(), list(f.Name)), nil)
	}
	for _, f := range k.open() {
		if !f.Relational() || !f.Searchable() {
			continue
		}
		co := f.ComodelOf()
		for _, name := range co.FieldNames() {
			if cf := co.Fields[name]; !k.w.ref.mayField(k.s.v, cf) {
				k.refused("search", list(list(list(f.Name+"."+name, "!=", false))), nil)
				k.refused("search", list(list(list(f.Name, "any", list(list(name, "!=", false))))), nil)
				k.refused("search", list(list()), map[string]any{"order": f.Name + "." + name})
			}
		}
		k.hiddenBehind(f, co)
	}
}

// hiddenBehind searches through a relation by a text of a record that is
// hidden: nothing may be found that is not found for another reason.
func (k *walker) hiddenBehind(f *orm.Field, co *orm.Model) {
	text := co.Fields["name"]
	if text == nil || text.Kind != orm.Char || !text.Stored || !k.w.ref.mayField(k.s.v, text) {
		return
	}
	for _, id := range k.w.ref.ids[co.Name] {
		if k.s.readable[co.Name][id] {
			continue
		}
		marks := marker.FindAllString(fmt.Sprint(k.w.ref.rows[co.Name][id]["name"]), -1)
		if len(marks) != 1 || len(k.w.ref.marks[marks[0]]) != 1 {
			continue
		}
		for _, domain := range [][]any{list(list(f.Name+".name", "ilike", marks[0])), list(list(f.Name, "any", list(list("name", "=", marks[0]))))} {
			if n, err := k.call("search_count", list(domain), map[string]any{"context": map[string]any{"active_test": false}}); err == nil && fmt.Sprint(n) != "0" {
				k.problem("search_count", fmt.Sprintf("%v finds %v by a text of %s(%d), which is hidden", domain, n, co.Name, id))
			}
		}
		return
	}
}

func walkSearchCount(k *walker) {
	n, err := k.call("search_count", list(list()), map[string]any{"context": map[string]any{"active_test": false}})
	if want := len(k.s.readable[k.m.Name]); err == nil && fmt.Sprint(n) != fmt.Sprint(want) && k.counted() {
		k.problem("search_count", fmt.Sprintf("%v records are counted, %d may be read", n, want))
	}
}

// counted reports whether all that may be read is found by a search without
// conditions; of attachments, those of fields are not.
func (k *walker) counted() bool { return k.m.Name != "ir.attachment" }

func walkSearchRead(k *walker) {
	k.call("search_read", list(list()), nil)
	k.call("search_read", list(list(), k.openNames()), map[string]any{"context": map[string]any{"active_test": false}})
	for _, company := range k.w.companies {
		k.call("search_read", list(list(), k.openNames()), map[string]any{"context": map[string]any{"allowed_company_ids": list(company)}})
	}
}

func walkRead(k *walker) {
	k.onRecords("read")
	for _, load := range []any{false, "_classic_read", nil} {
		k.call("read", list(ids(k.visible(6)), k.openNames()), map[string]any{"load": load})
	}
	if len(k.visible(1)) > 0 {
		for _, f := range k.reserved() {
			k.refused("read", list(ids(k.visible(3)), list(f.Name)), nil)
		}
		k.call("read", list(ids(k.visible(3)), k.openNames()), map[string]any{"context": map[string]any{"bin_size": true, "lang": "en_US"}})
	}
}

func walkNameSearch(k *walker) {
	for _, text := range []string{"", "c", "cnry"} {
		k.call("name_search", nil, map[string]any{"name": text, "limit": 0, "context": map[string]any{"active_test": false}})
	}
	k.call("name_search", nil, map[string]any{"name": "cnry", "operator": "not ilike", "limit": 0})
	for _, f := range k.reserved() {
		k.refused("name_search", nil, map[string]any{"args": list(list(f.Name, "!=", false))})
		k.refused("web_name_search", list("", map[string]any{f.Name: map[string]any{}}), map[string]any{"domain": list(), "limit": 5})
	}
	k.call("web_name_search", list("", k.specification(1)), map[string]any{"domain": list(), "limit": 50})
}

// specification asks for every field, and those of what they lead to.
func (k *walker) specification(depth int) map[string]any { return k.specificationOf(k.m, depth, nil) }

func (k *walker) specificationOf(m *orm.Model, depth int, context map[string]any) map[string]any {
	out := map[string]any{}
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		if !k.w.ref.mayField(k.s.v, f) {
			continue
		}
		sub := map[string]any{}
		if f.Relational() && depth > 0 && k.w.ref.mayModel(k.s.v, f.Comodel) {
			sub["fields"] = k.specificationOf(f.ComodelOf(), depth-1, context)
			if context != nil {
				sub["context"] = context
			}
			if f.X2many() {
				sub["order"] = "id desc"
			}
		}
		out[name] = sub
	}
	return out
}

func walkWebRead(k *walker) {
	k.call("web_read", list(ids(k.visible(6)), k.specification(0)), nil)
	for _, f := range k.open() { // one relation at a time: one that is refused must not hide another
		if !f.Relational() {
			continue
		}
		names := map[string]any{f.Name: map[string]any{"fields": map[string]any{"display_name": map[string]any{}}}}
		k.call("web_read", list(ids(k.visible(6)), names), nil)
		nested := map[string]any{f.Name: map[string]any{"fields": k.specificationOf(f.ComodelOf(), 0, nil)}}
		k.call("web_read", list(ids(k.visible(6)), nested), nil)
		for _, c := range k.w.companies {
			context := map[string]any{"allowed_company_ids": list(c), "active_test": false}
			nested := map[string]any{f.Name: map[string]any{"context": context, "fields": k.specificationOf(f.ComodelOf(), 0, nil)}}
			k.call("web_read", list(ids(k.visible(6)), nested), nil)
		}
		for _, name := range f.ComodelOf().FieldNames() {
			if cf := f.ComodelOf().Fields[name]; !k.w.ref.mayField(k.s.v, cf) && k.leads(f) {
				k.refused("web_read", list(ids(k.visible(20)), map[string]any{f.Name: map[string]any{"fields": map[string]any{name: map[string]any{}}}}), nil)
			}
		}
	}
	if hidden := k.hidden(2); len(hidden) > 0 {
		k.refused("web_read", list(ids(hidden), map[string]any{"display_name": map[string]any{}}), nil)
		k.refused("web_read", list(ids(hidden), k.specification(0)), nil)
	}
}

// leads reports whether a relation leads from the first visible records to one
// that may be read.
func (k *walker) leads(f *orm.Field) bool {
	if f.Computed() && !f.Inherited() {
		return false
	}
	return slices.ContainsFunc(k.visible(20), func(id int64) bool {
		return slices.ContainsFunc(k.w.ref.linked(k.m.Name, id, f), func(to int64) bool { return k.s.readable[f.Comodel][to] })
	})
}

func walkWebSearchRead(k *walker) {
	k.call("web_search_read", list(list(), k.specification(0)), map[string]any{"limit": 3, "context": map[string]any{"active_test": false, "force_search_count": 1}})
	k.call("web_search_read", list(list(), map[string]any{"display_name": map[string]any{}}), map[string]any{"count_limit": 10000})
}

func walkWebSave(k *walker) {
	if len(k.visible(1)) > 0 {
		k.call("web_save", list(ids(k.visible(1)), map[string]any{}, k.specification(0)), nil)
		for _, hidden := range k.hidden(1) {
			k.refused("web_save", list(ids(k.visible(1)), map[string]any{}, map[string]any{"display_name": map[string]any{}}), map[string]any{"next_id": hidden})
		}
	}
	if hidden := k.hidden(1); len(hidden) > 0 {
		k.refused("web_save", list(ids(hidden), map[string]any{}, map[string]any{"display_name": map[string]any{}}), nil)
	}
}

func walkGroups(k *walker) {
	for _, f := range k.open() {
		if !f.Stored && !f.Inherited() || f.Kind == orm.BinaryKind {
			continue
		}
		var aggregates []any
		if f.Aggregator != "" {
			aggregates = list(f.Name + ":sum")
		}
		k.call("formatted_read_group", list(list(), list(f.Name), append(aggregates, "__count")), nil)
		k.call("read_group", list(list(), append(aggregates, "__count"), list(f.Name)), nil)
		k.call("web_read_group", list(list(), append(aggregates, "__count"), list(f.Name)), map[string]any{"limit": 2})
		for _, fn := range []string{"array_agg", "max", "min", "count_distinct"} {
			k.call("formatted_read_group", list(list(), list(), list(f.Name+":"+fn)), nil)
		}
		if f.Relational() {
			co := f.ComodelOf()
			for _, name := range co.FieldNames() {
				if cf := co.Fields[name]; !k.w.ref.mayField(k.s.v, cf) {
					k.refused("formatted_read_group", list(list(), list(f.Name+"."+name), list("__count")), nil)
				}
			}
		}
	}
	for _, f := range k.reserved() {
		k.refused("formatted_read_group", list(list(), list(f.Name), list("__count")), nil)
		k.refused("formatted_read_group", list(list(), list(), list(f.Name+":max")), nil)
		k.refused("formatted_read_group", list(list(), list("id"), list("__count")), map[string]any{"order": f.Name + ":max"})
		k.refused("read_group", list(list(), list(f.Name+":max"), list()), nil)
		k.refused("read_group", list(list(), list("x:max("+f.Name+")"), list()), nil)
		k.refused("web_read_group", list(list(), list(), list(f.Name)), nil)
	}
	k.sums()
}

// sums compares what is summed with what may be read.
func (k *walker) sums() {
	if k.m.Name != "walk.doc" || !k.w.ref.mayModel(k.s.v, k.m.Name) {
		return
	}
	var want float64
	for id := range k.s.readable[k.m.Name] {
		var n float64
		fmt.Sscan(fmt.Sprint(k.w.ref.rows[k.m.Name][id]["amount"]), &n)
		want += n
	}
	out, err := k.call("formatted_read_group", list(list(), list(), list("amount:sum", "__count")), map[string]any{"context": map[string]any{"active_test": false}})
	if err != nil {
		if err != errNotMade {
			k.problem("formatted_read_group", err.Error())
		}
		return
	}
	rows, _ := out.([]any)
	if typed, ok := out.([]map[string]any); ok {
		for _, r := range typed {
			rows = append(rows, r)
		}
	}
	for _, r := range rows {
		row, _ := r.(map[string]any)
		var got float64
		fmt.Sscan(fmt.Sprint(row["amount:sum"]), &got)
		if got != want || fmt.Sprint(row["__count"]) != fmt.Sprint(len(k.s.readable[k.m.Name])) {
			k.problem("formatted_read_group", fmt.Sprintf("the sum of %v records is %v; %d may be read, whose sum is %v", row["__count"], got, len(k.s.readable[k.m.Name]), want))
		}
	}
}

func walkProgress(k *walker) {
	for _, f := range k.open() {
		if f.Kind == orm.Selection && f.Stored {
			k.call("read_progress_bar", list(list(), "id", map[string]any{"field": f.Name, "colors": map[string]any{"new": "success"}}), nil)
		}
	}
	for _, f := range k.reserved() {
		k.refused("read_progress_bar", list(list(), "id", map[string]any{"field": f.Name, "colors": map[string]any{"x": "success"}}), nil)
		k.refused("read_progress_bar", list(list(), f.Name, map[string]any{"field": "id", "colors": map[string]any{"x": "success"}}), nil)
	}
}

func walkFieldsGet(k *walker) {
	out, err := k.call("fields_get", nil, nil)
	if err != nil {
		return
	}
	for _, f := range k.reserved() {
		if strings.Contains(fmt.Sprint(out), "name:"+f.Name+" ") {
			k.problem("fields_get", "tells of the field "+f.Name+", which is reserved")
		}
		k.call("fields_get", list(list(f.Name)), nil)
	}
}

func walkViewsOf(k *walker) {
	var all []any
	for _, kind := range []string{"list", "form", "search", "kanban", "pivot", "graph", "calendar", "activity"} {
		k.call("get_view", nil, map[string]any{"view_type": kind})
		k.call("get_views", list(list(list(false, kind))), nil)
		all = append(all, list(false, kind))
	}
	k.call("get_views", list(all[:3]), map[string]any{"options": map[string]any{"load_filters": true, "toolbar": true}})
}

func walkCheck(k *walker) {
	for _, method := range []string{"has_access", "check_access_rule"} {
		k.call(method, list(ids(k.visible(3)), "read"), nil)
		for _, id := range k.hidden(2) {
			out, err := k.call(method, list(list(id), "read"), nil)
			if err == nil && out != false {
				k.problem(method, fmt.Sprintf("says that the hidden record %d may be read", id))
			}
		}
	}
}

// errUndo undoes what a call has changed.
var errUndo = errors.New("undo")
