package web

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
)

// Input names: f.name for a field, f.lines.7.name for one of line 7 (n1, n2, …
// are new lines). What belongs to an input follows a tilde: f.partner_id~id.
const inputPrefix = "f."

// typed is a posted form: what was typed, what the page had shown, and what
// was wrong with it.
type typed struct {
	form   url.Values
	base   map[string]string
	errors map[string]string
	picks  map[string][]choice
	extra  map[string]map[string]any // values of new lines, by prefix
}

func (t *typed) get(input string) string {
	if t == nil {
		return ""
	}
	return t.form.Get(input)
}

// value is what was posted for an input, in the form base keeps it. A
// many2one is its id, or "?" and a text still to be looked up.
func (t *typed) value(f *orm.Field, input string) string {
	switch f.Kind {
	case orm.Many2one:
		if pick := t.get(input + "~pick"); pick != "" {
			return pick
		}
		text := strings.TrimSpace(t.get(input))
		switch text {
		case "":
			return ""
		case t.get(input + "~nm"):
			return t.get(input + "~id")
		}
		return "?" + text
	case orm.Many2many, orm.One2many:
		ids := slices.Clone(t.form[input+"~id"])
		slices.Sort(ids)
		if add := strings.TrimSpace(t.get(input + "~add")); add != "" {
			ids = append(ids, "?"+add)
		}
		return strings.Join(ids, ",")
	case orm.BinaryKind:
		if t.get(input+"~clear") != "" {
			return "clear"
		}
		return t.get(input + "~file") // set by the reader of the form
	}
	return strings.ReplaceAll(t.get(input), "\r\n", "\n")
}

// touched reports whether an input was on the page and is not as it was shown.
func (t *typed) touched(f *orm.Field, input string) bool {
	if t == nil {
		return false
	}
	was, shown := t.base[input]
	if !shown {
		return false
	}
	if _, posted := t.form[input]; !posted && f.Kind != orm.Boolean && !f.X2many() && f.Kind != orm.BinaryKind && t.get(input+"~pick") == "" {
		return false
	}
	return t.value(f, input) != was
}

// cell is a field as it is read or, while editing and unless a modifier or a
// right forbids it, as it is typed.
func (b *builder) cell(f fieldInfo, n *view.Node, r *record, prefix string, vars map[string]any) *cell {
	c := b.show(f, n, r, vars)
	if !b.edit || r.calc || f.ReadonlyForUser || b.truth(n.Attr("readonly"), vars) {
		return c
	}
	c.Input = prefix + f.Name
	c.ID = strings.NewReplacer(".", "-", "~", "-").Replace(c.Input)
	c.Placeholder = n.Attr("placeholder")
	c.Required = b.required(f, n, vars)
	if b.state != nil {
		c.Error = b.state.errors[c.Input]
	}
	b.input(c, f, n, r, vars)
	if c.Edit == "" {
		c.Input = ""
	}
	return c
}

func (b *builder) required(f fieldInfo, n *view.Node, vars map[string]any) bool {
	if src, ok := n.Lookup("required"); ok {
		return b.truth(src, vars)
	}
	return f.Required && f.Kind != orm.Boolean
}

// keep notes the value an input is rendered with; what was typed before stays
// typed, so the old value stays too.
func (b *builder) keep(c *cell, f *orm.Field, shown string) bool {
	if b.state.touched(f, c.Input) {
		b.base[c.Input] = b.state.base[c.Input]
		return true
	}
	b.base[c.Input] = shown
	return false
}

func (b *builder) input(c *cell, f fieldInfo, n *view.Node, r *record, vars map[string]any) {
	v := r.vals[f.Name]
	widget := n.Attr("widget")
	c.Raw = b.loc.raw(f.Field, v, r.currency(f.Field))
	typed := false
	if !f.X2many() && f.Kind != orm.Many2one && f.Kind != orm.BinaryKind {
		if typed = b.keep(c, f.Field, c.Raw); typed {
			c.Raw = b.state.value(f.Field, c.Input)
		}
	}
	switch f.Kind {
	case orm.Char, orm.Many2oneRef, orm.Reference:
		c.Edit = "char"
		switch {
		case f.Kind != orm.Char:
			c.Edit = ""
			delete(b.base, c.Input)
		case widget == "password":
			b.secret(c, f)
		case widget == "email" || widget == "url":
			c.Class += " in-" + widget
		case widget == "phone":
			c.Class += " in-tel"
		}
	case orm.SecretKind:
		b.secret(c, f)
	case orm.Text, orm.JSONKind:
		c.Edit = "area"
	case orm.HTML:
		c.Edit = "html"
	case orm.Integer, orm.Float, orm.Monetary:
		c.Edit = "number"
	case orm.Boolean:
		c.Edit = "bool"
		c.On = c.Raw != ""
	case orm.DateKind:
		c.Edit = "date"
	case orm.DatetimeKind:
		c.Edit = "datetime"
	case orm.Selection:
		c.Edit = "select"
		if widget == "radio" {
			c.Edit = "radio"
		}
		if len(f.Options) == 0 {
			b.openSelection(c, f)
		}
		for _, o := range f.Options {
			c.Options = append(c.Options, option{Value: o.Value, Label: o.Label, Selected: o.Value == c.Raw})
		}
	case orm.Many2one:
		b.inputRef(c, f, n, r, vars)
	case orm.Many2many, orm.One2many:
		b.inputTags(c, f, n, r, vars)
	case orm.BinaryKind:
		c.Edit = "file"
		if c.Show == "image" {
			c.Accept = "image/*"
		}
		b.base[c.Input] = ""
	}
	if f.Kind == orm.Selection && c.Show == "stars" {
		c.Options = c.Options[len(c.Options)-len(f.Options):]
	}
}

