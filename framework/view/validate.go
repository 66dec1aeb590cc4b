package view

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// refPattern is how an arch names a record: %(module.xmlid)d.
var refPattern = regexp.MustCompile(`%\(\s*([\w.]+)\s*\)[ds]`)

// refsToNumbers makes an expression of a text with %(xmlid)d in it, keeping
// its length so that positions stay right.
func refsToNumbers(src string) string {
	return refPattern.ReplaceAllStringFunc(src, func(s string) string { return strings.Repeat(" ", len(s)-1) + "0" })
}

// clientNames are the names a view's expressions may read besides fields.
func clientNames() []string {
	return []string{"context", "uid", "parent", "context_today", "current_date", "today", "now", "time", "datetime",
		"relativedelta", "timedelta", "dateutil", "active_id", "active_ids", "active_model", "allowed_company_ids",
		"current_company_id", "companies", "user", "self", "ref"}
}

// Widget says for which types of fields a widget is; none means for all.
type Widget struct {
	Name  string
	Types []string
}

// Widgets lists the widgets of Odoo's forms and lists.
func Widgets() []Widget {
	all := func(names ...string) []Widget {
		out := make([]Widget, len(names))
		for i, n := range names {
			out[i] = Widget{Name: n}
		}
		return out
	}
	out := all("badge", "statinfo", "char", "text", "html", "html_mail", "url", "email", "phone", "image", "image_url", "binary",
		"password", "progressbar", "percentpie", "gauge", "radio", "selection", "selection_badge", "priority", "label_selection",
		"state_selection", "CopyClipboardChar", "CopyClipboardText", "CopyClipboardURL", "remaining_days", "domain", "code",
		"ace", "color", "color_picker", "font", "reference", "timezone_mismatch", "float_time", "float_toggle", "float_factor",
		"integer", "float", "percentage", "date", "datetime", "daterange", "handle", "monetary", "boolean", "json", "ribbon",
		"mail_activity", "kanban_activity", "list_activity", "activity_exception", "attachment_image", "pdf_viewer",
		"web_ribbon", "signature", "company_and_partner", "dynamic_placeholder", "field_selector", "ir_ui_view_code", "section_and_note_text")
	rel := func(names []string, types ...string) {
		for _, n := range names {
			out = append(out, Widget{n, types})
		}
	}
	rel([]string{"statusbar"}, "selection", "many2one")
	rel([]string{"boolean_toggle", "boolean_favorite", "boolean_icon", "toggle_button"}, "boolean")
	rel([]string{"many2many_tags", "many2many_checkboxes", "many2many_binary", "many2many_avatar_user", "many2many_tags_avatar", "many2many"}, "many2many", "one2many")
	rel([]string{"one2many", "one2many_list", "x2many", "section_and_note_one2many"}, "one2many", "many2many")
	rel([]string{"many2one", "many2one_avatar", "many2one_avatar_user", "many2one_barcode", "selection_many2one", "res_partner_many2one"}, "many2one", "reference", "many2one_reference")
	return out
}

// Options adjusts Validate.
type Options struct {
	// Widgets adds to those of Widgets.
	Widgets []Widget
}

// Validate checks every name in the view against the schema. The error is a
// Problems with all mistakes, in document order.
func Validate(v *View, s Schema, opts Options) error {
	c := &checker{schema: s, view: v, ids: map[string]*Node{}, widgets: map[string]Widget{}}
	for _, w := range append(Widgets(), opts.Widgets...) {
		c.widgets[w.Name] = w
		c.widgetNames = append(c.widgetNames, w.Name)
	}
	if !s.Model(v.Model) {
		c.fail(v.Root, "unknown model %q", v.Model)
		return c.problems.err()
	}
	v.Root.Walk(func(n *Node) bool {
		if id := n.Attr("id"); id != "" {
			if first := c.ids[id]; first != nil {
				c.fail(n, "id %q is taken already, by <%s> of line %d", id, first.Tag, first.Line)
			} else {
				c.ids[id] = n
			}
		}
		return true
	})
	c.walk(v.Root, scope{model: v.Model, kind: v.Kind})
	return c.problems.err()
}

type checker struct {
	schema      Schema
	view        *View
	ids         map[string]*Node
	widgets     map[string]Widget
	widgetNames []string
	problems    Problems
}

// scope is where in the view a node stands.
type scope struct {
	model  string
	kind   string
	parent string // model of the record around a sub view, or ""
}

