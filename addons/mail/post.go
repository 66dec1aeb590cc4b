package mail

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Posting is a message about to be posted on a record.
type Posting struct {
	Body     string // HTML; use Text for plain text
	Text     string // plain text, in place of Body
	Subject  string
	Type     string // message_type, "notification" when empty
	Subtype  string // external id, mail.mt_note when empty
	Partners []int64
	// Attachments are files uploaded already, Files are contents by name.
	Attachments []int64
	Files       []File
	Parent      int64
	Author      int64  // partner; the user's when 0
	EmailFrom   string // the author's when empty
	ActivityTyp int64
	Tracking    []orm.Values // tracking values
}

// File is a file that goes with a message.
type File struct {
	Name    string
	Content []byte
}

// Post writes a message on one record, and queues mail to those who should get
// it: the given partners, and for other than internal subtypes the followers.
// It returns the id of the message.
func Post(rs orm.Records, p Posting) (int64, error) {
	if err := rs.One(); err != nil {
		return 0, err
	}
	if p.Subtype == "" {
		p.Subtype = "mail.mt_note"
	}
	subtype, err := subtypeID(rs.Env, p.Subtype)
	if err != nil {
		return 0, err
	}
	return post(rs, p, subtype)
}

func post(rs orm.Records, p Posting, subtype int64) (int64, error) {
	env := rs.Env
	if err := mayPost(rs, &p); err != nil {
		return 0, err
	}
	if p.Type == "" {
		p.Type = "notification"
	}
	if p.Text != "" {
		p.Body = fromText(p.Text)
	}
	author := p.Author
	if author == 0 {
		author = env.PartnerID()
	}
	from := p.EmailFrom
	if from == "" {
		v, err := authorEmail(env, author)
		if err != nil {
			return 0, err
		}
		from = text(v)
	}
	s, err := orm.Get[Subtype](env.Sudo(), subtype)
	if err != nil {
		return 0, err
	}
	files, err := postFiles(rs, p)
	if err != nil {
		return 0, err
	}
	vals := orm.Values{"model": rs.Model.Name, "res_id": rs.ID(), "body": p.Body, "message_type": p.Type, "subtype_id": subtype,
		"author_id": nonzero(author), "email_from": orFalse(from), "subject": orFalse(p.Subject), "parent_id": nonzero(p.Parent),
		"partner_ids": []orm.Command{orm.SetIDs(p.Partners...)}, "attachment_ids": []orm.Command{orm.SetIDs(files...)},
		"mail_activity_type_id": nonzero(p.ActivityTyp)}
	made, err := env.Sudo().WithoutDefaults().Model("mail.message").Create(vals)
	if err != nil {
		return 0, err
	}
	for _, t := range p.Tracking {
		t["mail_message_id"] = made.ID()
	}
	if len(p.Tracking) > 0 {
		if _, err := env.Sudo().WithoutDefaults().Model("mail.tracking.value").Create(p.Tracking...); err != nil {
			return 0, err
		}
	}
	if author != 0 && author == env.PartnerID() && p.Type == "comment" && !env.Flag("mail_post_autofollow_author_skip", false) {
		if err := Subscribe(rs, []int64{author}); err != nil {
			return 0, err
		}
	}
	return made.ID(), notify(rs, made.ID(), s, p, author)
}

// mayPost refuses a message on a record the user may not post on, in another
// name, to partners or with files he may not read, or in answer to a message of
// another record.
func mayPost(rs orm.Records, p *Posting) error {
	env := rs.Env
	if env.Superuser() {
		return nil
	}
	if err := rs.CheckAccess(rs.Model.PostRight); err != nil {
		return err
	}
	if p.Author != 0 {
		if err := checkAuthor(env, p.Author); err != nil {
			return err
		}
	}
	from, err := sender(env, p.EmailFrom)
	if err != nil {
		return err
	}
	p.EmailFrom = text(from)
	if err := mayRead(env, "res.partner", p.Partners); err != nil {
		return err
	}
	if err := mayRead(env, "ir.attachment", p.Attachments); err != nil {
		return err
	}
	return sameThread(env, p.Parent, rs.Model.Name, rs.ID())
}

func orFalse(s string) any {
	if s == "" {
		return false
	}
	return s
}

// postFiles hangs the files of a message on its record: those uploaded for it,
// which belong to no record yet, and new ones.
func postFiles(rs orm.Records, p Posting) ([]int64, error) {
	env := rs.Env
	files := slices.Clone(p.Attachments)
	if len(files) > 0 {
		rows, err := env.Sudo().Model("ir.attachment").Browse(files...).Read("res_model", "res_id", "create_uid")
		if err != nil {
			return nil, err
		}
		var move []int64
		for _, a := range rows {
			loose := text(a["res_model"]) == "" || number(a["res_id"]) == 0
			if loose && (number(a["create_uid"]) == env.UID() || env.Superuser()) {
				move = append(move, number(a["id"]))
			}
		}
		if err := base.LinkAttachments(env, move, rs.Model.Name, rs.ID()); err != nil {
			return nil, err
		}
	}
	for _, f := range p.Files {
		made, err := env.Sudo().WithoutDefaults().Model("ir.attachment").Create(orm.Values{"name": oneLine(f.Name), "raw": f.Content, "res_model": rs.Model.Name, "res_id": rs.ID()})
		if err != nil {
			return nil, err
		}
		files = append(files, made.ID())
	}
	return files, nil
}

