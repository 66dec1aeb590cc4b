package render

import (
	"fmt"
	"html/template"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/convert"
)

// Node is an element of a rendered form: a plain value the templates write.
type Node struct {
	Kind   string // html, text, group, columns, pair, cell, button, notebook, separator, label, status, ribbon, note
	Open   template.HTML
	Close  template.HTML
	Text   string
	Title  string
	Class  string
	For    string
	Wide   bool
	Cell   *cell
	Button *button
	Pages  []*tab
	Kids   []*Node
}

// tab is a page of a notebook.
type tab struct {
	ID     string
	Title  string
	Errors int
	Kids   []*Node
}

// button is a button of a view as the user may press it.
type button struct {
	Key     string // names it in the posted form
	Label   string
	Class   string
	Confirm string
	Title   string
	Busy    string // said while the method is under way
	Special string // cancel, save
	Stat    []*Node
	URL     string // a mere link
}

// FormTree is a form in its parts.
type FormTree struct {
	Title   string
	Buttons []*Node // of the header
	Status  *Node
	Stats   []*Node
	Body    []*Node
	Footer  []*Node
	Panels  []string // names
	Sheet   bool
}

// Scope is where in a form a node stands.
type Scope struct {
	Rec    *Record
	Prefix string
	Vars   map[string]any
	Fields map[string]Field
	line   bool            // inside a line: no further lists
	skip   map[string]bool // fields shown elsewhere
	tabs   int
	tab    string // page of a notebook it stands in
}

// Form builds the tree of a form view.
func (b *Builder) Form(v *view.View, rec *Record) *FormTree {
	t := &FormTree{}
	s := &Scope{Rec: rec, Prefix: InputPrefix, Vars: rec.Scope(b.Vars, nil), Fields: b.Fields(rec.Model.Name)}
	b.Buttons = 0
	for _, n := range v.Root.Children {
		if n.Tag != "" && b.hidden(n, s) {
			b.count(n, s)
			continue
		}
		switch n.Tag {
		case "header":
			b.header(t, n, s)
		case "sheet":
			t.Sheet = true
			for _, k := range n.Children {
				if k.HasClass("oe_button_box") || k.Name() == "button_box" {
					if b.hidden(k, s) {
						b.count(k, s)
						continue
					}
					t.Stats = append(t.Stats, b.nodes(k.Children, s)...)
					continue
				}
				t.Body = append(t.Body, b.Node(k, s)...)
			}
		case "footer":
			t.Footer = append(t.Footer, b.nodes(n.Children, s)...)
		default:
			if panel := b.Panel(n); panel != "" {
				t.Panels = append(t.Panels, panel)
				continue
			}
			if n.HasClass("oe_button_box") || n.Name() == "button_box" {
				t.Stats = append(t.Stats, b.nodes(n.Children, s)...)
				continue
			}
			t.Body = append(t.Body, b.Node(n, s)...)
		}
	}
	t.Body = pairUp(t.Body)
	t.lift()
	return t
}

// lift takes a footer written deeper in the form to where footers belong.
func (t *FormTree) lift() {
	var walk func(list []*Node) []*Node
	walk = func(list []*Node) []*Node {
		return slices.DeleteFunc(list, func(n *Node) bool {
			if n.Kind == "footer" {
				t.Footer = append(t.Footer, n.Kids...)
				return true
			}
			n.Kids = walk(n.Kids)
			return false
		})
	}
	t.Body = walk(t.Body)
}

func (b *Builder) header(t *FormTree, n *view.Node, s *Scope) {
	for _, k := range n.Elements() {
		switch {
		case b.hidden(k, s):
			b.count(k, s)
		case k.Tag == "field" && k.Attr("widget") == "statusbar":
			t.Status = b.status(k, s)
		default:
			t.Buttons = append(t.Buttons, b.Node(k, s)...)
		}
	}
}

// hidden reports whether a node is not for the user, or not now.
func (b *Builder) hidden(n *view.Node, s *Scope) bool {
	return !b.Allowed(n) || b.Truth(n.Attr("invisible"), s.Vars)
}

// count keeps the numbers of buttons the same whatever is shown. Views inside a
// field have buttons of their own.
func (b *Builder) count(n *view.Node, s *Scope) {
	if !s.line {
		b.Buttons += len(ButtonsOf(n))
	}
}

// ButtonsOf are the buttons of a view in document order.
func ButtonsOf(n *view.Node) []*view.Node {
	var out []*view.Node
	n.Walk(func(k *view.Node) bool {
		if k.Tag == "button" || k.Tag == "a" && k.Attr("type") != "" {
			out = append(out, k)
		}
		return k.Tag != "field"
	})
	return out
}

