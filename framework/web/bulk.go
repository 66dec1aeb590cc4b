package web

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"fmt"
	"net/http"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
)

const maxBulk = 100000 // records one bulk action takes

// bulk does something with the selected records of a list, or runs the action
// the page asked about.
func (p *page) bulk() error {
	p.activate(p.at.params)
	act, err := p.loadAction(p.at)
	if err != nil {
		return err
	}
	form, err := p.posted()
	if err != nil {
		return err
	}
	do := form.Get("_do")
	switch act.Type {
	case "ir.actions.client":
		return p.openClient(act)
	case "ir.actions.server":
		return p.runAsked(act, do)
	case "ir.actions.act_window":
	default:
		return server.Errorf(http.StatusBadRequest, "Nothing can be posted here.")
	}
	p.enter(act)
	p.title = act.Name
	l, err := p.newListing(act, "list")
	if err != nil {
		return err
	}
	if form.Has("_base") {
		return l.postEdit(do)
	}
	if arg, ok := strings.CutPrefix(do, "row:"); ok {
		return l.postRow(arg)
	}
	var done bool
	told, err := p.attempt(func() error {
		var err error
		done, err = l.postFavourite(do)
		return err
	})
	if told != nil {
		p.Session.Tell(server.Note{Kind: "danger", Text: told.Message})
	}
	if err != nil || done || told != nil {
		return cmp.Or(err, p.Redirect(http.StatusSeeOther, p.at.URL()))
	}
	ids, err := l.selected()
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		p.Session.Tell(server.Note{Kind: "warning", Text: "Select records first."})
		return p.Redirect(http.StatusSeeOther, p.at.URL())
	}
	back := p.at.with(selectParam, "")
	if do == "export" {
		return l.export(ids)
	}
	if do == "delete" && form.Get(confirmParam) == "" {
		return p.confirm(fmt.Sprintf("Delete %s of %s? This cannot be undone.", count(len(ids), "record", "records"), act.Name), "Delete", true, back.URL())
	}
	if key, ok := strings.CutPrefix(do, "btn:"); ok {
		if n := findButton(l.view, key); n != nil && n.Attr("confirm") != "" && form.Get(confirmParam) == "" {
			return p.confirm(n.Attr("confirm"), "Go on", false, back.URL())
		}
	}
	var result any
	told, err = p.attempt(func() error {
		var err error
		result, err = l.do(do, ids)
		return err
	})
	if err != nil {
		return err
	}
	if told != nil {
		p.Session.Tell(server.Note{Kind: "danger", Text: told.Message})
		return p.Redirect(http.StatusSeeOther, back.URL())
	}
	return p.follow(result, back)
}

// postRow presses a button of one row.
func (l *listing) postRow(arg string) error {
	p := l.p
	back := p.at.with(selectParam, "")
	if q := rowConfirm(l.view, arg); q != "" && p.form.Get(confirmParam) == "" {
		return p.confirm(q, "Go on", false, back.URL())
	}
	var result any
	told, err := p.attempt(func() error {
		var err error
		result, err = l.pressRow(arg)
		return err
	})
	if err != nil {
		return err
	}
	if told != nil {
		p.Session.Tell(server.Note{Kind: "danger", Text: told.Message})
		return p.Redirect(http.StatusSeeOther, back.URL())
	}
	return p.follow(result, back)
}

func (p *page) runAsked(act *action, do string) error {
	if do != "run" {
		return server.Errorf(http.StatusBadRequest, "Nothing can be posted here.")
	}
	var result any
	told, err := p.attempt(func() error {
		var err error
		result, err = p.runServer(act.ID, "", nil)
		return err
	})
	if err != nil {
		return err
	}
	back, ok := p.at.parent()
	if !ok {
		back = place{}
	}
	if told != nil {
		p.Session.Tell(server.Note{Kind: "danger", Text: told.Message})
		return p.Redirect(http.StatusSeeOther, back.URL())
	}
	return p.follow(result, back)
}

