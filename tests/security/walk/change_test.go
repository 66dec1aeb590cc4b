package walk

import (
	"fmt"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// The methods that change records read too: what is copied, defaulted,
// computed or said of mistakes.

func walkDefaults(k *walker) {
	names := k.openNames()
	k.call("default_get", list(names), nil)
	for _, f := range k.reserved() {
		out, err := k.call("default_get", list(list(f.Name)), map[string]any{"context": map[string]any{"default_" + f.Name: "x"}})
		if values, ok := out.(orm.Values); ok && err == nil && len(values) > 0 {
			k.problem("default_get", "gives the reserved field "+f.Name)
		}
	}
	for _, f := range k.open() {
		for _, id := range k.hiddenOf(f, 1) {
			k.call("default_get", list(names), map[string]any{"context": map[string]any{"default_" + f.Name: id, "active_id": id, "active_ids": list(id), "active_model": f.Comodel}})
		}
	}
	for _, id := range k.hidden(1) {
		k.call("default_get", list(names), map[string]any{"context": map[string]any{"active_id": id, "active_ids": list(id), "active_model": k.m.Name}})
	}
}

// hiddenOf are records that a relation could point at and that are hidden.
func (k *walker) hiddenOf(f *orm.Field, most int) []int64 {
	var out []int64
	if f.Kind != orm.Many2one {
		return nil
	}
	for _, id := range k.w.ref.ids[f.Comodel] {
		if !k.s.readable[f.Comodel][id] && len(out) < most {
			out = append(out, id)
		}
	}
	return out
}

func walkOnchange(k *walker) {
	spec := k.specification(0)
	k.call("onchange", list(list(), map[string]any{}, list(), spec), nil)
	for _, id := range k.visible(1) {
		k.call("onchange", list(list(id), map[string]any{}, list(), spec), nil)
	}
	for _, f := range k.open() {
		for _, id := range k.hiddenOf(f, 1) {
			k.call("onchange", list(list(), map[string]any{f.Name: id}, list(f.Name), spec), nil)
			k.call("onchange", list(list(), map[string]any{f.Name: id}, list(), spec), nil)
			k.call("onchange", list(list(), map[string]any{}, list(), spec), map[string]any{"context": map[string]any{"default_" + f.Name: id}})
			nested := map[string]any{f.Name: map[string]any{"fields": map[string]any{"display_name": map[string]any{}, "id": map[string]any{}}}}
			k.call("onchange", list(list(), map[string]any{f.Name: id}, list(f.Name), nested), nil)
			for _, mine := range k.visible(1) {
				k.call("onchange", list(list(mine), map[string]any{f.Name: id}, list(f.Name), spec), nil)
			}
		}
	}
	for _, id := range k.hidden(1) {
		k.refused("onchange", list(list(id), map[string]any{}, list(), map[string]any{"display_name": map[string]any{}}), nil)
	}
	for _, f := range k.reserved() {
		out, err := k.call("onchange", list(ids(k.visible(1)), map[string]any{}, list(), map[string]any{f.Name: map[string]any{}}), nil)
		if answer, ok := out.(map[string]any); err == nil && ok && strings.Contains(fmt.Sprint(answer["value"]), f.Name+":") {
			k.problem("onchange", "gives the reserved field "+f.Name)
		}
	}
}

func walkCreate(k *walker) {
	k.call("create", list(map[string]any{}), nil) // the message names what is missing
	for _, f := range k.open() {
		for _, id := range k.hiddenOf(f, 1) {
			k.refused("create", list(map[string]any{f.Name: id, "name": "made"}), nil)
			k.refused("create", list(list(map[string]any{f.Name: id, "name": "made"})), nil)
		}
	}
	for _, f := range k.reserved() {
		if !f.Computed() {
			k.refused("create", list(map[string]any{"name": "made", f.Name: "x"}), nil)
		}
	}
}

// walkWrite points visible records at hidden ones, whose names and related
// values could be read then, and changes hidden ones.
func walkWrite(k *walker) {
	for _, f := range k.open() {
		for _, id := range k.hiddenOf(f, 1) {
			for _, mine := range k.visible(1) {
				if !f.Computed() && !contains(k.w.ref.linked(k.m.Name, mine, f), id) {
					k.refused("write", list(list(mine), map[string]any{f.Name: id}), nil)
					k.refused("web_save", list(list(mine), map[string]any{f.Name: id}, map[string]any{f.Name: map[string]any{}}), nil)
					k.refused("copy", list(list(mine), map[string]any{f.Name: id}), nil)
				}
			}
		}
		for _, hidden := range k.hidden(1) {
			if f.Kind == orm.Char {
				k.refused("write", list(list(hidden), map[string]any{f.Name: "changed"}), nil)
			}
		}
	}
}

func walkLoad(k *walker) {
	for _, f := range k.open() {
		for _, id := range k.hiddenOf(f, 1) {
			k.call("load", list(list("name", f.Name+"/.id"), list(list("made", fmt.Sprint(id)))), nil)
			k.call("load", list(list("name", f.Name), list(list("made", "cnry"))), nil)
		}
	}
	for _, id := range k.hidden(1) {
		k.call("load", list(list(".id", "name"), list(list(fmt.Sprint(id), "changed"))), nil)
	}
}

func walkTranslations(k *walker) {
	for _, f := range k.open() {
		if !f.Translate {
			continue
		}
		k.call("get_field_translations", list(ids(k.visible(1)), f.Name), nil)
		for _, id := range k.hidden(1) {
			k.refused("get_field_translations", list(list(id), f.Name), nil)
			k.refused("update_field_translations", list(list(id), f.Name, map[string]any{"en_US": "x"}), nil)
			k.refused("web_override_translations", list(list(id), map[string]any{f.Name: "x"}), nil)
		}
	}
	for _, f := range k.reserved() {
		k.refused("get_field_translations", list(ids(k.visible(1)), f.Name), nil)
	}
}

// walkExport follows every relation to every field of what it leads to.
func walkExport(k *walker) {
	var flat []any
	for _, f := range k.open() {
		flat = append(flat, f.Name)
	}
	k.call("export_data", list(ids(k.visible(6)), append(flat, "id", ".id")), nil)
	for _, f := range k.open() {
		if !f.Relational() {
			continue
		}
		k.call("export_data", list(ids(k.visible(6)), list(f.Name)), nil)
		k.call("export_data", list(ids(k.visible(6)), list(f.Name+"/id", f.Name+"/.id")), nil)
		co := f.ComodelOf()
		var deep []any
		for _, name := range co.FieldNames() {
			cf := co.Fields[name]
			if k.w.ref.mayField(k.s.v, cf) {
				deep = append(deep, f.Name+"/"+name)
			} else if k.leads(f) && f.Kind != orm.Many2many { // of which only names are exported
				k.refused("export_data", list(ids(k.visible(20)), list(f.Name+"/"+name)), nil)
			}
			if cf.Relational() {
				k.call("export_data", list(ids(k.visible(6)), list(f.Name+"/"+name)), nil)
			}
		}
		k.call("export_data", list(ids(k.visible(6)), deep), nil)
	}
	if len(k.visible(1)) > 0 {
		for _, f := range k.reserved() {
			k.refused("export_data", list(ids(k.visible(3)), list(f.Name)), nil)
		}
	}
	if hidden := k.hidden(2); len(hidden) > 0 {
		k.refused("export_data", list(ids(hidden), list("display_name")), nil)
		k.refused("export_data", list(ids(hidden), list(".id")), nil)
		k.refused("export_data", list(ids(hidden), list("id")), nil)
	}
}