func (b *Builder) nodes(list []*view.Node, s *Scope) []*Node {
	var out []*Node
	for _, n := range list {
		out = append(out, b.Node(n, s)...)
	}
	return pairUp(out)
}

// htmlTags are the elements a form may contain besides its own.
const htmlTags = " div p span h1 h2 h3 h4 h5 ul ol li b strong i em small code br hr table thead tbody tr th td dl dt dd pre blockquote u "

// Node renders an element of a form, as several or none.
func (b *Builder) Node(n *view.Node, s *Scope) []*Node {
	if n.Tag == "" {
		return []*Node{{Kind: "text", Text: n.Text}}
	}
	if b.hidden(n, s) {
		b.count(n, s)
		return nil
	}
	class := cssClass(n.Attr("class"))
	switch n.Tag {
	case "field":
		return b.field(n, s)
	case "button":
		return b.button(n, s)
	case "group":
		return b.group(n, s)
	case "notebook":
		return b.notebook(n, s)
	case "separator":
		return []*Node{{Kind: "separator", Title: n.Attr("string"), Class: class}}
	case "label":
		return b.label(n, s)
	case "sheet", "header", "t":
		return b.nodes(n.Children, s)
	case "footer":
		return []*Node{{Kind: "footer", Kids: b.nodes(n.Children, s)}}
	case "newline":
		return []*Node{{Kind: "newline"}}
	case "chatter", "script", "style", "template", "templates":
		return nil
	case "widget":
		if n.Name() == "web_ribbon" {
			return []*Node{{Kind: "ribbon", Title: n.Attr("title"), Class: cssClass(n.Attr("bg_color"))}}
		}
		return nil
	case "a":
		if n.Attr("type") != "" {
			return b.button(n, s)
		}
		return b.anchor(n, s)
	}
	if n.Tag == "i" && len(n.Children) == 0 { // an icon of a font we do not have
		return nil
	}
	if !strings.Contains(htmlTags, " "+n.Tag+" ") {
		return b.nodes(n.Children, s)
	}
	open := "<" + n.Tag
	if class != "" {
		open += ` class="` + template.HTMLEscapeString(class) + `"`
	}
	if n.HasClass("alert") {
		open += ` role="status"`
	}
	out := &Node{Kind: "html", Open: template.HTML(open + ">"), Kids: b.nodes(n.Children, s)}
	if n.Tag != "br" && n.Tag != "hr" {
		out.Close = template.HTML("</" + n.Tag + ">")
	}
	if len(out.Kids) == 0 && (n.Tag == "h1" || n.Tag == "h2" || n.Tag == "p" || n.Tag == "span" || n.Tag == "div") {
		return nil
	}
	return []*Node{out}
}

func (b *Builder) anchor(n *view.Node, s *Scope) []*Node {
	href := n.Attr("href")
	safe := strings.HasPrefix(href, "https://") || strings.HasPrefix(href, "http://") || strings.HasPrefix(href, "/") && !strings.HasPrefix(href, "//")
	if !safe {
		return b.nodes(n.Children, s)
	}
	return []*Node{{Kind: "html", Open: template.HTML(`<a href="` + template.HTMLEscapeString(href) + `" rel="noopener">`), Close: "</a>", Kids: b.nodes(n.Children, s)}}
}

func (b *Builder) field(n *view.Node, s *Scope) []*Node {
	f, ok := s.Fields[n.Name()]
	if !ok || s.skip[n.Name()] {
		return nil
	}
	switch n.Attr("widget") {
	case "handle":
		return nil
	case "statusbar":
		return []*Node{b.status(n, s)}
	case "statinfo":
		c := b.Show(f, n, s.Rec, s.Vars)
		if n.Attr("nolabel") == "1" {
			c.Label = ""
		}
		return []*Node{{Kind: "stat", Cell: c, Class: "o_stat"}}
	}
	var c *cell
	if list := s.Rec.Lists[f.Name]; list != nil && !s.line {
		c = b.Lines(f, n, list, s)
	} else {
		c = b.cell(f, n, s.Rec, s.Prefix, s.Vars)
	}
	out := &Node{Kind: "cell", Cell: c}
	out.Wide = c.Lines != nil || c.Show == "html" || c.Edit == "html"
	if n.Attr("nolabel") == "1" {
		out.Class = "nolabel"
	}
	if n.Attr("colspan") != "" && n.Attr("colspan") != "1" {
		out.Wide = true
	}
	return []*Node{out}
}