// selected are the records chosen: those ticked, or all that are found.
func (l *listing) selected() ([]int64, error) {
	if l.p.form.Get("all") != "" {
		d, _, _ := l.search.compile(l.q)
		if err := l.sorted(); err != nil {
			return nil, err
		}
		found, err := l.rs.Search(orm.And(l.act.Domain, d), orm.SearchOptions{Limit: maxBulk + 1, Order: l.order})
		if err == nil && found.Len() > maxBulk {
			return nil, orm.UserErrorf("More than %d records are selected; filter the list.", maxBulk)
		}
		return found.IDs, err
	}
	var ids []int64
	seen := map[int64]bool{}
	for _, s := range l.p.form["id"] {
		if id := toID(s); id > 0 && !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// do carries out a bulk action.
func (l *listing) do(what string, ids []int64) (any, error) {
	p, rs := l.p, l.rs.Browse(ids...)
	note := func(kind, verb string) {
		p.Session.Tell(server.Note{Kind: kind, Text: count(len(ids), "record", "records") + " " + verb + "."})
	}
	switch what {
	case "delete":
		err := rs.Unlink()
		if err == nil {
			note("success", "deleted")
		}
		return nil, err
	case "archive", "unarchive":
		err := rs.Write(orm.Values{"active": what == "unarchive"})
		if err == nil {
			note("success", what+"d")
		}
		return nil, err
	}
	kind, id, _ := strings.Cut(what, ":")
	switch kind {
	case "server":
		return p.runServer(toID(id), l.act.Model, ids)
	case "print":
		rows, err := p.env.Sudo().Model("ir.actions.report").Browse(toID(id)).Read("report_name", "model")
		if err != nil {
			return nil, err
		}
		return map[string]any{"type": "ir.actions.report", "report_name": rows[0]["report_name"], "docids": ids}, nil
	case "window":
		return p.boundWindow(toID(id), l.act.Model, ids)
	case "btn":
		n := findButton(l.view, id)
		if n == nil {
			return nil, orm.UserErrorf("The page is out of date. Load it again.")
		}
		return p.press(n, rs, nil)
	}
	return nil, server.Errorf(http.StatusBadRequest, "There is no bulk action “%s”.", shorten(what, 40))
}

// boundWindow opens a window action for selected records, a wizard mostly.
func (p *page) boundWindow(id int64, model string, ids []int64) (any, error) {
	p.withContext(map[string]any{"active_model": model, "active_ids": ids, "active_id": ids[0]})
	act, err := p.storedAction(fmt.Sprint(id))
	if err != nil {
		return nil, err
	}
	ctx := map[string]any{"active_model": model, "active_ids": ids, "active_id": ids[0]}
	for k, v := range act.Context {
		ctx[k] = v
	}
	d := map[string]any{"type": act.Type, "id": act.ID, "res_model": act.Model, "context": ctx, "view_mode": strings.Join(act.Modes, ",")}
	if act.Dialog {
		d["target"] = "new"
	}
	return d, nil
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// export sends the shown columns of records as CSV, as text people read.
func (l *listing) export(ids []int64) error {
	ok, err := l.p.env.InAnyGroup("base.group_allow_export")
	if err != nil {
		return err
	}
	if !ok {
		return orm.AccessErrorf("You may not export records. An administrator can grant the right “Access to export feature”.")
	}
	out := &listView{}
	l.columns(out)
	recs, err := l.p.read(l.rs.Browse(ids...), l.view, "display_name")
	if err != nil {
		return err
	}
	if err := l.p.names.load(); err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("\ufeff") // so that spreadsheets read UTF-8
	w := csv.NewWriter(&b)
	head := make([]string, len(out.Columns))
	for i, c := range out.Columns {
		head[i] = orm.PlainCell(c.Label)
	}
	if err := w.Write(head); err != nil {
		return err
	}
	for _, r := range recs {
		line := make([]string, len(l.nodes))
		for i, n := range l.nodes {
			line[i] = orm.PlainCell(l.b.exportCell(l.fields[n.Name()], r))
		}
		if err := w.Write(line); err != nil {
			return err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return l.p.sendFile(l.act.Name+".csv", "text/csv; charset=utf-8", b.Bytes(), false)
}

// exportCell is a value for a spreadsheet: plain numbers, ISO dates, names.
func (b *builder) exportCell(f fieldInfo, r *record) string {
	v := r.vals[f.Name]
	switch f.Kind {
	case orm.Many2one:
		return b.names.of(f.Comodel, toID(v))
	case orm.Many2many, orm.One2many:
		ids, _ := v.([]int64)
		parts := make([]string, len(ids))
		for i, id := range ids {
			parts[i] = b.names.of(f.Comodel, id)
		}
		return strings.Join(parts, ", ")
	case orm.Integer, orm.Float, orm.Monetary:
		if v == nil {
			return "0"
		}
		return b.loc.digits(f.Field, v, r.currency(f.Field))
	case orm.DateKind:
		d, _ := v.(orm.Date)
		return d.String()
	case orm.DatetimeKind:
		d, ok := v.(orm.Datetime)
		if !ok || d.IsZero() {
			return ""
		}
		return d.Time().In(b.loc.zone).Format("2006-01-02 15:04:05")
	case orm.BinaryKind:
		return ""
	}
	return b.loc.text(f.Field, v, 0)
}
