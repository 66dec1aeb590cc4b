package web

import (
	"fmt"
	"net/http"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/view"
)

// postRecord does what a form asks for: stores what was typed, presses a
// button, adds a line, or shows the form again with what follows from it.
func (p *page) postRecord() error {
	f, err := p.newRecordForm()
	if err != nil {
		return err
	}
	form, err := p.posted()
	if err != nil {
		return err
	}
	if _, err := p.locale(); err != nil {
		return err
	}
	f.recordForm.p.form = form
	do := form.Get("_do")
	if key, ok := strings.CutPrefix(do, "btn:"); ok {
		if n := findButton(f.view, key); n != nil && n.Attr("special") == "cancel" {
			return p.Redirect(http.StatusSeeOther, p.closed(p.at.with(editParam, "")).URL())
		}
	}
	if form.Get("_base") == "" {
		return f.do(do)
	}
	sub := f.recordForm.p
	t, err := sub.readTyped()
	if err != nil {
		return err
	}
	sub.wantTyped(t, f.rs.Model)
	ch, err := sub.changesOf(t, f.rs.Model, f.view)
	if err != nil {
		return err
	}
	verb, arg, _ := strings.Cut(do, ":")
	switch verb {
	case "refresh":
		return f.again(t, ch, "")
	case "add":
		if err := f.addLine(t, ch, arg); err != nil {
			return err
		}
		return f.again(t, ch, "")
	}
	return f.save(t, ch, do)
}

// again shows a typed form once more: with everything typed, what follows from
// it, and what was wrong.
func (f *recordHandler) again(t *typed, ch *changes, failure string) error {
	rec, hint, err := f.follows(t, ch)
	if err != nil {
		return err
	}
	if failure == "" {
		f.hint = hint
	} else if err := f.needed(t, rec); err != nil {
		return err
	}
	return f.show(rec, true, t, failure)
}

// do does something with a record that is only shown.
func (f *recordHandler) do(do string) error {
	p, form := f.p, f.p.form
	if f.id == 0 {
		return server.Errorf(http.StatusBadRequest, "The form could not be read. Load the page again.")
	}
	back := p.at.with(editParam, "")
	key, isButton := strings.CutPrefix(do, "btn:")
	if do == "delete" && form.Get(confirmParam) == "" {
		names, err := f.rs.DisplayNames()
		if err != nil {
			return err
		}
		return p.confirm(fmt.Sprintf("Delete “%s”? This cannot be undone.", names[f.id]), "Delete", true, back.URL())
	}
	var n *view.Node
	if isButton {
		if n = findButton(f.view, key); n == nil {
			return f.failed(orm.UserErrorf("The page is out of date. Load it again."))
		}
		if q := n.Attr("confirm"); q != "" && form.Get(confirmParam) == "" {
			return p.confirm(q, "Go on", false, back.URL())
		}
	}
	line, isLine := strings.CutPrefix(do, "line:")
	if isLine && form.Get(confirmParam) == "" {
		n, _, _, err := f.lineButton(line)
		if err != nil {
			return f.failed(err)
		}
		if q := n.Attr("confirm"); q != "" {
			return p.confirm(q, "Go on", false, back.URL())
		}
	}
	var result any
	to := back
	told, err := p.attempt(func() error {
		var err error
		if isLine {
			result, err = f.pressedLine(line)
			return err
		}
		if isButton {
			result, err = f.pressed(n, f.rs)
			return err
		}
		to, result, err = f.simple(do, back)
		return err
	})
	if err != nil {
		return err
	}
	if told != nil {
		return f.failed(told)
	}
	if isButton && p.dialog && !isAction(result) {
		return p.Redirect(http.StatusSeeOther, p.closed(back).URL())
	}
	return p.follow(result, to)
}

// failed shows the record with the message of what went wrong.
func (f *recordHandler) failed(err error) error {
	oe := asTold(err)
	if oe == nil {
		return err
	}
	f.p.Status(statusOf(oe))
	rec, rerr := f.p.readForm(f.rs, f.view)
	if rerr != nil {
		return rerr
	}
	return f.show(rec, false, nil, oe.Message)
}