// notify queues the mail of a message. Notes and other internal messages go to
// the partners named only. The mail is the user's, who must be allowed to read
// its files when it is sent; one that the program posts by itself is the system's.
func notify(rs orm.Records, message int64, s *Subtype, p Posting, author int64) error {
	env := rs.Env.Sudo().WithoutDefaults()
	if rs.Env.Superuser() {
		env = env.WithUser(orm.SuperuserID)
	}
	to := slices.Clone(p.Partners)
	if !s.Internal && p.Type != "notification" {
		followers, err := followersOf(env, rs.Model.Name, rs.ID(), s.ID)
		if err != nil {
			return err
		}
		for _, id := range followers {
			if !slices.Contains(to, id) {
				to = append(to, id)
			}
		}
	}
	to = slices.DeleteFunc(to, func(id int64) bool { return id == author })
	if len(to) == 0 {
		return nil
	}
	ps, err := orm.Read[base.Partner](env, to)
	if err != nil {
		return err
	}
	var send []int64
	for _, p := range ps {
		if p.EmailNormalized != "" {
			send = append(send, p.ID)
		}
	}
	if err := env.Model("mail.message").Browse(message).Write(orm.Values{"notified_partner_ids": []orm.Command{orm.SetIDs(to...)}}); err != nil {
		return err
	}
	if len(send) == 0 {
		return nil
	}
	m, err := orm.Get[Message](env, message)
	if err != nil {
		return err
	}
	vals := orm.Values{"mail_message_id": message, "body_html": m.Body, "is_notification": true, "state": MailOutgoing, "recipient_ids": []orm.Command{orm.SetIDs(send...)}}
	if m.Subject == "" {
		vals["subject"] = "Re: " + m.RecordName
	}
	_, err = env.Model("mail.mail").Create(vals)
	return err
}

// postFromClient is message_post as Odoo's clients call it. It answers a list with
// the message.
func postFromClient(env *orm.Env, ts []*Thread, args orm.Args) (any, error) {
	if len(ts) != 1 {
		return nil, orm.ValueErrorf("A message is posted on one record, not on %d.", len(ts))
	}
	known := []string{"body", "subject", "message_type", "email_from", "author_id", "parent_id", "subtype_xmlid", "subtype_id",
		"partner_ids", "attachments", "attachment_ids", "body_is_html", "email_layout_xmlid", "email_add_signature", "outgoing_email_to"}
	for k := range args.Kw {
		if !slices.Contains(known, k) {
			return nil, orm.ValueErrorf("Those values are not supported when posting or notifying: %s", k)
		}
	}
	p := Posting{Subject: args.String(-1, "subject"), Type: args.String(-1, "message_type"), Subtype: args.String(-1, "subtype_xmlid"),
		EmailFrom: args.String(-1, "email_from"), Author: args.Int(-1, "author_id"), Parent: args.Int(-1, "parent_id"),
		Partners: linked(args.Kw["partner_ids"]), Attachments: linked(args.Kw["attachment_ids"])}
	if p.Type != "" && p.Type != "comment" && p.Type != "notification" && p.Type != "user_notification" {
		if free, err := mayImpersonate(env); err != nil {
			return nil, err
		} else if !free {
			return nil, orm.AccessErrorf("Messages of the type %s are made by the system.", p.Type)
		}
	}
	if html, _ := args.Kw["body_is_html"].(bool); html {
		p.Body = args.String(0, "body")
	} else {
		p.Text = args.String(0, "body")
	}
	if p.Type == "user_notification" {
		return nil, orm.ValueErrorf("Use message_notify to notify a user.")
	}
	list, _ := args.Kw["attachments"].([]any)
	for _, one := range list {
		pair, ok := one.([]any)
		if !ok || len(pair) < 2 {
			return nil, orm.ValueErrorf("attachments must be a list of [name, content].")
		}
		p.Files = append(p.Files, File{Name: fmt.Sprint(pair[0]), Content: []byte(fmt.Sprint(pair[1]))})
	}
	rs := orm.RecordsOf(env, ts[0])
	var message int64
	var err error
	if id := args.Int(-1, "subtype_id"); id != 0 {
		message, err = post(rs, p, id)
	} else {
		if p.Subtype != "" && !strings.Contains(p.Subtype, ".") {
			p.Subtype = "mail." + p.Subtype
		}
		message, err = Post(rs, p)
	}
	if err != nil {
		return nil, err
	}
	return []int64{message}, nil
}

// notifyFromClient is message_notify as Odoo's clients call it: a message to
// some partners about a record, which is none of the record's own.
func notifyFromClient(env *orm.Env, ts []*Thread, args orm.Args) (any, error) {
	p := Posting{Subject: args.String(-1, "subject"), Type: "user_notification", Subtype: args.String(-1, "subtype_xmlid"), Partners: linked(args.Kw["partner_ids"]), Attachments: linked(args.Kw["attachment_ids"])}
	if len(p.Partners) == 0 {
		return false, nil
	}
	if html, _ := args.Kw["body_is_html"].(bool); html {
		p.Body = args.String(-1, "body")
	} else {
		p.Text = args.String(-1, "body")
	}
	var ids []int64
	for _, t := range ts {
		id, err := Post(orm.RecordsOf(env, t), p)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// linked are the ids in a list of ids or of link and set commands.
func linked(v any) []int64 {
	list, _ := v.([]any)
	var out []int64
	for _, x := range list {
		cmd, ok := x.([]any)
		switch {
		case !ok:
			out = append(out, number(x))
		case len(cmd) >= 2 && number(cmd[0]) == orm.CmdLink:
			out = append(out, number(cmd[1]))
		case len(cmd) >= 3 && number(cmd[0]) == orm.CmdSet:
			out = append(out, linked(cmd[2])...)
		}
	}
	return slices.DeleteFunc(out, func(id int64) bool { return id == 0 })
}
