package web

import (
	"fmt"
	"slices"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"

	"github.com/shopspring/decimal"
)

// linesView is an x2many field shown as a list inside a form.
type linesView struct {
	Input   string // "" when it is only shown
	Label   string
	Columns []*column
	Rows    []*lineRow
	Post    string   // where the form goes to come back here
	Adds    []choice // captions of the ways to add a line
	Link    *cell    // adds an existing record
	Delete  bool
	Denied  bool
	More    int
	Error   string
	Details bool // some line has more fields than columns
	Buttons bool // some line has buttons
}

// column is a column of a list.
type column struct {
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
	More    []*node
	Tone    string
	Deleted bool
	Extra   string // JSON of values that go with a new line
	Kept    bool
	Fixed   bool // neither typed in nor removed
	Buttons []rowButton
}

// linesMark stands for the value of an x2many field whose lines are inputs of
// their own.
const linesMark = "lines"

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

// lines builds an x2many list. Lines of a one2many are typed in place, whether
// the view says editable or shows a form for a line: its further fields then
// fold out below the line. Records of a many2many are linked and unlinked.
func (b *builder) lines(f fieldInfo, n *view.Node, list *lines, s *scopeOf) *cell {
	c := &cell{Field: f.Name, Label: label(n, f), Help: f.Help, Show: "lines"}
	c.ID = "lines-" + f.Name
	lv := &linesView{Label: c.Label, Denied: list.denied, More: max(list.total-maxLines, 0)}
	c.Lines = lv
	root := list.view.Root
	readonly := !b.edit || f.ReadonlyForUser || b.truth(n.Attr("readonly"), s.vars) || list.denied
	can := b.rights(f.Comodel)
	if b.state != nil {
		lv.Error = b.state.errors[s.prefix+f.Name]
	}
	parent := s.vars
	fields := b.fields(f.Comodel)
	var nodes []*view.Node
	for _, k := range root.Elements("field") {
		cf, ok := fields[k.Name()]
		if !ok || k.Attr("widget") == "handle" || b.columnHidden(k, parent) || k.Attr("optional") == "hide" {
			continue
		}
		nodes = append(nodes, k)
		lv.Columns = append(lv.Columns, &column{Field: k.Name(), Label: label(k, cf), Help: cf.Help, Number: numeric(cf.Field)})
	}
	editing := !readonly && f.Kind == orm.One2many
	if !readonly {
		lv.Input = s.prefix + f.Name
		b.base[lv.Input] = linesMark
		if lv.Post = b.post; s.tab != "" {
			lv.Post += "#" + s.tab
		}
		if f.Kind == orm.One2many {
			lv.Delete = can.Unlink && root.Flag("delete", true)
			if can.Create && root.Flag("create", true) {
				lv.Adds = addCaptions(root)
			}
			editing = root.Flag("edit", true)
		} else {
			lv.Delete = true
			if root.Flag("link", true) {
				link := &cell{Edit: "ref", Input: lv.Input + "~add", ID: c.ID + "-add", Label: "Add " + c.Label, Comodel: f.Comodel, Domain: b.refDomain(f, n, s.vars), Placeholder: "Add…"}
				link.Raw = b.state.get(link.Input)
				if b.state != nil {
					link.Error, link.Picks = b.state.errors[link.Input], b.state.picks[link.Input]
				}
				link.List = b.lists[listKey(f.Comodel, link.Domain)].ID
				lv.Link = link
			}
		}
	}
	form := n.SubViews()["form"]
	shown := map[string]bool{}
	for _, k := range nodes {
		shown[k.Name()] = true
	}
	outer := b.edit
	for _, r := range list.rows {
		vars := r.scope(b.vars, parent)
		row := &lineRow{Key: r.key, Name: b.names.of(f.Comodel, r.id), Kept: r.kept, Tone: b.tone(root, vars), Fixed: r.calc}
		if r.id == 0 {
			row.Name = "new line"
		}
		if r.id != 0 && can.Read {
			row.URL = b.link(f.Comodel, r.id)
		}
		prefix := s.prefix + f.Name + "." + r.key + "."
		if b.state != nil && b.state.get(s.prefix+f.Name+"."+r.key+"~del") != "" {
			lv.Rows = append(lv.Rows, &lineRow{Key: r.key, Deleted: true})
			continue
		}
		b.edit = outer && editing && !r.calc && (r.id == 0 && can.Create || r.id != 0 && can.Write)
		for _, k := range nodes {
			if b.hiddenCell(k, vars) {
				row.Cells = append(row.Cells, nil)
				continue
			}
			row.Cells = append(row.Cells, b.cell(fields[k.Name()], k, r, prefix, vars))
		}
		if r.id != 0 && !r.calc && s.rec.id != 0 {
			row.Buttons = b.rowButtons(root, vars, fmt.Sprintf("line:%s:%d:", f.Name, r.id))
			lv.Buttons = lv.Buttons || len(row.Buttons) > 0
		}
		if form != nil && b.edit {
			sub := &scopeOf{rec: r, prefix: prefix, vars: vars, fields: fields, line: true, skip: shown}
			row.More = b.nodes(form.Children, sub)
			if !hasCells(row.More) {
				row.More = nil
			}
		}
		lv.Details = lv.Details || row.More != nil
		if r.id == 0 && len(r.given) > 0 {
			row.Extra = jsonText(r.given)
		}
		switch str(r.vals["display_type"]) {
		case "line_section":
			row.Tone += " row-section"
		case "line_note":
			row.Tone += " row-note"
		}
		lv.Rows = append(lv.Rows, row)
	}
	b.edit = outer
	b.totals(lv, nodes, fields, list)
	return c
}

