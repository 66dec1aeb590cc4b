package module

import (
	"errors"
	"slices"
	"sort"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// parseXML reads the operations of an <odoo> document.
func (f *dataFile) parseXML(src []byte) error {
	root, err := parseXML(src)
	if err != nil {
		var xe *xmlError
		if errors.As(err, &xe) {
			return place{addon: f.addon, file: f.path, line: xe.line}.errorf("%s", xe.msg)
		}
		return err
	}
	if root.name != "odoo" && root.name != "openerp" && root.name != "data" {
		return f.at(root).errorf("the root element is <%s>; write <odoo>", root.name)
	}
	p := &xmlReader{f: f}
	p.block(root, scope{noupdate: f.demo})
	return errors.Join(p.errs...)
}

func (f *dataFile) at(e *element) place {
	return place{addon: f.addon, file: f.path, line: e.line}
}

// xmlReader turns elements into operations; it goes on after a mistake.
type xmlReader struct {
	f    *dataFile
	errs []error
}

func (p *xmlReader) fail(at place, format string, args ...any) {
	p.errs = append(p.errs, at.errorf(format, args...))
}

// only reports attributes an element does not have.
func (p *xmlReader) only(e *element, at place, known ...string) {
	names := make([]string, 0, len(e.attrs))
	for name := range e.attrs {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if !slices.Contains(known, name) && !strings.HasPrefix(name, "xmlns") {
			p.fail(at, "<%s> has no attribute %q%s", e.name, name, expr.DidYouMean(name, known))
		}
	}
}

func (p *xmlReader) truth(e *element, at place, attr string, otherwise bool) bool {
	v, ok := e.attrs[attr]
	if !ok {
		return otherwise
	}
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "1", "true", "t", "yes", "y":
		return true
	case "0", "false", "f", "no", "n", "":
		return false
	}
	p.fail(at, "%s=%q on <%s> must be 1 or 0", attr, v, e.name)
	return otherwise
}

// within is the scope of what stands in an element that has noupdate=,
// context= or uid=.
func (p *xmlReader) within(e *element, at place, sc scope) scope {
	sc.noupdate = p.truth(e, at, "noupdate", sc.noupdate)
	if c := e.attr("context"); strings.TrimSpace(c) != "" {
		sc.contexts = append(slices.Clip(sc.contexts), c)
	}
	if u := strings.TrimSpace(e.attr("uid")); u != "" {
		sc.user = qualify(u, p.f.addon)
	}
	return sc
}

// block reads what <odoo> and <data> contain.
func (p *xmlReader) block(e *element, sc scope) {
	at := p.f.at(e)
	p.only(e, at, "noupdate", "context", "auto_sequence", "uid")
	sc = p.within(e, at, sc)
	sc.number = nil
	if p.truth(e, at, "auto_sequence", false) {
		sc.number = new(int)
	}
	if strings.TrimSpace(e.text) != "" {
		p.fail(at, "text %q stands outside of a record", shorten(strings.TrimSpace(e.text)))
	}
	for _, kid := range e.kids {
		switch kid.name {
		case "data", "odoo", "openerp":
			p.block(kid, sc)
		case "record":
			p.record(kid, sc, nil, "")
		case "menuitem":
			p.menu(kid, sc, "")
		case "template":
			p.template(kid, sc)
		case "delete":
			p.deletion(kid, sc)
		case "function":
			if c := p.call(kid, sc); c != nil {
				p.f.ops = append(p.f.ops, c)
			}
		case "asset":
			p.fail(p.f.at(kid), "<asset> adds files to Odoo's own web client, which this is not; take it out")
		case "act_window", "report", "url", "workflow", "assert", "ir_set":
			p.fail(p.f.at(kid), "<%s> is a form of old versions and not supported; write a <record> of its model instead", kid.name)
		default:
			p.fail(p.f.at(kid), "unknown element <%s>%s", kid.name, expr.DidYouMean(kid.name,
				[]string{"record", "menuitem", "template", "delete", "function", "data"}))
		}
	}
}

func (p *xmlReader) record(e *element, sc scope, parent *record, inverse string) *record {
	r := &record{place: p.f.at(e), scope: p.within(e, p.f.at(e), sc), id: qualify(strings.TrimSpace(e.attr("id")), p.f.addon),
		model: strings.TrimSpace(e.attr("model")), parent: parent, inverse: inverse}
	r.place.record = r.id
	p.only(e, r.place, "id", "model", "forcecreate", "context", "uid")
	r.forcecreate = p.truth(e, r.place, "forcecreate", true)
	if r.model == "" {
		p.fail(r.place, "<record> needs model=")
	}
	p.f.ops = append(p.f.ops, r)
	for _, kid := range e.kids {
		if kid.name != "field" {
			p.fail(r.sub(kid.line), "<%s> inside <record>; only <field> belongs there", kid.name)
			continue
		}
		p.field(r, kid)
	}
	return r
}

