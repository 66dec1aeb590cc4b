package render

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/convert"

	"github.com/shopspring/decimal"
)

// linesView is an x2many field shown as a list inside a form.
type linesView struct {
	Input   string // "" when it is only shown
	Label   string
	Columns []*Column
	Rows    []*lineRow
	Post    string   // where the form goes to come back here
	Adds    []Choice // captions of the ways to add a line
	Link    *cell    // adds an existing record
	Delete  bool
	Denied  bool
	More    int
	Error   string
	Details bool // some line has more fields than columns
	Buttons bool // some line has buttons
}

// Column is a column of a list.
type Column struct {
	Field  string
	Label  string
	Help   string
	Number bool
	Class  string
	Sort   string // address that sorts by it
	Sorted string // asc, desc
	Total  string
	TotalT string // what the total is
}

// lineRow is a line.
type lineRow struct {
	Key     string
	Name    string
	URL     string
	Cells   []*cell
	More    []*Node
	Tone    string
	Deleted bool
	Extra   string // JSON of values that go with a new line
	Kept    bool
	Fixed   bool // neither typed in nor removed
	Buttons []rowButton
}

// LinesMark stands for the value of an x2many field whose lines are inputs of
// their own.
const LinesMark = "lines"

// Errors counts what was refused in the lines.
func (l *linesView) Errors() int {
	n := 0
	if l.Error != "" {
		n++
	}
	for _, r := range l.Rows {
		for _, c := range r.Cells {
			if c != nil && c.Error != "" {
				n++
			}
		}
		n += errorsIn(r.More)
	}
	return n
}

// Lines builds an x2many list. Lines of a one2many are typed in place, whether
// the view says editable or shows a form for a line: its further fields then
// fold out below the line. Records of a many2many are linked and unlinked.
func (b *Builder) Lines(f Field, n *view.Node, list *Lines, s *Scope) *cell {
	c := &cell{Field: f.Name, Label: Label(n, f), Help: f.Help, Show: "lines"}
	c.ID = "lines-" + f.Name
	lv := &linesView{Label: c.Label, Denied: list.Denied, More: max(list.Total-MaxLines, 0)}
	c.Lines = lv
	root := list.View.Root
	readonly := !b.Edit || f.ReadonlyForUser || b.Truth(n.Attr("readonly"), s.Vars) || list.Denied
	can := b.Rights(f.Comodel)
	if b.Posted != nil {
		lv.Error = b.Posted.Errors[s.Prefix+f.Name]
	}
	parent := s.Vars
	fields := b.Fields(f.Comodel)
	var nodes []*view.Node
	for _, k := range root.Elements("field") {
		cf, ok := fields[k.Name()]
		if !ok || k.Attr("widget") == "handle" || b.ColumnHidden(k, parent) || k.Attr("optional") == "hide" {
			continue
		}
		nodes = append(nodes, k)
		lv.Columns = append(lv.Columns, &Column{Field: k.Name(), Label: Label(k, cf), Help: cf.Help, Number: Numeric(cf.Field)})
	}
	editing := !readonly && f.Kind == orm.One2many
	if !readonly {
		lv.Input = s.Prefix + f.Name
		b.Shown[lv.Input] = LinesMark
		if lv.Post = b.Post; s.tab != "" {
			lv.Post += "#" + s.tab
		}
		if f.Kind == orm.One2many {
			lv.Delete = can.Unlink && root.Flag("delete", true)
			if can.Create && root.Flag("create", true) {
				lv.Adds = AddCaptions(root)
			}
			editing = root.Flag("edit", true)
		} else {
			lv.Delete = true
			if root.Flag("link", true) {
				link := &cell{Edit: "ref", Input: lv.Input + "~add", ID: c.ID + "-add", Label: "Add " + c.Label, Comodel: f.Comodel, Domain: b.RefDomain(f, n, s.Vars), Placeholder: "Add…"}
				link.Raw = b.Posted.Get(link.Input)
				if b.Posted != nil {
					link.Error, link.Picks = b.Posted.Errors[link.Input], b.Posted.Picks[link.Input]
				}
				link.List = b.Lists[ListKey(f.Comodel, link.Domain)].ID
				lv.Link = link
			}
		}
	}
	form := n.SubViews()["form"]
	shown := map[string]bool{}
	for _, k := range nodes {
		shown[k.Name()] = true
	}
	outer := b.Edit
	for _, r := range list.Rows {
		vars := r.Scope(b.Vars, parent)
		row := &lineRow{Key: r.Key, Name: b.Names.Of(f.Comodel, r.ID), Kept: r.Kept, Tone: b.Tone(root, vars), Fixed: r.Computed}
		if r.ID == 0 {
			row.Name = "new line"
		}
		if r.ID != 0 && can.Read {
			row.URL = b.Link(f.Comodel, r.ID)
		}
		prefix := s.Prefix + f.Name + "." + r.Key + "."
		if b.Posted != nil && b.Posted.Get(s.Prefix+f.Name+"."+r.Key+"~del") != "" {
			lv.Rows = append(lv.Rows, &lineRow{Key: r.Key, Deleted: true})
			continue
		}
		b.Edit = outer && editing && !r.Computed && (r.ID == 0 && can.Create || r.ID != 0 && can.Write)
		for _, k := range nodes {
			if b.HiddenCell(k, vars) {
				row.Cells = append(row.Cells, nil)
				continue
			}
			row.Cells = append(row.Cells, b.cell(fields[k.Name()], k, r, prefix, vars))
		}
		if r.ID != 0 && !r.Computed && s.Rec.ID != 0 {
			row.Buttons = b.RowButtons(root, vars, fmt.Sprintf("line:%s:%d:", f.Name, r.ID))
			lv.Buttons = lv.Buttons || len(row.Buttons) > 0
		}
		if form != nil && b.Edit {
			sub := &Scope{Rec: r, Prefix: prefix, Vars: vars, Fields: fields, line: true, skip: shown}
			row.More = b.nodes(form.Children, sub)
			if !hasCells(row.More) {
				row.More = nil
			}
		}
		lv.Details = lv.Details || row.More != nil
		if r.ID == 0 && len(r.Extra) > 0 {
			row.Extra = convert.JSON(r.Extra)
		}
		switch convert.Text(r.Values["display_type"]) {
		case "line_section":
			row.Tone += " row-section"
		case "line_note":
			row.Tone += " row-note"
		}
		lv.Rows = append(lv.Rows, row)
	}
	b.Edit = outer
	b.totals(lv, nodes, fields, list)
	return c
}