func (c *checker) fail(n *Node, format string, args ...any) *Problem {
	view := n.View
	if view == "" {
		view = c.view.ID
	}
	p := &Problem{View: view, File: n.File, Line: n.Line, Msg: fmt.Sprintf(format, args...)}
	c.problems = append(c.problems, p)
	return p
}

// failErr reports an error of an attribute, taking its suggestion along.
func (c *checker) failErr(n *Node, attr string, err error) {
	var u *unknown
	if errors.As(err, &u) {
		c.fail(n, "%s of <%s>: %s", attr, label(n), u.msg).Suggestion = u.suggestion
		return
	}
	c.fail(n, "%s of <%s>: %v", attr, label(n), err)
}

func label(n *Node) string {
	if name := n.Name(); name != "" {
		return n.Tag + " " + name
	}
	return n.Tag
}

func (c *checker) walk(n *Node, sc scope) {
	if n.Tag == "" {
		return
	}
	c.attributes(n, sc)
	inner := sc
	switch n.Tag {
	case "field":
		info, ok := c.field(n, sc)
		if !ok {
			return // nothing below it can be judged
		}
		inner.parent = sc.model
		inner.model = info.Comodel
	case "xpath", "attribute", "data":
		c.fail(n, "<%s> belongs into a view that inherits from another one", n.Tag)
		return
	case "groupby":
		f, err := CheckPath(c.schema, sc.model, n.Name())
		if err != nil || f.Comodel == "" {
			c.fail(n, "<groupby> needs the name of a relation of %s, not %q", sc.model, n.Name())
			return
		}
		inner.model = f.Comodel
	case "button":
		c.button(n, sc)
	case "label":
		c.label(n, sc)
	case "filter":
		c.filter(n, sc)
	case "list", "form", "kanban", "search":
		inner.kind = n.Tag
		c.root(n, sc)
	}
	if sc.kind == "kanban" && n.Tag == "templates" {
		c.templates(n, sc)
		return
	}
	for _, child := range n.Children {
		c.child(n, child, inner)
		c.walk(child, inner)
	}
}

// child checks that a tag may stand where it stands. Forms and kanban cards
// take any HTML; lists and searches have a fixed vocabulary.
func (c *checker) child(n, child *Node, sc scope) {
	var allowed []string
	switch n.Tag {
	case "list":
		allowed = []string{"field", "button", "header", "control", "groupby", "widget"}
	case "search":
		allowed = []string{"field", "filter", "separator", "group", "searchpanel"}
	case "notebook":
		allowed = []string{"page"}
	case "field":
		if sc.kind != "form" || sc.model == "" {
			return
		}
		allowed = append(Kinds(), "tree")
	default:
		return
	}
	if child.Tag == "" {
		c.fail(child, "text %q stands directly in <%s>", child.Text, n.Tag)
	} else if !slices.Contains(allowed, child.Tag) {
		c.fail(child, "<%s> may not stand in <%s>", child.Tag, n.Tag).Suggestion = expr.Suggest(child.Tag, allowed)
	}
}

func (c *checker) root(n *Node, sc scope) {
	c.oneOf(n, "editable", "top", "bottom")
	if order := n.Attr("default_order"); order != "" {
		for _, part := range strings.Split(order, ",") {
			words := strings.Fields(part)
			if len(words) == 0 || len(words) > 2 || len(words) == 2 && !slices.Contains([]string{"asc", "desc"}, strings.ToLower(words[1])) {
				c.fail(n, "default_order of <%s>: %q is not a field with asc or desc", n.Tag, strings.TrimSpace(part))
				continue
			}
			if _, err := CheckPath(c.schema, sc.model, words[0]); err != nil {
				c.failErr(n, "default_order", err)
			}
		}
	}
	if by := n.Attr("default_group_by"); by != "" {
		for _, one := range strings.Split(by, ",") {
			c.groupBy(n, "default_group_by", strings.TrimSpace(one), sc)
		}
	}
}

func (c *checker) oneOf(n *Node, attr string, values ...string) {
	if v, ok := n.Lookup(attr); ok && v != "" && !slices.Contains(values, v) {
		c.fail(n, "%s of <%s> is %q: it must be one of %s", attr, label(n), v, strings.Join(values, ", ")).Suggestion = expr.Suggest(v, values)
	}
}

