// Package render turns views and records into what templates write: cells and inputs,
// the tree of a form, the rows of a list. Everything is at hand when it begins; it
// never touches the database and knows nothing of requests. The templates are here
// too.
//
// A [Builder] renders one page. [Posted] is a form that comes back with what was typed
// in it, which is shown again.
package render

import (
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/sanitize"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/locale"
)

// Builder turns views and values into trees for the templates. It has all it
// needs at hand and never touches the database.
type Builder struct {
	Locale  *locale.Locale
	Names   nameSource
	Vars    map[string]any
	Exprs   *expr.Cache
	Fields  func(model string) map[string]Field
	Rights  func(model string) Rights
	Allowed func(*view.Node) bool
	Link    func(model string, id int64) string
	Opens   func(action string) bool // whether the user may open an action
	Panel   func(*view.Node) string  // the name of the panel that a node asks for

	Edit    bool
	Post    string              // where the form goes
	Posted  *Posted             // what was typed, while editing
	Shown   map[string]string   // the value of every input, as rendered
	Lists   map[string]DataList // suggestions for many2one fields, by key
	Buttons int                 // number given to the last button
	Options map[string][]Choice // records a statusbar or checkboxes offer, by field
	Version string              // version of the record, for addresses of images
	Today   time.Time           // now, in the zone of the user
}

// nameSource knows the names of the records that cells link to.
type nameSource interface {
	Of(model string, id int64) string
	Hidden(model string, id int64) bool // the user may not read it, only its name
}

// DataList is a list of names that inputs of a form share.
type DataList struct {
	ID    string
	Names []string
}

// cell is one field at one place of a page.
type cell struct {
	Field       string
	Input       string // name of its input
	ID          string // id of its input
	Label       string
	Help        string
	Show        string // template that shows it
	Edit        string // template that takes input; "" when it is only shown
	Text        string
	HTML        template.HTML
	URL         template.URL // made here, of known schemes
	Tags        []tag
	Tone        string
	On          bool
	Percent     int
	Raw         string
	Options     []Option
	Placeholder string
	Required    bool
	Error       string
	Class       string
	Number      bool
	Empty       bool
	Comodel     string
	RawID       string
	Domain      string
	Context     string
	Picks       []Choice
	CanCreate   bool
	List        string
	Lines       *linesView
	Multi       bool
	Accept      string
	Dynamic     bool
}

// tag is one record of a many2many shown by name.
type tag struct {
	ID   int64
	Text string
	URL  string
	Hue  int
}

// Option is one of the values an input offers.
type Option struct {
	Value    string
	Label    string
	Selected bool
	Folded   bool
}

// Truth evaluates a modifier. Names of fields the user may not see are False.
func (b *Builder) Truth(src string, vars map[string]any) bool {
	switch strings.TrimSpace(src) {
	case "", "0", "False", "false":
		return false
	case "1", "True", "true":
		return true
	}
	v, err := b.eval(src, vars)
	return err == nil && convert.Truthy(convert.Expr(v))
}

func (b *Builder) eval(src string, vars map[string]any) (any, error) {
	prog, err := b.Exprs.Compile(src)
	if err != nil {
		return nil, err
	}
	var filled map[string]any
	for _, name := range prog.Names() {
		head, _, _ := strings.Cut(name, ".")
		if _, ok := vars[head]; ok {
			continue
		}
		if filled == nil {
			filled = make(map[string]any, len(vars)+1)
			for k, v := range vars {
				filled[k] = v
			}
			vars = filled
		}
		vars[head] = false
	}
	return prog.Eval(vars)
}

// Dict evaluates a dictionary of a view, empty when it cannot be.
func (b *Builder) Dict(src string, vars map[string]any) map[string]any {
	if strings.TrimSpace(src) == "" {
		return nil
	}
	v, err := b.eval(src, vars)
	m, ok := v.(map[string]any)
	if err != nil || !ok {
		return nil
	}
	return m
}

// Tone is the decoration of a node that holds: danger, warning, …
func (b *Builder) Tone(n *view.Node, vars map[string]any) string {
	out := ""
	for _, a := range n.Attrs {
		if kind, ok := strings.CutPrefix(a.Name, "decoration-"); ok && b.Truth(a.Value, vars) {
			out = strings.TrimSpace(out + " tone-" + kind)
		}
	}
	return out
}