func (r *record) sub(line int) place {
	at := r.place
	at.line = line
	return at
}

func (p *xmlReader) field(r *record, e *element) {
	at := r.sub(e.line)
	p.only(e, at, "name", "ref", "eval", "type", "search", "model", "use", "file", "xml:lang", "nolabel")
	v := fieldValue{name: strings.TrimSpace(e.attr("name")), line: e.line, typ: e.attr("type"), model: e.attr("model"),
		use: e.attr("use"), lang: e.attr("xml:lang")}
	if v.name == "" {
		p.fail(at, "<field> needs name=")
		return
	}
	if strings.Contains(v.name, "@") {
		return // a translation, which the language's own files bring
	}
	given := 0
	for _, a := range []string{"ref", "eval", "search", "file"} {
		if e.has(a) {
			given++
		}
	}
	if given > 1 {
		p.fail(at, "field %s has more than one of ref=, eval=, search=, file=; keep one", v.name)
		return
	}
	switch {
	case e.has("ref"):
		v.kind, v.text = asRef, qualify(strings.TrimSpace(e.attr("ref")), p.f.addon)
	case e.has("eval"):
		v.kind, v.text = asEval, e.attr("eval")
	case e.has("search"):
		v.kind, v.text = asSearch, e.attr("search")
	case e.has("file"):
		v.kind, v.text = asFile, e.attr("file")
		p.oneType(at, v)
	case v.typ == "xml" || v.typ == "html":
		v.kind, v.text, v.base = asMarkup, plainMarkup(e), e.innerLine
	case v.typ == "file":
		v.kind, v.text = asPath, e.text
	case len(e.kids) > 0 && (v.typ == "list" || v.typ == "tuple"):
		v.kind = asItems
		for _, kid := range e.kids {
			if kid.name != "value" {
				p.fail(r.sub(kid.line), "<%s> in a field of type %s; only <value> belongs there", kid.name, v.typ)
				continue
			}
			v.items = append(v.items, p.value(kid, r.sub(kid.line)))
		}
	case len(e.kids) > 0 && e.kids[0].name == "record":
		for _, kid := range e.kids {
			if kid.name != "record" {
				p.fail(r.sub(kid.line), "<%s> beside the records of field %s", kid.name, v.name)
				continue
			}
			p.record(kid, r.scope, r, v.name)
		}
		return
	case len(e.kids) > 0:
		p.fail(at, "field %s contains XML; add type=\"xml\" or type=\"html\"", v.name)
		return
	default:
		v.kind, v.text = asText, e.text
		if !p.oneType(at, v) {
			return
		}
	}
	r.fields = append(r.fields, v)
}

// oneType refuses a type= that nobody knows.
func (p *xmlReader) oneType(at place, v fieldValue) bool {
	known := []string{"", "char", "int", "float", "list", "tuple", "base64", "file", "xml", "html"}
	if slices.Contains(known, v.typ) {
		return true
	}
	p.fail(at, "field %s has unknown type=%q%s", v.name, v.typ, expr.DidYouMean(v.typ, known))
	return false
}

// menu reads <menuitem> and those nested in it as records of ir.ui.menu.
func (p *xmlReader) menu(e *element, sc scope, parent string) {
	r := &record{place: p.f.at(e), scope: sc, id: qualify(strings.TrimSpace(e.attr("id")), p.f.addon), model: "ir.ui.menu", forcecreate: true}
	r.place.record = r.id
	p.only(e, r.place, "id", "name", "parent", "action", "sequence", "groups", "web_icon", "active", "string")
	if r.id == "" {
		p.fail(r.place, "<menuitem> needs id=")
	}
	add := func(name string, kind valueKind, text string) {
		r.fields = append(r.fields, fieldValue{name: name, line: e.line, kind: kind, text: text})
	}
	action := qualify(strings.TrimSpace(e.attr("action")), p.f.addon)
	switch {
	case e.has("name"):
		add("name", asText, e.attr("name"))
	case action != "":
		add("name", asActionTag, action)
	}
	if e.has("parent") {
		if parent != "" {
			p.fail(r.place, "a <menuitem> inside another has no parent=; the outer one is its parent")
		}
		parent = qualify(strings.TrimSpace(e.attr("parent")), p.f.addon)
	}
	add("parent_id", asRef, parent) // without one it is a root, also if it was none before
	if action != "" {
		add("action", asActionRef, action)
	}
	if e.has("sequence") {
		if _, err := strconv.Atoi(strings.TrimSpace(e.attr("sequence"))); err != nil {
			p.fail(r.place, "sequence=%q is no whole number", e.attr("sequence"))
		}
		add("sequence", asText, strings.TrimSpace(e.attr("sequence")))
	}
	if e.has("groups") {
		add(groupsField, asRefs, e.attr("groups"))
	}
	if e.has("web_icon") {
		add("web_icon", asText, e.attr("web_icon"))
	}
	active := "True"
	if !p.truth(e, r.place, "active", true) {
		active = "False"
	}
	add("active", asText, active)
	p.f.ops = append(p.f.ops, r)
	for _, kid := range e.kids {
		if kid.name != "menuitem" {
			p.fail(p.f.at(kid), "<%s> inside <menuitem>; only <menuitem> belongs there", kid.name)
			continue
		}
		p.menu(kid, sc, r.id)
	}
}

