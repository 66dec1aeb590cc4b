package web

import (
	"fmt"
	"net/http"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/forms"
	"fusionsoft.ca/fusion/framework/web/render"
	"fusionsoft.ca/fusion/framework/web/viewdata"
)

// postRecord does what a form asks for: stores what was typed, presses a
// button, adds a line, or shows the form again with what follows from it.
func (p *page) postRecord() error {
	form, err := p.posted()
	if err != nil {
		return err
	}
	f, err := p.record()
	if err != nil {
		return err
	}
	do := form.Get("_do")
	if key, ok := strings.CutPrefix(do, "btn:"); ok {
		if n := render.FindButton(f.View, key); n != nil && n.Attr("special") == "cancel" {
			return p.Redirect(http.StatusSeeOther, p.closed(p.at.With(address.EditParam, "")).URL())
		}
	}
	if form.Get("_base") == "" {
		return f.do(do)
	}
	sub := p.submission()
	t, err := sub.Posted()
	if err != nil {
		return err
	}
	sub.AskNames(t, f.Records.Model)
	ch, err := sub.Changes(t, f.Records.Model, f.View)
	if err != nil {
		return err
	}
	verb, arg, _ := strings.Cut(do, ":")
	switch verb {
	case "refresh":
		return f.again(t, ch, "")
	case "add":
		if err := f.AddLine(t, ch, arg); err != nil {
			return err
		}
		return f.again(t, ch, "")
	}
	return f.save(t, ch, do)
}

// again shows a typed form once more: with everything typed, what follows from
// it, and what was wrong.
func (f *recordHandler) again(t *render.Posted, ch *forms.Changes, failure string) error {
	rec, hint, err := f.Preview(t, ch)
	if err != nil {
		return err
	}
	if failure == "" {
		f.Hint = hint
	} else if err := f.MarkNeeded(t, rec); err != nil {
		return err
	}
	return f.show(rec, true, t, failure)
}

