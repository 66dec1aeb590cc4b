package web

import (
	"fmt"
	"html/template"
	"net/http"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"

	"github.com/shopspring/decimal"
)

// chatter is the conversation about a record.
type chatter struct {
	Post        string // address of the record, actions are below it
	Query       string
	CanPost     bool
	CanWrite    bool
	Messages    []*message
	More        int
	Followers   []tag
	Following   bool
	CanFollow   bool
	Files       []fileLink
	CanUpload   bool // with a message
	CanAttach   bool
	Activities  []*activity
	HasActivity bool
	Types       []choice
	Users       []choice
	Today       string
}

type message struct {
	ID       int64
	Author   string
	Initials string
	Hue      int
	When     string
	Stamp    string
	Body     template.HTML
	Subject  string
	Note     bool
	Changes  []change
	Files    []fileLink
}

// change is a tracked change of one field.
type change struct{ Field, Old, New string }

type fileLink struct {
	ID   int64
	Name string
	Size string
	URL  string
}

type activity struct {
	ID      int64
	Type    string
	Summary string
	Note    template.HTML
	Due     string
	User    string
	State   string
}

const maxMessages = 40

// may reports whether the user may do op on the records.
func may(rs orm.Records, op orm.Op) (bool, error) {
	err := rs.CheckAccess(op)
	if orm.IsCode(err, orm.CodeAccess) {
		return false, nil
	}
	return err == nil, err
}

// chatter reads the conversation of a record, as the user.
func (p *page) chatter(rs orm.Records, b *builder) (*chatter, error) {
	if rs.Model.Fields["message_ids"] == nil {
		return nil, nil
	}
	c := &chatter{Post: strings.TrimSuffix(p.at.path, "/")}
	if q := p.at.URL(); strings.Contains(q, "?") {
		c.Query = q[strings.Index(q, "?"):]
	}
	var err error
	if c.CanWrite, err = may(rs, orm.OpWrite); err != nil {
		return nil, err
	}
	if c.CanPost, err = may(rs, rs.Model.PostRight); err != nil {
		return nil, err
	}
	about := orm.And(orm.Leaf("model", "=", rs.Model.Name), orm.Leaf("res_id", "=", rs.ID()))
	msgs, err := p.env.Model("mail.message").Search(about, orm.SearchOptions{Limit: maxMessages + 1})
	if err != nil {
		return nil, err
	}
	if msgs.Len() > maxMessages {
		total, err := p.env.Model("mail.message").SearchCount(about, 0)
		if err != nil {
			return nil, err
		}
		c.More = total - maxMessages
		msgs = msgs.Browse(msgs.IDs[:maxMessages]...)
	}
	rows, err := msgs.Read("date", "body", "subject", "author_id", "email_from", "subtype_id", "message_type", "attachment_ids", "is_internal")
	if err != nil {
		return nil, err
	}
	if err := p.people(rs, c); err != nil {
		return nil, err
	}
	note, _, err := p.env.Sudo().FindRef("mail.mt_note")
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		p.names.add("res.partner", toID(r["author_id"]))
	}
	changes, err := p.tracked(rs, msgs.IDs, b)
	if err != nil {
		return nil, err
	}
	if err := p.names.load(); err != nil {
		return nil, err
	}
	inMessages := map[int64][]*message{}
	for _, r := range rows {
		when, _ := r["date"].(orm.Datetime)
		m := &message{ID: toID(r["id"]), Author: p.names.of("res.partner", toID(r["author_id"])), When: b.loc.moment(when), Stamp: when.Time().Format("2006-01-02T15:04:05Z"),
			Body: template.HTML(orm.SanitizeHTML(str(r["body"]))), Subject: str(r["subject"]), Changes: changes[toID(r["id"])]}
		if m.Author == "" {
			m.Author = str(r["email_from"])
		}
		if m.Author == "" {
			m.Author = "System"
		}
		m.Initials, m.Hue = (&menu{Name: m.Author}).Initials(), (&menu{Name: m.Author}).Hue()
		m.Note = toID(r["subtype_id"]) == note.ID() || r["is_internal"] == true
		ids, _ := r["attachment_ids"].([]int64)
		for _, id := range ids {
			inMessages[id] = append(inMessages[id], m)
		}
		c.Messages = append(c.Messages, m)
	}
	if err := p.attached(rs, c, inMessages); err != nil {
		return nil, err
	}
	return c, p.activities(rs, c, b)
}

// people fills in who follows the record.
func (p *page) people(rs orm.Records, c *chatter) error {
	known, err := p.fieldsOf(rs.Model.Name)
	if err != nil {
		return err
	}
	if _, ok := known["message_partner_ids"]; !ok {
		return nil
	}
	rows, err := rs.Read("message_partner_ids", "message_is_follower")
	if err != nil {
		return err
	}
	ids, _ := rows[0]["message_partner_ids"].([]int64)
	p.names.add("res.partner", ids...)
	if err := p.names.load(); err != nil {
		return err
	}
	can, err := p.rights("res.partner")
	if err != nil {
		return err
	}
	for _, id := range ids {
		follower := tag{ID: id, Text: p.names.of("res.partner", id)}
		if can.Read && !p.names.shut["res.partner"][id] {
			follower.URL = p.recordURL("res.partner", id)
		}
		c.Followers = append(c.Followers, follower)
	}
	c.Following, c.CanFollow = rows[0]["message_is_follower"] == true, rs.Model.HasMethod("message_subscribe") && p.env.PartnerID() != 0
	return nil
}