func addCaptions(root *view.Node) []choice {
	var out []choice
	for _, control := range root.Elements("control") {
		for _, k := range control.Elements("create") {
			out = append(out, choice{Value: k.Attr("context"), Label: k.Attr("string")})
		}
	}
	if out == nil {
		out = []choice{{Label: "Add a line"}}
	}
	for i := range out {
		if out[i].Label == "" {
			out[i].Label = "Add a line"
		}
	}
	return out
}

func hasCells(list []*node) bool {
	return slices.ContainsFunc(list, func(n *node) bool { return n.Kind == "cell" || hasCells(n.Kids) })
}

func numeric(f *orm.Field) bool {
	return f.Kind == orm.Integer || f.Kind == orm.Float || f.Kind == orm.Monetary
}

// columnHidden reports whether a column of a list is not shown at all.
func (b *builder) columnHidden(n *view.Node, parent map[string]any) bool {
	if !b.allowed(n) {
		return true
	}
	switch n.Attr("invisible") {
	case "1", "True", "true":
		return true
	}
	vars := b.vars
	if parent != nil {
		vars = make(map[string]any, len(b.vars)+1)
		for k, v := range b.vars {
			vars[k] = v
		}
		vars["parent"] = parent
	}
	return b.truth(n.Attr("column_invisible"), vars)
}

func (b *builder) hiddenCell(n *view.Node, vars map[string]any) bool {
	return b.truth(n.Attr("invisible"), vars)
}

// totals adds up the columns that ask for it.
func (b *builder) totals(lv *linesView, nodes []*view.Node, fields map[string]fieldInfo, list *lines) {
	for i, k := range nodes {
		title := k.Attr("sum")
		if title == "" || len(list.rows) == 0 {
			continue
		}
		f := fields[k.Name()]
		sum := decimal.Zero
		currency := list.rows[0].currency(f.Field)
		for _, r := range list.rows {
			if r.currency(f.Field) != currency {
				currency = 0
			}
			sum = sum.Add(r.vals.Decimal(f.Name))
		}
		lv.Columns[i].Total, lv.Columns[i].TotalT = b.loc.text(f.Field, sum, currency), title
	}
}

// HasTotals reports whether the list has a line of totals.
func (l *linesView) HasTotals() bool {
	return slices.ContainsFunc(l.Columns, func(c *column) bool { return c.Total != "" })
}