// groupsField stands for the many2many to groups of menus and views,
// which Odoo has called groups_id and group_ids.
const groupsField = "(groups)"

// template reads <template> as a view of type qweb.
func (p *xmlReader) template(e *element, sc scope) {
	id := strings.TrimSpace(e.attr("id"))
	if id == "" {
		id = strings.TrimSpace(e.attr("t-name"))
	}
	r := &record{place: p.f.at(e), scope: p.within(e, p.f.at(e), sc), id: qualify(id, p.f.addon), model: "ir.ui.view", forcecreate: true}
	r.place.record = r.id
	p.only(e, r.place, "id", "t-name", "name", "inherit_id", "priority", "groups", "active", "primary", "key", "track", "forcecreate",
		"context", "customize_show", "website_id", "page", "mode", "optional")
	r.forcecreate = p.truth(e, r.place, "forcecreate", true)
	if r.id == "" {
		p.fail(r.place, "<template> needs id=")
	}
	add := func(name string, kind valueKind, text string) {
		r.fields = append(r.fields, fieldValue{name: name, line: e.line, kind: kind, text: text, base: e.innerLine})
	}
	name := e.attr("name")
	if name == "" {
		name = id
	}
	key := e.attr("key")
	if key == "" {
		key = r.id
	}
	add("name", asText, name)
	add("type", asText, "qweb")
	add("key", asText, key)
	if e.has("inherit_id") {
		add("inherit_id", asRef, qualify(strings.TrimSpace(e.attr("inherit_id")), p.f.addon))
		add("arch", asMarkup, "<data>"+e.inner+"</data>")
	} else {
		add("arch", asMarkup, "<t t-name=\""+key+"\">"+e.inner+"</t>")
	}
	if p.truth(e, r.place, "primary", false) || e.attr("mode") == "primary" {
		add("mode", asText, "primary")
	}
	if e.has("priority") {
		add("priority", asText, e.attr("priority"))
	}
	if e.has("groups") {
		add(groupsField, asRefs, e.attr("groups"))
	}
	if e.has("active") {
		add("active", asText, e.attr("active"))
	}
	p.f.ops = append(p.f.ops, r)
}

func (p *xmlReader) deletion(e *element, sc scope) {
	d := &deletion{place: p.f.at(e), scope: sc, model: e.attr("model"), id: qualify(strings.TrimSpace(e.attr("id")), p.f.addon), search: e.attr("search")}
	d.place.record = d.id
	p.only(e, d.place, "model", "id", "search")
	if d.model == "" || d.id == "" && d.search == "" {
		p.fail(d.place, "<delete> needs model= and id= or search=")
		return
	}
	p.f.ops = append(p.f.ops, d)
}

func (p *xmlReader) call(e *element, sc scope) *call {
	c := &call{place: p.f.at(e), scope: p.within(e, p.f.at(e), sc), model: e.attr("model"), method: e.attr("name"), eval: e.attr("eval")}
	p.only(e, c.place, "model", "name", "eval", "context", "uid", "id")
	if c.model == "" || c.method == "" {
		p.fail(c.place, "<function> needs model= and name=")
		return nil
	}
	for _, kid := range e.kids {
		at := p.f.at(kid)
		switch kid.name {
		case "value":
			c.args = append(c.args, p.value(kid, at))
		case "function":
			if inner := p.call(kid, sc); inner != nil {
				c.args = append(c.args, callArg{place: at, call: inner})
			}
		default:
			p.fail(at, "<%s> inside <function>; only <value> and <function> belong there", kid.name)
		}
	}
	return c
}

// value reads a <value>.
func (p *xmlReader) value(e *element, at place) callArg {
	p.only(e, at, "eval", "search", "model", "name", "type", "use", "file")
	v := callArg{place: at, name: strings.TrimSpace(e.attr("name")), eval: e.attr("eval"), hasEval: e.has("eval"), search: e.attr("search"),
		model: e.attr("model"), use: e.attr("use"), file: e.attr("file"), typ: e.attr("type"), text: e.text}
	if v.typ == "xml" || v.typ == "html" {
		v.text = strings.TrimSpace(plainMarkup(e))
	}
	p.oneType(at, fieldValue{name: "(value)", typ: v.typ})
	return v
}

func shorten(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