// AddCaptions are the ways to add a line that a list offers: what each is called, and the
// context it is made in.
func AddCaptions(root *view.Node) []Choice {
	var out []Choice
	for _, control := range root.Elements("control") {
		for _, k := range control.Elements("create") {
			out = append(out, Choice{Value: k.Attr("context"), Label: k.Attr("string")})
		}
	}
	if out == nil {
		out = []Choice{{Label: "Add a line"}}
	}
	for i := range out {
		if out[i].Label == "" {
			out[i].Label = "Add a line"
		}
	}
	return out
}

func hasCells(list []*Node) bool {
	return slices.ContainsFunc(list, func(n *Node) bool { return n.Kind == "cell" || hasCells(n.Kids) })
}

// Numeric reports whether a field holds numbers.
func Numeric(f *orm.Field) bool {
	return f.Kind == orm.Integer || f.Kind == orm.Float || f.Kind == orm.Monetary
}

// ColumnHidden reports whether a column of a list is not shown at all.
func (b *Builder) ColumnHidden(n *view.Node, parent map[string]any) bool {
	if !b.Allowed(n) {
		return true
	}
	switch n.Attr("invisible") {
	case "1", "True", "true":
		return true
	}
	vars := b.Vars
	if parent != nil {
		vars = make(map[string]any, len(b.Vars)+1)
		for k, v := range b.Vars {
			vars[k] = v
		}
		vars["parent"] = parent
	}
	return b.Truth(n.Attr("column_invisible"), vars)
}

// HiddenCell reports whether a row leaves a column empty.
func (b *Builder) HiddenCell(n *view.Node, vars map[string]any) bool {
	return b.Truth(n.Attr("invisible"), vars)
}

// totals adds up the columns that ask for it.
func (b *Builder) totals(lv *linesView, nodes []*view.Node, fields map[string]Field, list *Lines) {
	for i, k := range nodes {
		title := k.Attr("sum")
		if title == "" || len(list.Rows) == 0 {
			continue
		}
		f := fields[k.Name()]
		sum := decimal.Zero
		currency := list.Rows[0].currency(f.Field)
		for _, r := range list.Rows {
			if r.currency(f.Field) != currency {
				currency = 0
			}
			sum = sum.Add(r.Values.Decimal(f.Name))
		}
		lv.Columns[i].Total, lv.Columns[i].TotalT = b.Locale.Text(f.Field, sum, currency), title
	}
}

// HasTotals reports whether the list has a line of totals.
func (l *linesView) HasTotals() bool {
	return slices.ContainsFunc(l.Columns, func(c *Column) bool { return c.Total != "" })
}

// rowButton is a button of the rows of a list: pressed, it names its record.
type rowButton struct {
	*button
	Value string
}

// RowButtons are the buttons of one row, key naming the record in the form.
func (b *Builder) RowButtons(root *view.Node, vars map[string]any, prefix string) []rowButton {
	var out []rowButton
	for i, n := range ButtonsOf(root) {
		if !slices.Contains(root.Children, n) || !b.Allowed(n) || b.Truth(n.Attr("invisible"), vars) || b.Truth(n.Attr("column_invisible"), b.Vars) ||
			n.Attr("type") == "action" && !b.Opens(n.Name()) {
			continue
		}
		bt := &button{Key: buttonKey(i+1, n), Label: n.Attr("string"), Title: n.Attr("title"), Confirm: n.Attr("confirm")}
		if bt.Label == "" {
			bt.Label = n.Attr("title")
		}
		if bt.Label == "" {
			bt.Label = strings.TrimSpace(n.InnerText())
		}
		if bt.Label == "" {
			bt.Label = n.Name()
		}
		out = append(out, rowButton{bt, prefix + bt.Key})
	}
	return out
}