// label is a label written in the view, for a field or an element.
func (b *Builder) label(n *view.Node, s *Scope) []*Node {
	target := n.Attr("for")
	text := n.Attr("string")
	if text == "" {
		text = n.InnerText()
	}
	f, ok := s.Fields[target]
	if text == "" && ok {
		text = f.Label
	}
	if text == "" {
		return nil
	}
	out := &Node{Kind: "label", Text: text}
	if ok && b.Edit {
		out.For = strings.NewReplacer(".", "-", "~", "-").Replace(s.Prefix + target)
	}
	return []*Node{out}
}

// group lays out its fields as label and value; a group that holds groups puts
// them side by side.
func (b *Builder) group(n *view.Node, s *Scope) []*Node {
	outer := slices.ContainsFunc(n.Elements(), func(k *view.Node) bool { return k.Tag == "group" })
	kids := b.nodes(n.Children, s)
	if len(kids) == 0 {
		return nil
	}
	if outer {
		var cols []*Node
		var loose []*Node
		flush := func() {
			if len(loose) > 0 {
				cols = append(cols, &Node{Kind: "group", Kids: asPairs(loose), Wide: true})
				loose = nil
			}
		}
		for _, k := range kids {
			if k.Kind == "group" || k.Kind == "columns" || k.Kind == "notebook" || k.Kind == "separator" || k.Kind == "html" || k.Kind == "newline" {
				flush()
				if k.Kind == "columns" || k.Kind == "notebook" || k.Kind == "separator" {
					k.Wide = true
				}
				if k.Kind != "newline" {
					cols = append(cols, k)
				}
				continue
			}
			loose = append(loose, k)
		}
		flush()
		return []*Node{{Kind: "columns", Title: n.Attr("string"), Class: "cols-" + columnsOf(n), Kids: cols}}
	}
	wide := n.Attr("colspan") != "" && n.Attr("colspan") != "1"
	class := cssClass(n.Attr("class"))
	return []*Node{{Kind: "group", Title: n.Attr("string"), Class: class, Kids: asPairs(kids), Wide: wide}}
}

func columnsOf(n *view.Node) string {
	switch c := n.Attr("col"); c {
	case "1", "3", "4":
		return c
	}
	return "2"
}

// pairUp joins a label with what stands after it.
func pairUp(list []*Node) []*Node {
	var out []*Node
	for i := 0; i < len(list); i++ {
		n := list[i]
		if n.Kind == "label" && i+1 < len(list) && (list[i+1].Kind == "html" || list[i+1].Kind == "cell") {
			next := list[i+1]
			if next.Kind == "cell" {
				next.Class = "nolabel"
			}
			out = append(out, &Node{Kind: "pair", Text: n.Text, For: n.For, Kids: []*Node{next}})
			i++
			continue
		}
		out = append(out, n)
	}
	return out
}

// asPairs gives the fields of a group their labels.
func asPairs(list []*Node) []*Node {
	out := make([]*Node, 0, len(list))
	for _, n := range list {
		switch {
		case n.Kind == "newline":
			continue
		case n.Kind == "cell" && n.Class != "nolabel" && n.Cell.Lines == nil && n.Cell.Label != "":
			wide := n.Wide
			out = append(out, &Node{Kind: "pair", Text: n.Cell.Label, For: n.Cell.ID, Cell: n.Cell, Wide: wide, Kids: []*Node{n}})
		default:
			n.Wide = n.Kind != "pair" || n.Wide
			out = append(out, n)
		}
	}
	return out
}

func (b *Builder) notebook(n *view.Node, s *Scope) []*Node {
	out := &Node{Kind: "notebook"}
	for _, k := range n.Elements("page") {
		if b.hidden(k, s) {
			b.count(k, s)
			continue
		}
		s.tabs++
		t := &tab{Title: k.Attr("string"), ID: "page-" + slugOf(k.Name(), s.tabs)}
		if t.Title == "" {
			t.Title = k.Name()
		}
		outer := s.tab
		s.tab = t.ID
		t.Kids = b.nodes(k.Children, s)
		s.tab = outer
		t.Errors = errorsIn(t.Kids)
		out.Pages = append(out.Pages, t)
	}
	if len(out.Pages) == 0 {
		return nil
	}
	return []*Node{out}
}

func slugOf(name string, n int) string {
	if name = cssClass(name); name != "" {
		return name
	}
	return fmt.Sprint(n)
}

