package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
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
	do := form.Get("_do")
	if key, ok := strings.CutPrefix(do, "btn:"); ok {
		if n := findButton(f.view, key); n != nil && n.Attr("special") == "cancel" {
			return p.Redirect(http.StatusSeeOther, p.closed(p.at.with(editParam, "")).URL())
		}
	}
	if form.Get("_base") == "" {
		return f.do(do)
	}
	t, err := p.readTyped()
	if err != nil {
		return err
	}
	p.wantTyped(t, f.rs.Model)
	ch, err := p.changesOf(t, f.rs.Model, f.view)
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

// do does something with a record that is only shown.
func (f *recordForm) do(do string) error {
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

func isAction(v any) bool {
	if _, ok := v.(*orm.CallOut); ok {
		return true
	}
	d, ok := exprValue(v).(map[string]any)
	return ok && v != nil && str(d["type"]) != ""
}

// failed shows the record with the message of what went wrong.
func (f *recordForm) failed(err error) error {
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

func statusOf(oe *orm.Error) int {
	switch oe.Code {
	case orm.CodeAccess:
		return http.StatusForbidden
	case orm.CodeMissing:
		return http.StatusNotFound
	}
	return http.StatusUnprocessableEntity
}

// simple are the actions every record has.
func (f *recordForm) simple(do string, back place) (to place, result any, err error) {
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
func (f *recordForm) placeOf(id int64, edit bool) place {
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
func (f *recordForm) save(t *typed, ch *changes, do string) error {
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
			g := *f
			g.rs, g.id = rs, rs.ID()
			_, _, err = g.simple("set:"+set, p.at)
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

// store writes the changes, unless somebody else has changed the record since
// the form was opened.
func (f *recordForm) store(t *typed, ch *changes) (orm.Records, error) {
	p := f.p
	if f.id != 0 && len(ch.vals) > 0 && p.form.Get("_version") != "" && p.form.Get("_force") == "" {
		if err := f.unchanged(); err != nil {
			f.conflict = true
			return f.rs, err
		}
	}
	rs := f.rs
	err := rs.CheckReferences(ch.vals)
	if err != nil {
		return rs, err
	}
	if f.id == 0 {
		if rs, err = f.rs.Create(ch.vals); err != nil {
			return f.rs, err
		}
	} else if len(ch.vals) > 0 {
		if err := rs.Write(ch.vals); err != nil {
			return f.rs, err
		}
	}
	if err := f.uploads(t, rs); err != nil {
		return f.rs, err
	}
	return rs, f.complete(t, rs)
}

// unchanged compares the version of the form with the record's.
func (f *recordForm) unchanged() error {
	rows, err := f.rs.Read("write_date", "write_uid")
	if err != nil {
		return err
	}
	now := version(&record{vals: rows[0]})
	if now == f.p.form.Get("_version") {
		return nil
	}
	who := toID(rows[0]["write_uid"])
	users := f.rs.Model.Fields["write_uid"].Comodel
	f.p.names.add(users, who)
	if err := f.p.names.load(); err != nil {
		return err
	}
	at, _ := rows[0]["write_date"].(orm.Datetime)
	return orm.UserErrorf("%s changed this record at %s, after you opened it. Nothing of yours is stored yet: look at it again, or save all the same.",
		f.p.names.of(users, who), f.p.loc.moment(at))
}

// uploads adds the files chosen for many2many fields of attachments.
func (f *recordForm) uploads(t *typed, rs orm.Records) error {
	for input := range t.base {
		fi := fieldOfInput(rs.Model, input)
		if fi == nil || inLines(input) != "" || fi.Kind != orm.Many2many || fi.Comodel != "ir.attachment" {
			continue
		}
		ids := toIDs(anyList(t.form[input+"~id"]))
		ups := f.p.files(input + "~file")
		if len(ups) == 0 {
			continue
		}
		for _, h := range ups {
			content, err := readUpload(h)
			if err != nil {
				return err
			}
			vals := orm.Values{"name": h.Filename, "raw": content}
			if !rs.Model.Transient {
				vals["res_model"], vals["res_id"] = rs.Model.Name, rs.ID()
			}
			made, err := f.p.env.Model("ir.attachment").Create(vals)
			if err != nil {
				return err
			}
			ids = append(ids, made.ID())
		}
		if err := rs.Write(orm.Values{fi.Name: []orm.Command{orm.SetIDs(ids...)}}); err != nil {
			return err
		}
	}
	return nil
}

// complete checks what the view alone requires.
func (f *recordForm) complete(t *typed, rs orm.Records) error {
	nodes := f.requiring(t)
	if len(nodes) == 0 {
		return nil
	}
	recs, err := f.p.read(rs, f.view)
	if err != nil {
		return err
	}
	lacking, err := f.lacking(nodes, recs[0])
	if err != nil || lacking == nil {
		return err
	}
	var labels []string
	for _, name := range lacking {
		labels = append(labels, rs.Model.Fields[name].Label)
	}
	return &orm.Error{Code: orm.CodeValidation, Fields: lacking, Message: "Fill in: " + strings.Join(labels, ", ") + "."}
}

// needed marks the inputs that a refused form lacks.
func (f *recordForm) needed(t *typed, rec *record) error {
	lacking, err := f.lacking(f.requiring(t), rec)
	for _, name := range lacking {
		if input := inputPrefix + name; t.errors[input] == "" {
			t.errors[input] = f.pointed(t, input, &orm.Error{})
		}
	}
	return err
}

// requiring are the fields on the page that the view may require.
func (f *recordForm) requiring(t *typed) []*view.Node {
	var nodes []*view.Node
	for _, n := range f.view.Fields() {
		if src := n.Attr("required"); src != "" && src != "0" && src != "False" {
			if _, shown := t.base[inputPrefix+n.Name()]; shown {
				nodes = append(nodes, n)
			}
		}
	}
	return nodes
}

// lacking names the fields of a record that the view requires and that are
// empty. Nought is a number, and files are not read here.
func (f *recordForm) lacking(nodes []*view.Node, rec *record) ([]string, error) {
	b, err := f.p.builder()
	if err != nil {
		return nil, err
	}
	vars := rec.scope(b.vars, nil)
	var out []string
	for _, n := range nodes {
		fi := rec.model.Fields[n.Name()]
		if fi == nil || fi.Kind == orm.Boolean || numeric(fi) || fi.Kind == orm.BinaryKind {
			continue
		}
		if b.truth(n.Attr("required"), vars) && !truthy(fieldValue(fi, rec.vals[fi.Name])) && !slices.Contains(out, fi.Name) {
			out = append(out, fi.Name)
		}
	}
	return out, nil
}

// point marks the inputs an error is about.
func (f *recordForm) point(t *typed, ch *changes, oe *orm.Error) {
	for _, name := range oe.Fields {
		hit := false
		if _, shown := t.base[inputPrefix+name]; shown && f.rs.Model.Fields[name] != nil {
			t.errors[inputPrefix+name] = f.pointed(t, inputPrefix+name, oe)
			hit = true
		}
		if hit {
			continue
		}
		for input := range t.base {
			if strings.HasSuffix(input, "."+name) && inLines(input) != "" && slices.Contains(ch.lines[inLines(input)], strings.Split(input, ".")[2]) {
				t.errors[input] = f.pointed(t, input, oe)
			}
		}
	}
}

func (f *recordForm) pointed(t *typed, input string, oe *orm.Error) string {
	if fi := fieldOfInput(f.rs.Model, input); fi != nil && t.value(fi, input) == "" {
		return "This is needed."
	}
	if len(oe.Fields) == 1 {
		return oe.Message
	}
	return "Look at this value."
}

// pressed calls what a button of the form stands for.
func (f *recordForm) pressed(n *view.Node, rs orm.Records) (any, error) {
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

// press calls the method or opens the action of a button on records.
func (p *page) press(n *view.Node, rs orm.Records, vars map[string]any) (any, error) {
	b, err := p.builder()
	if err != nil {
		return nil, err
	}
	if vars == nil {
		vars = b.vars
	}
	keys := map[string]any{"active_model": rs.Model.Name, "active_ids": rs.IDs}
	if rs.Len() > 0 {
		keys["active_id"] = rs.ID()
	}
	ctx := b.dict(n.Attr("context"), vars)
	name := n.Name()
	switch n.Attr("type") {
	case "object":
		env := p.env.WithContext(ctx)
		if p.env.Key("active_id") == nil {
			env = env.WithContext(keys)
		}
		return callMethod(rs.In(env), name)
	case "action":
		for k, v := range ctx {
			keys[k] = v
		}
		p.withContext(keys)
		id, kind, err := p.actionID(name)
		if err != nil {
			return nil, orm.UserErrorf("%s", err.Error())
		}
		return p.pressAction(id, kind, keys, rs)
	case "url":
		return map[string]any{"type": "ir.actions.act_url", "url": n.Attr("url")}, nil
	}
	return nil, nil
}

func (p *page) pressAction(id int64, kind string, keys map[string]any, rs orm.Records) (any, error) {
	switch kind {
	case "ir.actions.server":
		return p.runServer(id, rs.Model.Name, rs.IDs)
	case "ir.actions.report":
		rows, err := p.env.Sudo().Model(kind).Browse(id).Read("report_name")
		if err != nil {
			return nil, err
		}
		return map[string]any{"type": kind, "report_name": rows[0]["report_name"], "docids": rs.IDs}, nil
	}
	act, err := p.storedAction(strconv.FormatInt(id, 10))
	if err != nil {
		return nil, err
	}
	d := map[string]any{"type": kind, "id": id, "res_model": act.Model, "context": keys, "tag": act.Tag, "url": act.URL}
	if act.Dialog {
		d["target"] = "new"
	}
	if len(act.Modes) > 0 && act.Modes[0] == "form" {
		d["view_mode"] = strings.Join(act.Modes, ",")
		if act.ResID != 0 {
			d["res_id"] = act.ResID
		}
	}
	return d, nil
}

// callMethod calls a method by name as a client would. What every record can
// do needs no method of the model.
func callMethod(rs orm.Records, name string) (any, error) {
	if !rs.Model.HasMethod(name) {
		switch name {
		case "action_archive":
			return nil, rs.Write(orm.Values{"active": false})
		case "action_unarchive":
			return nil, rs.Write(orm.Values{"active": true})
		case "unlink":
			return nil, rs.Unlink()
		}
	}
	return rs.Call(name, orm.Args{})
}