func (c *checker) groupBy(n *Node, attr, value string, sc scope) {
	path, grain, has := strings.Cut(value, ":")
	f, err := CheckPath(c.schema, sc.model, path)
	if err != nil {
		c.failErr(n, attr, err)
		return
	}
	grains := append([]string{"hour", "day", "week", "month", "quarter", "year"}, dateParts()...)
	if has && f.Type != "date" && f.Type != "datetime" {
		c.fail(n, "%s of <%s>: only dates have a granularity, %q is of type %s", attr, label(n), path, f.Type)
	} else if has && !slices.Contains(grains, grain) {
		c.fail(n, "%s of <%s>: unknown granularity %q", attr, label(n), grain).Suggestion = expr.Suggest(grain, grains)
	}
}

// attributes checks what any element may have.
func (c *checker) attributes(n *Node, sc scope) {
	for _, at := range n.Attrs {
		switch {
		case at.Name == "attrs" || at.Name == "states":
			c.fail(n, "%s of <%s> is no longer read: write invisible, readonly or required as an expression", at.Name, label(n))
		case at.Name == "groups":
			c.groups(n, at.Value)
		case strings.HasPrefix(at.Name, "decoration-"):
			kinds := []string{"bf", "it", "danger", "info", "muted", "primary", "success", "warning"}
			if kind := strings.TrimPrefix(at.Name, "decoration-"); !slices.Contains(kinds, kind) {
				c.fail(n, "unknown decoration %q", kind).Suggestion = expr.Suggest(kind, kinds)
			}
			c.expression(n, at.Name, at.Value, sc)
		case at.Name == "invisible" || at.Name == "readonly" || at.Name == "required" || at.Name == "column_invisible":
			c.expression(n, at.Name, at.Value, sc)
		case at.Name == "context":
			if _, err := expr.Items(refsToNumbers(at.Value)); err != nil {
				c.failErr(n, at.Name, err)
				continue
			}
			c.expression(n, at.Name, at.Value, sc)
		case at.Name == "options":
			if v, err := expr.Eval(refsToNumbers(at.Value), nil); err != nil {
				c.failErr(n, at.Name, err)
			} else if _, ok := v.(map[string]any); !ok {
				c.fail(n, "options of <%s> must be a dictionary", label(n))
			}
		}
	}
}

func (c *checker) groups(n *Node, value string) {
	for _, g := range strings.Split(value, ",") {
		g = strings.TrimPrefix(strings.TrimSpace(g), "!")
		if g != "" && !c.schema.Group(g) {
			c.fail(n, "groups of <%s>: unknown group %q", label(n), g).Suggestion = expr.Suggest(g, c.schema.Groups())
		}
	}
}

// expression checks that what an expression reads exists.
func (c *checker) expression(n *Node, attr, src string, sc scope) {
	if strings.TrimSpace(src) == "" {
		return
	}
	names, err := expr.Names(refsToNumbers(src))
	if err != nil {
		c.failErr(n, attr, err)
		return
	}
	for _, name := range names {
		head, rest, dotted := strings.Cut(name, ".")
		if head == "parent" {
			if sc.parent == "" {
				c.fail(n, "%s of <%s>: there is no parent record here", attr, label(n))
			} else if dotted {
				if _, err := CheckPath(c.schema, sc.parent, rest); err != nil {
					c.failErr(n, attr, err)
				}
			}
			continue
		}
		if _, ok := c.schema.Field(sc.model, head); !ok && slices.Contains(clientNames(), head) {
			continue
		}
		if _, err := CheckPath(c.schema, sc.model, name); err != nil {
			c.failErr(n, attr, err)
		}
	}
}

// domain checks the left sides over model and what the right sides read.
func (c *checker) domain(n *Node, attr, src, model string, sc scope) {
	if strings.TrimSpace(src) == "" {
		return
	}
	before := len(c.problems)
	c.expression(n, attr, src, sc)
	if leaves, err := expr.Leaves(refsToNumbers(src)); err != nil {
		if len(c.problems) == before {
			c.failErr(n, attr, err)
		}
	} else if model != "" {
		for _, err := range checkLeaves(c.schema, model, leaves) {
			c.failErr(n, attr, err)
		}
	}
}

