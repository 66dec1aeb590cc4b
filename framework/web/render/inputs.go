package render

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/convert"
)

// cell is a field as it is read or, while editing and unless a modifier or a
// right forbids it, as it is typed.
func (b *Builder) cell(f Field, n *view.Node, r *Record, prefix string, vars map[string]any) *cell {
	c := b.Show(f, n, r, vars)
	if !b.Edit || r.Computed || f.ReadonlyForUser || b.Truth(n.Attr("readonly"), vars) {
		return c
	}
	c.Input = prefix + f.Name
	c.ID = strings.NewReplacer(".", "-", "~", "-").Replace(c.Input)
	c.Placeholder = n.Attr("placeholder")
	c.Required = b.required(f, n, vars)
	if b.Posted != nil {
		c.Error = b.Posted.Errors[c.Input]
	}
	b.input(c, f, n, r, vars)
	if c.Edit == "" {
		c.Input = ""
	}
	return c
}

func (b *Builder) required(f Field, n *view.Node, vars map[string]any) bool {
	if src, ok := n.Lookup("required"); ok {
		return b.Truth(src, vars)
	}
	return f.Required && f.Kind != orm.Boolean
}

// keep notes the value an input is rendered with; what was typed before stays
// typed, so the old value stays too.
func (b *Builder) keep(c *cell, f *orm.Field, shown string) bool {
	if b.Posted.Touched(f, c.Input) {
		b.Shown[c.Input] = b.Posted.Base[c.Input]
		return true
	}
	b.Shown[c.Input] = shown
	return false
}

func (b *Builder) input(c *cell, f Field, n *view.Node, r *Record, vars map[string]any) {
	v := r.Values[f.Name]
	widget := n.Attr("widget")
	c.Raw = b.Locale.Raw(f.Field, v, r.currency(f.Field))
	typed := false
	if !f.X2many() && f.Kind != orm.Many2one && f.Kind != orm.BinaryKind {
		if typed = b.keep(c, f.Field, c.Raw); typed {
			c.Raw = b.Posted.Value(f.Field, c.Input)
		}
	}
	switch f.Kind {
	case orm.Char, orm.Many2oneRef, orm.Reference:
		c.Edit = "char"
		switch {
		case f.Kind != orm.Char:
			c.Edit = ""
			delete(b.Shown, c.Input)
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
			c.Options = append(c.Options, Option{Value: o.Value, Label: o.Label, Selected: o.Value == c.Raw})
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
		b.Shown[c.Input] = ""
	}
	if f.Kind == orm.Selection && c.Show == "stars" {
		c.Options = c.Options[len(c.Options)-len(f.Options):]
	}
}

// openSelection offers values that are not written in code. The current one is
// among them; without any, it is typed.
func (b *Builder) openSelection(c *cell, f Field) {
	offered := b.Options[f.Name]
	if len(offered) == 0 {
		c.Edit = "char"
		return
	}
	if c.Raw != "" && !slices.ContainsFunc(offered, func(o Choice) bool { return o.Value == c.Raw }) {
		offered = append(offered, Choice{c.Raw, c.Raw})
	}
	for _, o := range offered {
		c.Options = append(c.Options, Option{Value: o.Value, Label: o.Label, Selected: o.Value == c.Raw})
	}
}

// secret never shows a value; an empty input leaves it as it is.
func (b *Builder) secret(c *cell, f Field) {
	c.Edit, c.Raw = "secret", ""
	b.Shown[c.Input] = ""
	if b.Posted.Touched(f.Field, c.Input) {
		c.Raw = b.Posted.Get(c.Input)
	}
}

// inputRef is a many2one: a text with a list of suggestions, which JavaScript
// makes a search box over name_search.
func (b *Builder) inputRef(c *cell, f Field, n *view.Node, r *Record, vars map[string]any) {
	c.Edit, c.Comodel = "ref", f.Comodel
	id := convert.ID(r.Values[f.Name])
	c.RawID, c.Raw = convert.FormatID(id), b.Names.Of(f.Comodel, id)
	if id == 0 {
		c.Raw = ""
	}
	if b.keep(c, f.Field, c.RawID) {
		if raw := b.Posted.Value(f.Field, c.Input); strings.HasPrefix(raw, "?") || raw == "new" {
			c.Raw, c.RawID = b.Posted.Get(c.Input), b.Posted.Get(c.Input+"~id")
		} else if convert.ID(raw) != id {
			c.RawID, c.Raw = raw, b.Names.Of(f.Comodel, convert.ID(raw))
			if raw == "" {
				c.Raw = ""
			}
		}
		c.Picks = b.Posted.Picks[c.Input]
	}
	opts := b.Dict(n.Attr("options"), vars)
	c.CanCreate = opts["no_create"] != true && opts["no_quick_create"] != true && b.Rights(f.Comodel).Create && n.Attr("can_create") != "false"
	c.Domain, c.Context = b.RefDomain(f, n, vars), ""
	if ctx := b.Dict(n.Attr("context"), vars); len(ctx) > 0 {
		c.Context = convert.JSON(ctx)
	}
	c.List = b.Lists[ListKey(f.Comodel, c.Domain)].ID
}

// RefDomain is the domain of a relation's candidates, as JSON.
func (b *Builder) RefDomain(f Field, n *view.Node, vars map[string]any) string {
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
	return convert.JSON(list)
}

// ListKey names the suggestions for a relation.
func ListKey(model, domain string) string { return model + "|" + domain }

// inputTags is a many2many by names: boxes to clear, and a text to add one.
func (b *Builder) inputTags(c *cell, f Field, n *view.Node, r *Record, vars map[string]any) {
	if f.Kind == orm.One2many {
		return
	}
	ids, _ := r.Values[f.Name].([]int64)
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = fmt.Sprint(id)
	}
	sorted := slices.Clone(texts)
	slices.Sort(sorted)
	c.Comodel = f.Comodel
	if n.Attr("widget") == "many2many_binary" {
		c.Edit, c.Multi = "files", true
		b.Shown[c.Input] = strings.Join(sorted, ",")
	} else {
		c.Edit = "tags"
		if b.keep(c, f.Field, strings.Join(sorted, ",")) {
			texts = b.Posted.Form[c.Input+"~id"]
			c.Raw = b.Posted.Get(c.Input + "~add")
			c.Picks = b.Posted.Picks[c.Input]
		} else {
			c.Raw = ""
		}
	}
	offered := b.Options[f.Name]
	if n.Attr("widget") == "many2many_checkboxes" && offered != nil {
		c.Edit = "checks"
		for _, o := range offered {
			c.Options = append(c.Options, Option{Value: o.Value, Label: o.Label, Selected: slices.Contains(texts, o.Value)})
		}
		return
	}
	for _, t := range texts {
		c.Options = append(c.Options, Option{Value: t, Label: b.Names.Of(f.Comodel, convert.ID(t)), Selected: true})
	}
	opts := b.Dict(n.Attr("options"), vars)
	c.CanCreate = opts["no_create"] != true && opts["no_quick_create"] != true && b.Rights(f.Comodel).Create
	c.Domain = b.RefDomain(f, n, vars)
	c.List = b.Lists[ListKey(f.Comodel, c.Domain)].ID
}