// simple are the actions every record has.
func (f *recordHandler) simple(do string, back place) (to place, result any, err error) {
	p := f.p
	verb, arg, _ := strings.Cut(do, ":")
	switch verb {
	case "duplicate":
		made, err := f.rs.Copy(nil)
		if err != nil {
			return back, nil, err
		}
		return f.placeOf(made.ID(), true), nil, nil
	case "archive", "unarchive":
		return back, nil, f.rs.Write(orm.Values{"active": verb == "unarchive"})
	case "delete":
		if err := f.rs.Unlink(); err != nil {
			return back, nil, err
		}
		p.Session.Tell(server.Note{Kind: "success", Text: "Deleted."})
		if up, ok := back.parent(); ok {
			return up, nil, nil
		}
		return place{path: strings.TrimSuffix(p.at.path, "/"+fmt.Sprint(f.id)), params: p.at.with(resParam, "").params}, nil, nil
	case "set":
		name, value, _ := strings.Cut(arg, ":")
		fi := f.rs.Model.Fields[name]
		if fi == nil || fi.Kind != orm.Selection && fi.Kind != orm.Many2one {
			return back, nil, orm.UserErrorf("The page is out of date. Load it again.")
		}
		var v any = value
		if fi.Kind == orm.Many2one {
			v = toID(value)
		}
		vals := orm.Values{name: v}
		if err := f.rs.CheckReferences(vals); err != nil {
			return back, nil, err
		}
		return back, nil, f.rs.Write(vals)
	case "server":
		result, err = p.runServer(toID(arg), f.act.Model, f.rs.IDs)
		return back, result, err
	case "window":
		result, err = p.boundWindow(toID(arg), f.act.Model, f.rs.IDs)
		return back, result, err
	case "print":
		rows, err := p.env.Sudo().Model("ir.actions.report").Browse(toID(arg)).Read("report_name")
		if err != nil {
			return back, nil, err
		}
		return back, map[string]any{"type": "ir.actions.report", "report_name": rows[0]["report_name"], "docids": f.rs.IDs}, nil
	}
	return back, nil, orm.UserErrorf("There is no action “%s” here.", shorten(do, 40))
}

// placeOf is the address of a record of the same action.
func (f *recordHandler) placeOf(id int64, edit bool) place {
	p := f.p
	cut := strings.LastIndexByte(p.at.path, '/')
	pl := p.at.with(resParam, "", editParam, "")
	pl.path = p.at.path[:cut+1] + fmt.Sprint(id)
	if edit {
		pl = pl.with(editParam, "1")
	}
	return pl
}

// save stores a typed form and then presses the button it was sent with.
func (f *recordHandler) save(t *typed, ch *changes, do string) error {
	p := f.p
	if len(t.errors) > 0 {
		return f.again(t, ch, "Some values could not be read. They are marked below.")
	}
	var n *view.Node
	if key, ok := strings.CutPrefix(do, "btn:"); ok {
		if n = findButton(f.view, key); n == nil {
			return f.again(t, ch, "The page is out of date. Load it again.")
		}
		if q := n.Attr("confirm"); q != "" && p.form.Get(confirmParam) == "" {
			return p.confirm(q, "Go on", false, p.at.URL())
		}
	}
	rs := f.rs
	var result any
	told, err := p.attempt(func() error {
		var err error
		if rs, err = f.store(t, ch); err != nil {
			return err
		}
		if n != nil {
			result, err = f.pressed(n, rs)
			return err
		}
		if line, ok := strings.CutPrefix(do, "line:"); ok {
			result, err = f.pressedLine(line)
			return err
		}
		if set, ok := strings.CutPrefix(do, "set:"); ok {
			g := *f.recordForm
			g.rs, g.id = rs, rs.ID()
			_, _, err = (&recordHandler{&g, p}).simple("set:"+set, p.at)
		}
		return err
	})
	if err != nil {
		return err
	}
	if told != nil {
		p.Status(statusOf(told))
		f.point(t, ch, told)
		return f.again(t, ch, told.Message)
	}
	to := f.placeOf(rs.ID(), false)
	if f.id != 0 {
		to = p.at.with(editParam, "")
	}
	if p.dialog && !isAction(result) {
		return p.Redirect(http.StatusSeeOther, p.closed(to).URL())
	}
	return p.follow(result, to)
}

// pressed calls what a button of the form stands for.
func (f *recordHandler) pressed(n *view.Node, rs orm.Records) (any, error) {
	p := f.p
	if !p.nodeAllowed(n) {
		return nil, orm.AccessErrorf("This button is reserved to certain groups.")
	}
	vars := p.vars()
	if n.Attr("context") != "" {
		recs, err := p.read(rs, f.view)
		if err != nil {
			return nil, err
		}
		vars = recs[0].scope(vars, nil)
	}
	return p.press(n, rs, vars)
}

// pressedLine presses a button in the lines of a form.
func (f *recordHandler) pressedLine(arg string) (any, error) {
	n, list, rs, err := f.lineButton(arg)
	if err != nil {
		return nil, err
	}
	return f.p.pressLine(n, rs, list)
}

func isAction(v any) bool {
	if _, ok := v.(*orm.CallOut); ok {
		return true
	}
	d, ok := exprValue(v).(map[string]any)
	return ok && v != nil && str(d["type"]) != ""
}

func statusOf(oe *orm.Error) int {
	switch oe.Code {
	case orm.CodeAccess:
		return http.StatusForbidden
	case orm.CodeMissing:
		return http.StatusNotFound
	}
	return http.StatusUnprocessableEntity
}

// submission is the form that was posted, if one was.
func (p *page) submission() *submission {
	return &submission{actions: p.actions, Request: p.Request, form: p.form}
}