// errorsIn counts the inputs below that were refused.
func errorsIn(list []*Node) int {
	n := 0
	for _, k := range list {
		if k.Cell != nil && k.Kind == "cell" {
			if k.Cell.Error != "" {
				n++
			}
			if k.Cell.Lines != nil {
				n += k.Cell.Lines.Errors()
			}
		}
		n += errorsIn(k.Kids)
		for _, t := range k.Pages {
			n += errorsIn(t.Kids)
		}
	}
	return n
}

// button renders a button; its key names it by number and method, so that a
// page made from an older view is noticed.
func (b *Builder) button(n *view.Node, s *Scope) []*Node {
	if s.line {
		return nil
	}
	b.Buttons++
	if n.Attr("type") == "action" && !b.Opens(n.Name()) {
		return nil
	}
	if s.Rec.ID == 0 && n.Attr("special") == "" && !s.Rec.Model.Transient && n.HasClass("oe_stat_button") {
		return nil
	}
	bt := &button{Key: buttonKey(b.Buttons, n), Label: n.Attr("string"), Confirm: n.Attr("confirm"), Title: n.Attr("help"), Special: n.Attr("special")}
	if bt.Title == "" {
		bt.Title = n.Attr("title")
	}
	if n.Attr("type") == "object" {
		bt.Busy = s.Rec.Model.Waiting(n.Name())
	}
	class := n.Attr("class")
	switch {
	case strings.Contains(class, "oe_stat_button"):
		bt.Class = "stat"
	case strings.Contains(class, "btn-primary") || strings.Contains(class, "oe_highlight"):
		bt.Class = "primary"
	case strings.Contains(class, "btn-danger"):
		bt.Class = "danger"
	case strings.Contains(class, "btn-link") || strings.Contains(class, "oe_link"):
		bt.Class = "plain"
	}
	kids := b.nodes(n.Children, s)
	if bt.Class == "stat" {
		bt.Stat = kids
		if len(kids) == 0 && bt.Label == "" {
			return nil
		}
	} else if bt.Label == "" {
		bt.Label = strings.TrimSpace(textOf(kids))
	}
	if bt.Label == "" && len(bt.Stat) == 0 {
		if bt.Label = bt.Title; bt.Label == "" {
			bt.Label = n.Name()
		}
	}
	return []*Node{{Kind: "button", Button: bt}}
}

func buttonKey(number int, n *view.Node) string {
	return fmt.Sprintf("%d:%s", number, n.Name())
}

func textOf(list []*Node) string {
	var parts []string
	for _, n := range list {
		if n.Kind == "text" {
			parts = append(parts, n.Text)
		}
		if n.Kind == "cell" && n.Cell != nil {
			parts = append(parts, n.Cell.Text)
		}
		if s := textOf(n.Kids); s != "" {
			parts = append(parts, s)
		}
	}
	return strings.Join(parts, " ")
}

// FindButton gives the button a posted form names.
func FindButton(v *view.View, key string) *view.Node {
	for i, n := range ButtonsOf(v.Root) {
		if buttonKey(i+1, n) == key {
			return n
		}
	}
	return nil
}

// status is a statusbar: the steps a record goes through, and where it is.
func (b *Builder) status(n *view.Node, s *Scope) *Node {
	f, ok := s.Fields[n.Name()]
	if !ok {
		return nil
	}
	c := &cell{Field: f.Name, Label: Label(n, f), Show: "status"}
	cur := s.Rec.Values[f.Name]
	opts := b.Dict(n.Attr("options"), s.Vars)
	var visible []string
	for _, v := range strings.Split(n.Attr("statusbar_visible"), ",") {
		if v = strings.TrimSpace(v); v != "" {
			visible = append(visible, v)
		}
	}
	if f.Kind == orm.Selection {
		for _, o := range f.Options {
			if len(visible) == 0 || slices.Contains(visible, o.Value) || o.Value == convert.Text(cur) {
				c.Options = append(c.Options, Option{Value: o.Value, Label: o.Label, Selected: o.Value == convert.Text(cur)})
			}
		}
	} else {
		for _, o := range b.Options[f.Name] {
			c.Options = append(c.Options, Option{Value: o.Value, Label: o.Label, Selected: o.Value == convert.FormatID(convert.ID(cur))})
		}
	}
	if convert.Truthy(opts["clickable"]) && opts["clickable"] != "0" && s.Rec.ID != 0 && !f.ReadonlyForUser && !b.Truth(n.Attr("readonly"), s.Vars) && b.Rights(s.Rec.Model.Name).Write {
		c.Input = f.Name
	}
	return &Node{Kind: "status", Cell: c}
}