// Show is a field as it is read.
func (b *Builder) Show(f Field, n *view.Node, r *Record, vars map[string]any) *cell {
	v := r.Values[f.Name]
	c := &cell{Field: f.Name, Label: Label(n, f), Help: f.Help, Tone: b.Tone(n, vars), Class: cssClass(n.Attr("class")), Show: "text"}
	c.Text = b.Locale.Text(f.Field, v, r.currency(f.Field))
	widget := n.Attr("widget")
	switch f.Kind {
	case orm.Integer, orm.Float, orm.Monetary:
		c.Number = true
		if f.Kind == orm.Integer && n.Attr("options") != "" && b.Dict(n.Attr("options"), nil)["enable_formatting"] == false {
			c.Text = b.Locale.Digits(f.Field, v, 0)
		}
		b.showNumber(c, widget, f, v)
	case orm.Boolean:
		c.Show, c.On = "bool", v == true
	case orm.Text:
		c.Show = "multi"
	case orm.HTML:
		c.Show, c.HTML = "html", template.HTML(sanitize.HTML(convert.Text(v)))
	case orm.Many2one:
		c.Text = b.Names.Of(f.Comodel, convert.ID(v))
		if id := convert.ID(v); id != 0 && b.Dict(n.Attr("options"), vars)["no_open"] != true && b.opens(f.Comodel, id) {
			c.Show, c.URL = "link", template.URL(b.Link(f.Comodel, id))
		}
	case orm.Many2oneRef, orm.Reference:
		model, id := convert.Text(r.Values[f.ModelField]), convert.ID(v)
		if f.Kind == orm.Reference {
			model, id = convert.Reference(convert.Text(v))
		}
		c.Text = ""
		if model != "" && id != 0 {
			c.Text = b.Names.Of(model, id)
			if b.opens(model, id) {
				c.Show, c.URL = "link", template.URL(b.Link(model, id))
			}
		}
	case orm.Many2many, orm.One2many:
		b.showTags(c, f, v)
	case orm.BinaryKind:
		b.showFile(c, f, n, r)
	case orm.SecretKind:
		c.Show = "secret"
	case orm.Selection:
		if i := slices.IndexFunc(b.Options[f.Name], func(o Choice) bool { return o.Value == convert.Text(v) }); i >= 0 && len(f.Options) == 0 {
			c.Text = b.Options[f.Name][i].Label
		}
		if widget == "priority" {
			c.Show = "stars"
			for i, o := range f.Options {
				if o.Value == convert.Text(v) {
					c.Percent = i
				}
			}
			c.Options = make([]Option, max(len(f.Options)-1, 0))
			for i := range c.Options {
				c.Options[i] = Option{Selected: i < c.Percent}
			}
		}
	case orm.Char:
		b.showChar(c, widget, convert.Text(v))
	}
	if widget == "badge" || widget == "label_selection" || widget == "state_selection" || widget == "selection_badge" {
		if c.Text != "" {
			c.Show, c.URL = "badge", ""
		}
	}
	if widget == "password" {
		c.Show = "secret"
		c.Text = orm.Secret(c.Text).String()
	}
	if widget == "remaining_days" && c.Text != "" {
		b.showRemaining(c, v)
	}
	if widget == "color" || widget == "color_picker" {
		c.Show = "color"
		c.Percent = int(convert.ID(v))
	}
	c.Empty = c.Text == "" && c.HTML == "" && len(c.Tags) == 0 && c.Show != "bool" && c.Show != "image" && c.Show != "stars"
	return c
}

func (b *Builder) showNumber(c *cell, widget string, f Field, v any) {
	num := func() float64 {
		switch x := convert.Expr(v).(type) {
		case int64:
			return float64(x)
		case float64:
			return x
		}
		return 0
	}
	switch widget {
	case "progressbar", "percentpie", "gauge":
		c.Show = "progress"
		c.Percent = int(min(max(num(), 0), 100) + 0.5)
		c.Text = b.Locale.Number(trimZeros(b.Locale.Digits(f.Field, v, 0))) + "\u00a0%"
	case "percentage":
		c.Text = b.Locale.Number(trimZeros(fmt.Sprintf("%.2f", num()*100))) + "\u00a0%"
	case "float_time":
		n := num()
		sign := ""
		if n < 0 {
			sign, n = "-", -n
		}
		minutes := int(n*60 + 0.5)
		c.Text = fmt.Sprintf("%s%02d:%02d", sign, minutes/60, minutes%60)
	}
}

func trimZeros(s string) string {
	if !strings.Contains(s, ".") {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

func (b *Builder) showChar(c *cell, widget, v string) {
	if v == "" {
		return
	}
	switch widget {
	case "url", "CopyClipboardURL":
		target := v
		if !strings.Contains(v, "://") {
			target = "https://" + v
		}
		if u, err := url.Parse(target); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
			c.Show, c.URL = "url", template.URL(target)
		}
	case "email":
		c.Show, c.URL = "link", template.URL("mailto:"+v)
	case "phone":
		c.Show, c.URL = "link", template.URL("tel:"+strings.Map(func(r rune) rune {
			if strings.ContainsRune("+0123456789", r) {
				return r
			}
			return -1
		}, v))
	case "image_url":
		if strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "//") || strings.HasPrefix(v, "data:image/") {
			c.Show, c.URL = "image", template.URL(v)
		}
	case "CopyClipboardChar", "CopyClipboardText":
		c.Show = "copy"
	case "code", "ace":
		c.Show = "code"
	}
}