// do does something with a record that is only shown.
func (f *recordHandler) do(do string) error {
	p, form := f.p, f.p.form
	if f.ID == 0 {
		return server.Errorf(http.StatusBadRequest, "The form could not be read. Load the page again.")
	}
	back := p.at.With(address.EditParam, "")
	key, isButton := strings.CutPrefix(do, "btn:")
	if do == "delete" && form.Get(address.ConfirmParam) == "" {
		names, err := f.Records.DisplayNames()
		if err != nil {
			return err
		}
		return p.confirm(fmt.Sprintf("Delete “%s”? This cannot be undone.", names[f.ID]), "Delete", true, back.URL())
	}
	var n *view.Node
	if isButton {
		if n = render.FindButton(f.View, key); n == nil {
			return f.failed(orm.UserErrorf("The page is out of date. Load it again."))
		}
		if q := n.Attr("confirm"); q != "" && form.Get(address.ConfirmParam) == "" {
			return p.confirm(q, "Go on", false, back.URL())
		}
	}
	line, isLine := strings.CutPrefix(do, "line:")
	if isLine && form.Get(address.ConfirmParam) == "" {
		n, _, _, err := f.LineButton(line)
		if err != nil {
			return f.failed(err)
		}
		if q := n.Attr("confirm"); q != "" {
			return p.confirm(q, "Go on", false, back.URL())
		}
	}
	var result any
	to := back
	told, err := p.Attempt(func() error {
		var err error
		if isLine {
			result, err = f.pressedLine(line)
			return err
		}
		if isButton {
			result, err = f.pressed(n, f.Records)
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
	oe := viewdata.UserError(err)
	if oe == nil {
		return err
	}
	f.p.Status(statusOf(oe))
	rec, rerr := f.p.ReadForm(f.Records, f.View)
	if rerr != nil {
		return rerr
	}
	return f.show(rec, false, nil, oe.Message)
}

// simple are the actions every record has.
func (f *recordHandler) simple(do string, back address.Address) (to address.Address, result any, err error) {
	p := f.p
	verb, arg, _ := strings.Cut(do, ":")
	switch verb {
	case "duplicate":
		made, err := f.Records.Copy(nil)
		if err != nil {
			return back, nil, err
		}
		return f.addressOf(made.ID(), true), nil, nil
	case "archive", "unarchive":
		return back, nil, f.Records.Write(orm.Values{"active": verb == "unarchive"})
	case "delete":
		if err := f.Records.Unlink(); err != nil {
			return back, nil, err
		}
		p.Session.Tell(server.Note{Kind: "success", Text: "Deleted."})
		if up, ok := back.Parent(); ok {
			return up, nil, nil
		}
		return address.Address{Path: strings.TrimSuffix(p.at.Path, "/"+fmt.Sprint(f.ID)), Params: p.at.With(address.ResParam, "").Params}, nil, nil
	case "set":
		name, value, _ := strings.Cut(arg, ":")
		fi := f.Records.Model.Fields[name]
		if fi == nil || fi.Kind != orm.Selection && fi.Kind != orm.Many2one {
			return back, nil, orm.UserErrorf("The page is out of date. Load it again.")
		}
		var v any = value
		if fi.Kind == orm.Many2one {
			v = convert.ID(value)
		}
		vals := orm.Values{name: v}
		if err := f.Records.CheckReferences(vals); err != nil {
			return back, nil, err
		}
		return back, nil, f.Records.Write(vals)
	case "server":
		result, err = p.RunServer(convert.ID(arg), f.Action.Model, f.Records.IDs)
		return back, result, err
	case "window":
		result, err = p.BoundWindow(convert.ID(arg), f.Action.Model, f.Records.IDs)
		return back, result, err
	case "print":
		rows, err := p.env().Sudo().Model("ir.actions.report").Browse(convert.ID(arg)).Read("report_name")
		if err != nil {
			return back, nil, err
		}
		return back, map[string]any{"type": "ir.actions.report", "report_name": rows[0]["report_name"], "docids": f.Records.IDs}, nil
	}
	return back, nil, orm.UserErrorf("There is no action “%s” here.", convert.Shorten(do, 40))
}

// addressOf is the address of a record of the same action.
func (f *recordHandler) addressOf(id int64, edit bool) address.Address {
	p := f.p
	cut := strings.LastIndexByte(p.at.Path, '/')
	pl := p.at.With(address.ResParam, "", address.EditParam, "")
	pl.Path = p.at.Path[:cut+1] + fmt.Sprint(id)
	if edit {
		pl = pl.With(address.EditParam, "1")
	}
	return pl
}

// save stores a typed form and then presses the button it was sent with.
func (f *recordHandler) save(t *render.Posted, ch *forms.Changes, do string) error {
	p := f.p
	if len(t.Errors) > 0 {
		return f.again(t, ch, "Some values could not be read. They are marked below.")
	}
	var n *view.Node
	if key, ok := strings.CutPrefix(do, "btn:"); ok {
		if n = render.FindButton(f.View, key); n == nil {
			return f.again(t, ch, "The page is out of date. Load it again.")
		}
		if q := n.Attr("confirm"); q != "" && p.form.Get(address.ConfirmParam) == "" {
			return p.confirm(q, "Go on", false, p.at.URL())
		}
	}
	rs := f.Records
	var result any
	told, err := p.Attempt(func() error {
		var err error
		if rs, err = f.Store(t, ch); err != nil {
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
			g := *f.Form
			g.Records, g.ID = rs, rs.ID()
			_, _, err = (&recordHandler{&g, p}).simple("set:"+set, p.at)
		}
		return err
	})
	if err != nil {
		return err
	}
	if told != nil {
		p.Status(statusOf(told))
		f.MarkErrors(t, ch, told)
		return f.again(t, ch, told.Message)
	}
	to := f.addressOf(rs.ID(), false)
	if f.ID != 0 {
		to = p.at.With(address.EditParam, "")
	}
	if p.dialog && !isAction(result) {
		return p.Redirect(http.StatusSeeOther, p.closed(to).URL())
	}
	return p.follow(result, to)
}

// pressed calls what a button of the form stands for.
func (f *recordHandler) pressed(n *view.Node, rs orm.Records) (any, error) {
	p := f.p
	if !p.Allowed(n) {
		return nil, orm.AccessErrorf("This button is reserved to certain groups.")
	}
	vars := p.Vars()
	if n.Attr("context") != "" {
		recs, err := p.Read(rs, f.View)
		if err != nil {
			return nil, err
		}
		vars = recs[0].Scope(vars, nil)
	}
	return p.Press(n, rs, vars)
}

// pressedLine presses a button in the lines of a form.
func (f *recordHandler) pressedLine(arg string) (any, error) {
	n, list, rs, err := f.LineButton(arg)
	if err != nil {
		return nil, err
	}
	return f.p.PressLine(n, rs, list)
}

func isAction(v any) bool {
	if _, ok := v.(*orm.CallOut); ok {
		return true
	}
	d, ok := convert.Expr(v).(map[string]any)
	return ok && v != nil && convert.Text(d["type"]) != ""
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
func (p *page) submission() *forms.Submission {
	return &forms.Submission{Reader: p.Reader, Request: p.Request, Form: p.form}
}