// tracked are the changes the messages tell of, those of fields the user may
// see. The rows themselves are for administrators; whoever may read a message
// is told what it says.
func (p *page) tracked(rs orm.Records, messages []int64, b *builder) (map[int64][]change, error) {
	out := map[int64][]change{}
	track, err := p.env.Sudo().Lookup("mail.tracking.value")
	if err != nil || len(messages) == 0 {
		return out, nil
	}
	found, err := track.Search(orm.Leaf("mail_message_id", "in", messages), orm.SearchOptions{Order: "id"})
	if err != nil || found.Len() == 0 {
		return out, err
	}
	rows, err := found.Read("field_id", "mail_message_id", "currency_id", "old_value_integer", "old_value_float", "old_value_char", "old_value_text", "old_value_datetime",
		"new_value_integer", "new_value_float", "new_value_char", "new_value_text", "new_value_datetime")
	if err != nil {
		return nil, err
	}
	var ids []int64
	for _, r := range rows {
		if id := toID(r["field_id"]); id != 0 {
			ids = append(ids, id)
		}
	}
	fieldRows, err := p.env.Sudo().Model("ir.model.fields").Browse(ids...).Read("name")
	if err != nil {
		return nil, err
	}
	names := map[int64]string{}
	for _, r := range fieldRows {
		names[toID(r["id"])] = str(r["name"])
	}
	known, err := p.fieldsOf(rs.Model.Name)
	if err != nil {
		return nil, err
	}
	for _, r := range rows {
		f, ok := known[names[toID(r["field_id"])]]
		if !ok {
			continue
		}
		msg := toID(r["mail_message_id"])
		out[msg] = append(out[msg], change{f.Label, trackedText(b.loc, f.Field, r, "old"), trackedText(b.loc, f.Field, r, "new")})
	}
	return out, nil
}

// trackedText is one side of a change; its column depends on the kind.
func trackedText(l *locale, f *orm.Field, r orm.Values, side string) string {
	col := func(kind string) any { return r[side+"_value_"+kind] }
	switch f.Kind {
	case orm.Integer:
		return l.text(f, col("integer"), 0)
	case orm.Boolean:
		return l.text(f, toID(col("integer")) != 0, 0)
	case orm.Float, orm.Monetary:
		v, _ := col("float").(float64)
		return l.text(f, decimal.NewFromFloat(v), toID(r["currency_id"]))
	case orm.Text, orm.HTML:
		return shorten(str(col("text")), 200)
	case orm.DateKind:
		if d, ok := col("datetime").(orm.Datetime); ok && !d.IsZero() {
			return l.day(orm.DateOf(d.Time()))
		}
		return ""
	case orm.DatetimeKind:
		if d, ok := col("datetime").(orm.Datetime); ok {
			return l.moment(d)
		}
		return ""
	}
	return str(col("char"))
}

// attached are the files of the record, and those of the messages.
func (p *page) attached(rs orm.Records, c *chatter, inMessages map[int64][]*message) error {
	att, err := p.env.Lookup("ir.attachment")
	if err != nil {
		return nil
	}
	can, err := p.rights("ir.attachment")
	if err != nil || !can.Read {
		return err
	}
	found, err := att.Search(orm.And(orm.Leaf("res_model", "=", rs.Model.Name), orm.Leaf("res_id", "=", rs.ID())), orm.SearchOptions{Limit: 200})
	if err != nil {
		return err
	}
	rows, err := found.Read("name", "file_size")
	if err != nil {
		return err
	}
	for _, r := range rows {
		n, _ := r["file_size"].(int64)
		l := fileLink{ID: toID(r["id"]), Name: str(r["name"]), Size: size(n), URL: fmt.Sprintf("/web/content/%d", toID(r["id"]))}
		c.Files = append(c.Files, l)
		for _, m := range inMessages[l.ID] {
			m.Files = append(m.Files, l)
		}
	}
	c.CanUpload = can.Create && c.CanPost
	c.CanAttach = can.Create && c.CanWrite
	return nil
}