func (c *checker) field(n *Node, sc scope) (FieldInfo, bool) {
	name := n.Name()
	if name == "" {
		c.fail(n, "<field> has no name")
		return FieldInfo{}, false
	}
	info, ok := c.schema.Field(sc.model, name)
	if !ok {
		c.fail(n, "unknown field %q of %s", name, sc.model).Suggestion = expr.Suggest(name, c.schema.FieldNames(sc.model))
		return info, false
	}
	if w := n.Attr("widget"); w != "" {
		known, ok := c.widgets[w]
		if !ok {
			c.fail(n, "unknown widget %q of field %q", w, name).Suggestion = expr.Suggest(w, c.widgetNames)
		} else if len(known.Types) > 0 && !slices.Contains(known.Types, info.Type) {
			c.fail(n, "widget %q is for fields of type %s, field %q is of type %s", w, strings.Join(known.Types, " or "), name, info.Type)
		}
	}
	c.oneOf(n, "optional", "show", "hide")
	if d := n.Attr("domain"); d != "" {
		if info.Comodel == "" && sc.kind != "search" {
			c.fail(n, "domain of <%s>: field %q is no relation", label(n), name)
		} else {
			c.domain(n, "domain", d, info.Comodel, sc)
		}
	}
	if d := n.Attr("filter_domain"); d != "" {
		c.domain(n, "filter_domain", d, sc.model, sc)
	}
	if op := n.Attr("operator"); op != "" && !slices.Contains(expr.Operators(), op) {
		c.fail(n, "unknown operator %q of field %q", op, name).Suggestion = expr.Suggest(op, expr.Operators())
	}
	if len(n.SubViews()) > 0 && !info.x2many() && info.Type != "many2one" {
		c.fail(n, "field %q of type %s can have no view inside", name, info.Type)
		return info, false
	}
	return info, true
}

func (c *checker) button(n *Node, sc scope) {
	special := n.Attr("special")
	c.oneOf(n, "special", "cancel", "save")
	c.oneOf(n, "type", "object", "action", "url")
	name := n.Name()
	switch n.Attr("type") {
	case "object":
		if name == "" {
			c.fail(n, "a button of type object has no name")
		} else if !c.schema.Method(sc.model, name) {
			c.fail(n, "unknown method %q of %s", name, sc.model).Suggestion = expr.Suggest(name, c.schema.MethodNames(sc.model))
		}
	case "action":
		id := name
		if m := refPattern.FindStringSubmatch(name); m != nil && m[0] == name {
			id = m[1]
		}
		switch {
		case id == "":
			c.fail(n, "a button of type action has no name")
		case strings.Trim(id, "0123456789") == "": // the number of an action, known only at run time
		default:
			if module, _, ok := strings.Cut(c.origin(n), "."); ok && !strings.Contains(id, ".") {
				id = module + "." + id
			}
			if !c.schema.Action(id) {
				c.fail(n, "unknown action %q", id).Suggestion = expr.Suggest(id, c.schema.Actions())
			}
		}
	case "":
		if special == "" && name != "" && sc.kind != "kanban" {
			c.fail(n, "button %q has no type: object or action", name)
		}
	}
}

func (c *checker) origin(n *Node) string {
	if n.View != "" {
		return n.View
	}
	return c.view.ID
}

func (c *checker) label(n *Node, sc scope) {
	target := n.Attr("for")
	if target == "" || c.ids[target] != nil {
		return
	}
	if _, ok := c.schema.Field(sc.model, target); !ok {
		c.fail(n, "<label> is for %q, which is neither a field of %s nor an id in this view", target, sc.model).Suggestion =
			expr.Suggest(target, c.schema.FieldNames(sc.model))
	}
}

func (c *checker) filter(n *Node, sc scope) {
	if n.Name() == "" {
		c.fail(n, "<filter> has no name")
	}
	c.domain(n, "domain", n.Attr("domain"), sc.model, sc)
	if date := n.Attr("date"); date != "" {
		if f, err := CheckPath(c.schema, sc.model, date); err != nil {
			c.failErr(n, "date", err)
		} else if f.Type != "date" && f.Type != "datetime" {
			c.fail(n, "date of <%s>: field %q is of type %s, not a date", label(n), date, f.Type)
		}
	}
	if by := groupBy(n.Attr("context")); by != "" {
		c.groupBy(n, "group_by", by, sc)
	}
}

// templates checks in a kanban card the fields and buttons; its t- attributes
// are JavaScript-like and are left to the renderer.
func (c *checker) templates(n *Node, sc scope) {
	n.Walk(func(k *Node) bool {
		switch k.Tag {
		case "field":
			c.attributes(k, sc)
			c.field(k, sc)
			return false
		case "button", "a":
			if k.Attr("type") == "object" || k.Attr("type") == "action" {
				c.button(k, sc)
			}
		}
		return true
	})
}