func (b *Builder) showRemaining(c *cell, v any) {
	today := orm.DateOf(b.Today)
	var day orm.Date
	switch x := v.(type) {
	case orm.Date:
		day = x
	case orm.Datetime:
		day = orm.DateOf(x.Time().In(b.Locale.Zone))
	default:
		return
	}
	n := int(day.Time().Sub(today.Time()).Hours() / 24)
	c.Placeholder = c.Text
	switch {
	case n == 0:
		c.Text, c.Tone = "Today", "tone-warning"
	case n == 1:
		c.Text = "Tomorrow"
	case n == -1:
		c.Text, c.Tone = "Yesterday", "tone-danger"
	case n < 0 && n > -100:
		c.Text, c.Tone = fmt.Sprintf("%d days ago", -n), "tone-danger"
	case n > 0 && n < 100:
		c.Text = fmt.Sprintf("In %d days", n)
	}
}

// opens reports whether the user may open a linked record, whose name he is shown
// in any case.
func (b *Builder) opens(model string, id int64) bool {
	return b.Rights(model).Read && !b.Names.Hidden(model, id)
}

func (b *Builder) showTags(c *cell, f Field, v any) {
	c.Show, c.Text = "tags", ""
	ids, _ := v.([]int64)
	for i, id := range ids {
		if i == MaxLines {
			c.Tags = append(c.Tags, tag{Text: fmt.Sprintf("and %d more", len(ids)-i)})
			break
		}
		t := tag{ID: id, Text: b.Names.Of(f.Comodel, id), Hue: int(id*67) % 360}
		if b.opens(f.Comodel, id) {
			t.URL = b.Link(f.Comodel, id)
		}
		c.Tags = append(c.Tags, t)
	}
}

// showFile shows an image or offers a file.
func (b *Builder) showFile(c *cell, f Field, n *view.Node, r *Record) {
	c.Text = ""
	if r.ID == 0 {
		c.Show = "text"
		return
	}
	at := fmt.Sprintf("%s/%d/%s", r.Model.Name, r.ID, f.Name)
	fact, known := r.Files[f.Name]
	if n.Attr("widget") == "image" || f.Image {
		c.Show, c.URL = "image", template.URL("/web/image/"+at)
		if b.Version != "" {
			c.URL += template.URL("?v=" + url.QueryEscape(b.Version))
		}
		return
	}
	if r.Files == nil || !known && !f.Computed() && !f.Inherited() {
		return
	}
	c.Show, c.URL = "file", template.URL("/web/content/"+at)
	c.Text = convert.Text(r.Values[n.Attr("filename")])
	if c.Text == "" {
		c.Text = "Download"
	}
	if fact.Size > 0 {
		c.Placeholder = locale.FileSize(fact.Size)
	}
}

// Label is what a field is called in a view.
func Label(n *view.Node, f Field) string {
	if s, ok := n.Lookup("string"); ok {
		return s
	}
	return f.Label
}

// cssClass keeps classes of a view that mean something to our style sheet, and
// harmless others; they are only names.
func cssClass(s string) string {
	words := strings.Fields(s)
	words = slices.DeleteFunc(words, func(w string) bool {
		return strings.IndexFunc(w, func(r rune) bool {
			return !(r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z')
		}) >= 0
	})
	return strings.Join(words, " ")
}

// ExportCell is a value for a spreadsheet: plain numbers, ISO dates, names.
func (b *Builder) ExportCell(f Field, r *Record) string {
	v := r.Values[f.Name]
	switch f.Kind {
	case orm.Many2one:
		return b.Names.Of(f.Comodel, convert.ID(v))
	case orm.Many2many, orm.One2many:
		ids, _ := v.([]int64)
		parts := make([]string, len(ids))
		for i, id := range ids {
			parts[i] = b.Names.Of(f.Comodel, id)
		}
		return strings.Join(parts, ", ")
	case orm.Integer, orm.Float, orm.Monetary:
		if v == nil {
			return "0"
		}
		return b.Locale.Digits(f.Field, v, r.currency(f.Field))
	case orm.DateKind:
		d, _ := v.(orm.Date)
		return d.String()
	case orm.DatetimeKind:
		d, ok := v.(orm.Datetime)
		if !ok || d.IsZero() {
			return ""
		}
		return d.Time().In(b.Locale.Zone).Format("2006-01-02 15:04:05")
	case orm.BinaryKind:
		return ""
	}
	return b.Locale.Text(f.Field, v, 0)
}