func (p *page) activities(rs orm.Records, c *chatter, b *builder) error {
	if rs.Model.Fields["activity_ids"] == nil {
		return nil
	}
	can, err := p.rights("mail.activity")
	if err != nil || !can.Read {
		return err
	}
	found, err := p.env.Model("mail.activity").Search(orm.And(orm.Leaf("res_model", "=", rs.Model.Name), orm.Leaf("res_id", "=", rs.ID())), orm.SearchOptions{})
	if err != nil {
		return err
	}
	rows, err := found.Read("activity_type_id", "summary", "note", "date_deadline", "user_id", "state")
	if err != nil {
		return err
	}
	for _, r := range rows {
		p.names.add("mail.activity.type", toID(r["activity_type_id"]))
		p.names.add("res.users", toID(r["user_id"]))
	}
	if err := p.names.load(); err != nil {
		return err
	}
	for _, r := range rows {
		due, _ := r["date_deadline"].(orm.Date)
		c.Activities = append(c.Activities, &activity{ID: toID(r["id"]), Type: p.names.of("mail.activity.type", toID(r["activity_type_id"])), Summary: str(r["summary"]),
			Note: template.HTML(orm.SanitizeHTML(str(r["note"]))), Due: b.loc.day(due), User: p.names.of("res.users", toID(r["user_id"])), State: str(r["state"])})
	}
	if !can.Create || !c.CanPost {
		return nil
	}
	c.HasActivity, c.Today = true, p.env.Today().String()
	for model, to := range map[string]*[]choice{"mail.activity.type": &c.Types, "res.users": &c.Users} {
		domain := "[]"
		if model == "res.users" {
			domain = `[["share","=",false]]`
		}
		list, err := p.candidates(model, domain, 100)
		if err != nil {
			return err
		}
		for _, n := range list {
			*to = append(*to, choice{fmt.Sprint(n.ID), n.Name})
		}
	}
	return nil
}

// postChatter posts a message or a note, follows, attaches or plans.
func (p *page) postChatter() error {
	at := p.at
	at.path = strings.TrimSuffix(at.path, "/"+p.Var("do"))
	p.activate(p.at.params)
	act, err := p.loadAction(at)
	if err != nil {
		return err
	}
	p.enter(act)
	rs, err := p.env.Lookup(act.Model)
	if err != nil {
		return err
	}
	rs = rs.Browse(toID(p.Var("id")))
	if _, err := p.posted(); err != nil {
		return err
	}
	told, err := p.attempt(func() error { return p.converse(rs, p.Var("do")) })
	if err != nil {
		return err
	}
	if told != nil {
		p.Session.Tell(server.Note{Kind: "danger", Text: told.Message})
	}
	return p.Redirect(http.StatusSeeOther, at.URL()+"#chatter")
}

func (p *page) converse(rs orm.Records, do string) error {
	form := p.form
	switch do {
	case "message":
		files, err := p.storeUploads("file", orm.Values{}) // the message hangs them on its record
		if err != nil {
			return err
		}
		body := strings.TrimSpace(form.Get("body"))
		if body == "" && len(files) == 0 {
			return orm.UserErrorf("Write something first.")
		}
		kw := map[string]any{"body": body, "message_type": "comment", "subtype_xmlid": "mail.mt_note", "attachment_ids": files}
		if form.Get("kind") == "send" {
			kw["subtype_xmlid"] = "mail.mt_comment"
		}
		_, err = rs.Call("message_post", orm.Args{Kw: kw})
		return err
	case "follow", "unfollow":
		method := map[string]string{"follow": "message_subscribe", "unfollow": "message_unsubscribe"}[do]
		_, err := rs.Call(method, orm.Args{Kw: map[string]any{"partner_ids": []any{p.env.PartnerID()}}})
		return err
	case "attach":
		if id := toID(form.Get("remove")); id != 0 {
			return p.env.Model("ir.attachment").Browse(id).Unlink()
		}
		files, err := p.storeUploads("file", orm.Values{"res_model": rs.Model.Name, "res_id": rs.ID()})
		if err == nil && len(files) == 0 {
			return orm.UserErrorf("Choose a file first.")
		}
		return err
	}
	return p.plan(rs)
}

// plan schedules an activity, or finishes or drops one.
func (p *page) plan(rs orm.Records) error {
	form := p.form
	if id := toID(form.Get("done")); id != 0 {
		_, err := p.env.Model("mail.activity").Browse(id).Call("action_feedback", orm.Args{Kw: map[string]any{"feedback": form.Get("feedback")}})
		return err
	}
	if id := toID(form.Get("drop")); id != 0 {
		return p.env.Model("mail.activity").Browse(id).Unlink()
	}
	model, err := p.env.Sudo().Model("ir.model").Search(orm.Leaf("model", "=", rs.Model.Name), orm.SearchOptions{Limit: 1})
	if err != nil {
		return err
	}
	vals := orm.Values{"res_model_id": model.ID(), "res_id": rs.ID(), "summary": form.Get("summary"), "date_deadline": form.Get("due")}
	if id := toID(form.Get("type")); id != 0 {
		vals["activity_type_id"] = id
	}
	if id := toID(form.Get("user")); id != 0 {
		vals["user_id"] = id
	}
	_, err = p.env.Model("mail.activity").Create(vals)
	return err
}

// storeUploads keeps the files of a form as attachments with the given values.
func (p *page) storeUploads(input string, vals orm.Values) ([]any, error) {
	out := []any{}
	for _, h := range p.files(input) {
		content, err := readUpload(h)
		if err != nil {
			return nil, err
		}
		file := vals.Clone()
		file["name"], file["raw"] = h.Filename, content
		made, err := p.env.Model("ir.attachment").Create(file)
		if err != nil {
			return nil, err
		}
		out = append(out, made.ID())
	}
	return out, nil
}