// openSelection offers values that are not written in code. The current one is
// among them; without any, it is typed.
func (b *builder) openSelection(c *cell, f fieldInfo) {
	offered := b.options[f.Name]
	if len(offered) == 0 {
		c.Edit = "char"
		return
	}
	if c.Raw != "" && !slices.ContainsFunc(offered, func(o choice) bool { return o.Value == c.Raw }) {
		offered = append(offered, choice{c.Raw, c.Raw})
	}
	for _, o := range offered {
		c.Options = append(c.Options, option{Value: o.Value, Label: o.Label, Selected: o.Value == c.Raw})
	}
}

// secret never shows a value; an empty input leaves it as it is.
func (b *builder) secret(c *cell, f fieldInfo) {
	c.Edit, c.Raw = "secret", ""
	b.base[c.Input] = ""
	if b.state.touched(f.Field, c.Input) {
		c.Raw = b.state.get(c.Input)
	}
}

// inputRef is a many2one: a text with a list of suggestions, which JavaScript
// makes a search box over name_search.
func (b *builder) inputRef(c *cell, f fieldInfo, n *view.Node, r *record, vars map[string]any) {
	c.Edit, c.Comodel = "ref", f.Comodel
	id := toID(r.vals[f.Name])
	c.RawID, c.Raw = idText(id), b.names.of(f.Comodel, id)
	if id == 0 {
		c.Raw = ""
	}
	if b.keep(c, f.Field, c.RawID) {
		if raw := b.state.value(f.Field, c.Input); strings.HasPrefix(raw, "?") || raw == "new" {
			c.Raw, c.RawID = b.state.get(c.Input), b.state.get(c.Input+"~id")
		} else if toID(raw) != id {
			c.RawID, c.Raw = raw, b.names.of(f.Comodel, toID(raw))
			if raw == "" {
				c.Raw = ""
			}
		}
		c.Picks = b.state.picks[c.Input]
	}
	opts := b.dict(n.Attr("options"), vars)
	c.CanCreate = opts["no_create"] != true && opts["no_quick_create"] != true && b.rights(f.Comodel).Create && n.Attr("can_create") != "false"
	c.Domain, c.Context = b.refDomain(f, n, vars), ""
	if ctx := b.dict(n.Attr("context"), vars); len(ctx) > 0 {
		c.Context = jsonText(ctx)
	}
	c.List = b.lists[listKey(f.Comodel, c.Domain)].ID
}

// refDomain is the domain of a relation's candidates, as JSON.
func (b *builder) refDomain(f fieldInfo, n *view.Node, vars map[string]any) string {
	src := n.Attr("domain")
	if src == "" {
		src = f.Domain
	}
	if strings.TrimSpace(src) == "" {
		return "[]"
	}
	v, err := b.eval(src, vars)
	list, ok := v.([]any)
	if err != nil || !ok {
		return "[]"
	}
	return jsonText(list)
}

func listKey(model, domain string) string { return model + "|" + domain }

func idText(id int64) string {
	if id == 0 {
		return ""
	}
	return fmt.Sprint(id)
}

// inputTags is a many2many by names: boxes to clear, and a text to add one.
func (b *builder) inputTags(c *cell, f fieldInfo, n *view.Node, r *record, vars map[string]any) {
	if f.Kind == orm.One2many {
		return
	}
	ids, _ := r.vals[f.Name].([]int64)
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = fmt.Sprint(id)
	}
	sorted := slices.Clone(texts)
	slices.Sort(sorted)
	c.Comodel = f.Comodel
	if n.Attr("widget") == "many2many_binary" {
		c.Edit, c.Multi = "files", true
		b.base[c.Input] = strings.Join(sorted, ",")
	} else {
		c.Edit = "tags"
		if b.keep(c, f.Field, strings.Join(sorted, ",")) {
			texts = b.state.form[c.Input+"~id"]
			c.Raw = b.state.get(c.Input + "~add")
			c.Picks = b.state.picks[c.Input]
		} else {
			c.Raw = ""
		}
	}
	offered := b.options[f.Name]
	if n.Attr("widget") == "many2many_checkboxes" && offered != nil {
		c.Edit = "checks"
		for _, o := range offered {
			c.Options = append(c.Options, option{Value: o.Value, Label: o.Label, Selected: slices.Contains(texts, o.Value)})
		}
		return
	}
	for _, t := range texts {
		c.Options = append(c.Options, option{Value: t, Label: b.names.of(f.Comodel, toID(t)), Selected: true})
	}
	opts := b.dict(n.Attr("options"), vars)
	c.CanCreate = opts["no_create"] != true && opts["no_quick_create"] != true && b.rights(f.Comodel).Create
	c.Domain = b.refDomain(f, n, vars)
	c.List = b.lists[listKey(f.Comodel, c.Domain)].ID
}
