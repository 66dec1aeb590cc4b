// Package chatter shows the conversation about a record beside its form, in the
// back office: messages, followers, files and activities.
package chatter

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/route"
	"fusionsoft.ca/fusion/framework/sanitize"

	"github.com/shopspring/decimal"
)

//go:embed chatter.html
var source string

const maxMessages = 40

// conversation is what the template shows.
type conversation struct {
	Page        route.RecordPage
	CanPost     bool
	CanWrite    bool
	Messages    []*message
	More        int
	Followers   []route.Named
	Following   bool
	CanFollow   bool
	Files       []file
	CanUpload   bool // with a message
	CanAttach   bool
	Activities  []*activity
	HasActivity bool
	Types       []orm.NamedID
	Users       []orm.NamedID
	Today       string
}

type message struct {
	ID      int64
	Author  string
	Avatar  route.Avatar
	When    string
	Stamp   string
	Body    template.HTML
	Subject string
	Note    bool
	Changes []change
	Files   []file
}

// change is a tracked change of one field.
type change struct{ Field, Old, New string }

type file struct {
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

// Panel is the panel for the manifest. Forms ask for it by <chatter/>, or by a
// <div class="oe_chatter"> as before Odoo 18.
func Panel() route.Panel {
	t := template.Must(template.New("chatter").Funcs(template.FuncMap{"plural": plural}).Parse(source))
	return route.Panel{
		Class: "oe_chatter",
		Show: func(env *orm.Env, on route.RecordPage) (string, error) {
			if on.Record().Model.Fields["message_ids"] == nil {
				return "", nil
			}
			c, err := read(env, on)
			if err != nil {
				return "", err
			}
			var out strings.Builder
			err = t.Execute(&out, c)
			return out.String(), err
		},
		Posts: map[string]func(*orm.Env, route.RecordPage) error{
			"message":  post,
			"follow":   func(env *orm.Env, on route.RecordPage) error { return follow(env, on, "message_subscribe") },
			"unfollow": func(env *orm.Env, on route.RecordPage) error { return follow(env, on, "message_unsubscribe") },
			"attach":   attach,
			"activity": plan,
		},
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// may reports whether the user may do op on the records.
func may(rs orm.Records, op orm.Op) (bool, error) {
	err := rs.CheckAccess(op)
	if orm.IsCode(err, orm.CodeAccess) {
		return false, nil
	}
	return err == nil, err
}

// about finds what is said, planned or filed about a record, by the names of the
// fields that lead to it.
func about(rs orm.Records, model, id string) orm.Domain {
	return orm.And(orm.Leaf(model, "=", rs.Model.Name), orm.Leaf(id, "=", rs.ID()))
}

// read reads the conversation of a record, as the user.
func read(env *orm.Env, on route.RecordPage) (*conversation, error) {
	rs := on.Record()
	c := &conversation{Page: on}
	var err error
	if c.CanWrite, err = may(rs, orm.OpWrite); err != nil {
		return nil, err
	}
	if c.CanPost, err = may(rs, rs.Model.PostRight); err != nil {
		return nil, err
	}
	msgs, err := env.Model("mail.message").Search(about(rs, "model", "res_id"), orm.SearchOptions{Limit: maxMessages + 1})
	if err != nil {
		return nil, err
	}
	if msgs.Len() > maxMessages {
		total, err := env.Model("mail.message").SearchCount(about(rs, "model", "res_id"), 0)
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
	if err := c.people(env); err != nil {
		return nil, err
	}
	inMessages, err := c.messages(env, msgs.IDs, rows)
	if err != nil {
		return nil, err
	}
	if err := c.attached(env, inMessages); err != nil {
		return nil, err
	}
	return c, c.activities(env)
}

// messages adds messages, and lists which of them have which files.
func (c *conversation) messages(env *orm.Env, ids []int64, rows []orm.Values) (map[int64][]*message, error) {
	note, _, err := env.Sudo().FindRef("mail.mt_note")
	if err != nil {
		return nil, err
	}
	changes, err := c.tracked(env, ids)
	if err != nil {
		return nil, err
	}
	authors, err := c.Page.Named("res.partner", idsOf(rows, "author_id")...)
	if err != nil {
		return nil, err
	}
	inMessages := map[int64][]*message{}
	for _, r := range rows {
		when, _ := r["date"].(orm.Datetime)
		m := &message{ID: r.ID("id"), Author: authors[r.ID("author_id")].Name, When: c.Page.Moment(when), Stamp: when.Time().Format("2006-01-02T15:04:05Z"),
			Body: template.HTML(sanitize.HTML(r.Text("body"))), Subject: r.Text("subject"), Changes: changes[r.ID("id")]}
		if m.Author == "" {
			m.Author = r.Text("email_from")
		}
		if m.Author == "" {
			m.Author = "System"
		}
		m.Avatar = c.Page.Avatar(m.Author)
		m.Note = r.ID("subtype_id") == note.ID() || r["is_internal"] == true
		files, _ := r["attachment_ids"].([]int64)
		for _, id := range files {
			inMessages[id] = append(inMessages[id], m)
		}
		c.Messages = append(c.Messages, m)
	}
	return inMessages, nil
}

// idsOf are the ids in a column, without zeros.
func idsOf(rows []orm.Values, field string) []int64 {
	var ids []int64
	for _, r := range rows {
		if id := r.ID(field); id != 0 {
			ids = append(ids, id)
		}
	}
	return ids
}

// people fills in who follows the record.
func (c *conversation) people(env *orm.Env) error {
	rs := c.Page.Record()
	if c.Page.Field("message_partner_ids") == nil {
		return nil
	}
	rows, err := rs.Read("message_partner_ids", "message_is_follower")
	if err != nil {
		return err
	}
	ids, _ := rows[0]["message_partner_ids"].([]int64)
	named, err := c.Page.Named("res.partner", ids...)
	if err != nil {
		return err
	}
	for _, id := range ids {
		c.Followers = append(c.Followers, named[id])
	}
	c.Following, c.CanFollow = rows[0]["message_is_follower"] == true, rs.Model.HasMethod("message_subscribe") && env.PartnerID() != 0
	return nil
}

// tracked are the changes the messages tell of, those of fields the user may
// see. The rows themselves are for administrators; whoever may read a message
// is told what it says.
func (c *conversation) tracked(env *orm.Env, messages []int64) (map[int64][]change, error) {
	out := map[int64][]change{}
	if len(messages) == 0 {
		return out, nil
	}
	found, err := env.Sudo().Model("mail.tracking.value").Search(orm.Leaf("mail_message_id", "in", messages), orm.SearchOptions{Order: "id"})
	if err != nil || found.Len() == 0 {
		return out, err
	}
	rows, err := found.Read("field_id", "mail_message_id", "currency_id", "old_value_integer", "old_value_float", "old_value_char", "old_value_text", "old_value_datetime",
		"new_value_integer", "new_value_float", "new_value_char", "new_value_text", "new_value_datetime")
	if err != nil {
		return nil, err
	}
	fieldRows, err := env.Sudo().Model("ir.model.fields").Browse(idsOf(rows, "field_id")...).Read("name")
	if err != nil {
		return nil, err
	}
	names := map[int64]string{}
	for _, r := range fieldRows {
		names[r.ID("id")] = r.Text("name")
	}
	for _, r := range rows {
		f := c.Page.Field(names[r.ID("field_id")])
		if f == nil {
			continue
		}
		msg := r.ID("mail_message_id")
		out[msg] = append(out[msg], change{f.Label, c.trackedText(f, r, "old"), c.trackedText(f, r, "new")})
	}
	return out, nil
}

// trackedText is one side of a change; its column depends on the kind.
func (c *conversation) trackedText(f *orm.Field, r orm.Values, side string) string {
	col := func(kind string) any { return r[side+"_value_"+kind] }
	text := func(kind string) string { return r.Text(side + "_value_" + kind) }
	switch f.Kind {
	case orm.Integer:
		return c.Page.Value(f, col("integer"), 0)
	case orm.Boolean:
		return c.Page.Value(f, r.Int(side+"_value_integer") != 0, 0)
	case orm.Float, orm.Monetary:
		v, _ := col("float").(float64)
		return c.Page.Value(f, decimal.NewFromFloat(v), r.ID("currency_id"))
	case orm.Text, orm.HTML:
		return shorten(text("text"), 200)
	case orm.DateKind:
		if d, ok := col("datetime").(orm.Datetime); ok && !d.IsZero() {
			return c.Page.Day(orm.DateOf(d.Time()))
		}
		return ""
	case orm.DatetimeKind:
		if d, ok := col("datetime").(orm.Datetime); ok {
			return c.Page.Moment(d)
		}
		return ""
	}
	return text("char")
}

func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// attached are the files of the record, and those of the messages.
func (c *conversation) attached(env *orm.Env, inMessages map[int64][]*message) error {
	rs, files := c.Page.Record(), env.Model("ir.attachment")
	if can, err := files.HasAccess(orm.OpRead); err != nil || !can {
		return err
	}
	found, err := files.Search(about(rs, "res_model", "res_id"), orm.SearchOptions{Limit: 200})
	if err != nil {
		return err
	}
	rows, err := found.Read("name", "file_size")
	if err != nil {
		return err
	}
	for _, r := range rows {
		n, _ := r["file_size"].(int64)
		f := file{ID: r.ID("id"), Name: r.Text("name"), Size: c.Page.FileSize(n), URL: fmt.Sprintf("/web/content/%d", r.ID("id"))}
		c.Files = append(c.Files, f)
		for _, m := range inMessages[f.ID] {
			m.Files = append(m.Files, f)
		}
	}
	create, err := files.HasAccess(orm.OpCreate)
	c.CanUpload, c.CanAttach = create && c.CanPost, create && c.CanWrite
	return err
}

// activities are what is planned, and what may be.
func (c *conversation) activities(env *orm.Env) error {
	rs, plans := c.Page.Record(), env.Model("mail.activity")
	if rs.Model.Fields["activity_ids"] == nil {
		return nil
	}
	if can, err := plans.HasAccess(orm.OpRead); err != nil || !can {
		return err
	}
	found, err := plans.Search(about(rs, "res_model", "res_id"), orm.SearchOptions{})
	if err != nil {
		return err
	}
	rows, err := found.Read("activity_type_id", "summary", "note", "date_deadline", "user_id", "state")
	if err != nil {
		return err
	}
	types, err := c.Page.Named("mail.activity.type", idsOf(rows, "activity_type_id")...)
	if err != nil {
		return err
	}
	users, err := c.Page.Named("res.users", idsOf(rows, "user_id")...)
	if err != nil {
		return err
	}
	for _, r := range rows {
		due, _ := r["date_deadline"].(orm.Date)
		c.Activities = append(c.Activities, &activity{ID: r.ID("id"), Type: types[r.ID("activity_type_id")].Name, Summary: r.Text("summary"),
			Note: template.HTML(sanitize.HTML(r.Text("note"))), Due: c.Page.Day(due), User: users[r.ID("user_id")].Name, State: r.Text("state")})
	}
	if create, err := plans.HasAccess(orm.OpCreate); err != nil || !create || !c.CanPost {
		return err
	}
	c.HasActivity, c.Today = true, env.Today().String()
	if c.Types, err = choices(env, "mail.activity.type", nil); err != nil {
		return err
	}
	c.Users, err = choices(env, "res.users", orm.Leaf("share", "=", false))
	return err
}

// choices are records that may be chosen from, none when the user may not read them.
func choices(env *orm.Env, model string, d orm.Domain) ([]orm.NamedID, error) {
	rs := env.Model(model)
	if can, err := rs.HasAccess(orm.OpRead); err != nil || !can {
		return nil, err
	}
	found, err := rs.NameSearch("", d, "ilike", 100)
	if orm.CodeOf(err) != "" {
		return nil, nil // a domain over a field the user may not see
	}
	return found, err
}
