package mail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"

	gomail "github.com/wneessen/go-mail"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Mail is a message on its way out.
type Mail struct {
	orm.Record     `orm:"mail.mail" label:"Outgoing Mails" order:"id desc" rec:"subject"`
	MessageID      orm.Ref[Message]       `orm:"mail_message_id,required,index,delegate,ondelete=cascade" label:"Message"`
	BodyHTML       string                 `orm:"body_html,html" label:"Text Contents"`
	References     string                 `orm:"references,text,readonly" label:"References"`
	IsNotification bool                   `orm:"is_notification" label:"Notification Email"`
	EmailTo        string                 `orm:"email_to,text" label:"To"`
	EmailCC        string                 `orm:"email_cc" label:"Cc"`
	RecipientIDs   orm.Many[base.Partner] `orm:"recipient_ids,rel=mail_mail_res_partner_rel:mail_mail_id:res_partner_id" label:"To (Partners)"`
	State          string                 `orm:"state,readonly,nocopy,default=outgoing,index" selection:"outgoing:Outgoing,sent:Sent,received:Received,exception:Delivery Failed,cancel:Cancelled" label:"Status"`
	FailureType    string                 `orm:"failure_type" selection:"unknown:Unknown error,mail_email_invalid:Invalid email address,mail_email_missing:Missing email,mail_from_missing:Missing from address,mail_smtp:Connection failed" label:"Failure type"`
	FailureReason  string                 `orm:"failure_reason,text,readonly,nocopy" label:"Failure Reason"`
	AutoDelete     bool                   `orm:"auto_delete" label:"Auto Delete"`
	ScheduledDate  orm.Datetime           `orm:"scheduled_date" label:"Scheduled Send Date"`
	Subject        string                 `orm:"subject"`
	EmailFrom      string                 `orm:"email_from"`
	ReplyTo        string                 `orm:"reply_to"`
	MessageRef     string                 `orm:"message_id"`
	MailServerID   orm.Ref[Server]        `orm:"mail_server_id"`
}

// Methods of outgoing mail.
var (
	MailSend         = orm.Method[Mail]{Name: "send", Groups: []string{"base.group_system"}}
	MailRetry        = orm.Method[Mail]{Name: "mark_outgoing", Groups: []string{"base.group_system"}}
	MailCancel       = orm.Method[Mail]{Name: "cancel", Groups: []string{"base.group_system"}}
	ProcessEmailSend = orm.ModelMethod[Mail]{Name: "process_email_queue", Groups: []string{"base.group_system"}}
)

const queueBatch = 200

// noServer is the reason shown while there is nowhere to hand mail in.
const noServer = "No outgoing mail server is set up: add one under Settings / Technical / Outgoing Mail Servers. The mail stays in the queue."

func defineMail(r *orm.Registry) {
	m := orm.Define[Mail](r)
	toReadable := func(rs orm.Records) error {
		if rs.Env.Superuser() || rs.Len() == 0 {
			return nil
		}
		ms, err := orm.Read[Mail](rs.Env.Sudo().WithContext(map[string]any{"active_test": false}), rs.IDs, "recipient_ids")
		if err != nil {
			return err
		}
		for _, m := range ms {
			if err := mayRead(rs.Env, "res.partner", m.RecipientIDs.IDs()); err != nil {
				return err
			}
		}
		return nil
	}
	m.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			return made, toReadable(made)
		}
	})
	m.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := super(rs, vals); err != nil {
				return err
			}
			return toReadable(rs)
		}
	})
	orm.OverrideModel(r, base.NotifyAdmin, mailAdmins)
	orm.Implement(m, MailSend, func(env *orm.Env, ms []*Mail, _ orm.Args) (any, error) {
		sendLater(env, orm.IDs(env, ms))
		return true, nil
	})
	orm.Implement(m, MailRetry, func(env *orm.Env, ms []*Mail, _ orm.Args) (any, error) {
		return true, orm.RecordsOf(env, ms...).Write(orm.Values{"state": MailOutgoing, "failure_reason": false, "failure_type": false})
	})
	orm.Implement(m, MailCancel, func(env *orm.Env, ms []*Mail, _ orm.Args) (any, error) {
		return true, orm.RecordsOf(env, ms...).Write(orm.Values{"state": MailCancelled})
	})
	orm.ImplementModel(m, ProcessEmailSend, func(env *orm.Env, _ orm.Args) (any, error) {
		due, err := env.Sudo().Model("mail.mail").Search(orm.And(orm.Leaf("state", "=", "outgoing"),
			orm.Or(orm.Leaf("scheduled_date", "=", false), orm.Leaf("scheduled_date", "<=", orm.DatetimeOf(env.Now())))), orm.SearchOptions{Limit: queueBatch, Order: "id"})
		if err != nil {
			return nil, err
		}
		sendLater(env, due.IDs)
		return true, nil
	})
}

// mailAdmins sends what administrators should know to those who have an address.
func mailAdmins(super orm.Function) orm.Function {
	return func(env *orm.Env, args orm.Args) (any, error) {
		out, err := super(env, args)
		if err != nil {
			return nil, err
		}
		env = env.Sudo()
		group, err := env.Ref("base.group_system")
		if err != nil {
			return nil, err
		}
		admins, err := orm.Search[base.User](env, orm.And(orm.Leaf("all_group_ids", "in", []int64{group.ID()}), orm.Leaf("partner_id.email", "!=", false)),
			orm.SearchOptions{Order: "id"}, "partner_id")
		if err != nil || len(admins) == 0 {
			return out, err
		}
		var to []int64
		for _, a := range admins {
			to = append(to, a.PartnerID.ID)
		}
		_, err = env.Model("mail.mail").Create(orm.Values{"subject": "For the administrators of Fusion", "body_html": fromText(args.String(0, "message")),
			"email_from": admins[0].Email, "recipient_ids": []orm.Command{orm.SetIDs(to...)}, "auto_delete": true})
		return out, err
	}
}

// sendLater sends after the commit: nothing can be taken back from an SMTP
// server, so no mail may leave for work that is rolled back or tried again.
func sendLater(env *orm.Env, ids []int64) {
	db, ctx, log := env.DB(), context.WithoutCancel(env.Context), env.Log()
	env.AfterCommit(func() {
		for _, id := range ids {
			if err := SendOne(ctx, db, id); err != nil {
				log.Error("a mail could not be handled", "mail", id, "error", err.Error())
			}
		}
	})
}

// SendOne sends one outgoing mail between two units of work: the first reads it, the
// second notes what became of it. A mail another process is sending, or that has
// been sent, is left alone. When the program ends between sending and noting, the
// mail is sent again.
func SendOne(ctx context.Context, db *orm.DB, id int64) error {
	_, err := db.Alone(ctx, fmt.Sprintf("mail.mail:%d", id), func() error { return sendAlone(ctx, db, id) })
	return err
}

func sendAlone(ctx context.Context, db *orm.DB, id int64) error {
	var out *outgoingMail
	err := db.Run(ctx, orm.System(), func(env *orm.Env) (err error) {
		out, err = loadOutgoing(env, id)
		return err
	})
	if err != nil || out == nil {
		return err
	}
	failure := out.send(ctx)
	return db.Run(ctx, orm.System(), func(env *orm.Env) error {
		rs, err := env.Model("mail.mail").Browse(id).Exists()
		switch {
		case err != nil:
			return err
		case failure != nil:
			return rs.Write(orm.Values{"state": MailException, "failure_type": "mail_smtp", "failure_reason": failure.Error()})
		case out.autoDelete:
			return rs.Unlink()
		}
		return rs.Write(orm.Values{"state": MailSent, "failure_type": false, "failure_reason": false})
	})
}

// loadOutgoing reads a mail that is to be sent; nil when there is none, or when it cannot
// be sent, which is noted.
func loadOutgoing(env *orm.Env, id int64) (*outgoingMail, error) {
	rs, err := env.Model("mail.mail").Search(orm.And(orm.Leaf("id", "=", id), orm.Leaf("state", "=", "outgoing")), orm.SearchOptions{})
	if err != nil || rs.Len() == 0 {
		return nil, err
	}
	m, err := orm.Get[Mail](env, id, "recipient_ids")
	if err != nil {
		return nil, err
	}
	server, err := serverFor(env, m)
	if err != nil {
		return nil, err
	}
	if server == nil {
		return nil, rs.Write(orm.Values{"failure_reason": noServer})
	}
	out, kind, err := prepare(env, m, server)
	if err != nil {
		return nil, rs.Write(orm.Values{"state": MailException, "failure_type": kind, "failure_reason": err.Error()})
	}
	return out, nil
}

// serverFor is the server a mail asks for, else the first that may send for its
// address; nil when there is none.
func serverFor(env *orm.Env, m *Mail) (*Server, error) {
	if m.MailServerID.IsSet() {
		return orm.Get[Server](env, m.MailServerID.ID)
	}
	servers, err := orm.Search[Server](env, nil, orm.SearchOptions{})
	if err != nil {
		return nil, err
	}
	from := base.NormalizeEmail(m.EmailFrom)
	for _, s := range servers {
		if serverAllows(s.FromFilter, from) {
			return s, nil
		}
	}
	return nil, nil
}

func serverAllows(filter, from string) bool {
	if strings.TrimSpace(filter) == "" {
		return true
	}
	_, domain, _ := strings.Cut(from, "@")
	for _, f := range strings.Split(filter, ",") {
		if f = strings.ToLower(strings.TrimSpace(f)); f == from || f == domain {
			return true
		}
	}
	return false
}

// outgoingMail is a mail that is ready to be handed to a server.
type outgoingMail struct {
	*relay
	msg        *gomail.Msg
	autoDelete bool
}

// prepare makes a mail ready to be sent. The kind of failure is one of those of
// failure_type.
func prepare(env *orm.Env, m *Mail, server *Server) (out *outgoingMail, kind string, err error) {
	if err := mayStillSend(env, m); err != nil {
		return nil, "unknown", err
	}
	msg, kind, err := compose(env, m, server)
	if err != nil {
		return nil, kind, err
	}
	p, err := server.relay(env)
	if err != nil {
		return nil, "mail_smtp", fmt.Errorf("the mail server %s is not set up completely: %w", server.Name, err)
	}
	return &outgoingMail{p, msg, m.AutoDelete}, "", nil
}

// send hands the mail in.
func (h *outgoingMail) send(ctx context.Context) error {
	if err := h.with(ctx, func(ctx context.Context, c *gomail.Client) error { return c.DialAndSendWithContext(ctx, h.msg) }); err != nil {
		return fmt.Errorf("the mail server %s did not take the mail: %w", h.name, err)
	}
	return nil
}

// mayStillSend refuses to send files that whoever wrote the mail may not read by
// now: they may have been hung on another record since.
func mayStillSend(env *orm.Env, m *Mail) error {
	files, err := attached(env, m)
	if err != nil {
		return err
	}
	writer, err := env.Model("mail.mail").Browse(m.ID).Value("create_uid")
	if err != nil {
		return err
	}
	err = mayRead(env.WithUser(number(writer)), "ir.attachment", files)
	if orm.IsCode(err, orm.CodeAccess) || orm.IsCode(err, orm.CodeMissing) {
		return errors.New("the mail has a file that whoever wrote it may not read any more; take the file off or send it yourself")
	}
	return err
}

func attached(env *orm.Env, m *Mail) ([]int64, error) {
	// SQL: the files of a message are sent whether or not they can still be read.
	return orm.Rows[int64](env, orm.SQL("SELECT attachment_id FROM message_attachment_rel WHERE message_id = ?", m.MessageID.ID).Reads("mail.message", "attachment_ids"))
}

func compose(env *orm.Env, m *Mail, server *Server) (*gomail.Msg, string, error) {
	msg := gomail.NewMsg()
	from := oneLine(m.EmailFrom)
	if from == "" {
		from = server.User
	}
	if from == "" {
		return nil, "mail_from_missing", errors.New("the mail has no sender: set the e-mail address of its author")
	}
	if err := msg.From(from); err != nil {
		return nil, "mail_from_missing", fmt.Errorf("the sender %q is not an address: %w", from, err)
	}
	to, err := recipients(m)
	if err != nil {
		return nil, "mail_email_invalid", err
	}
	if len(to) == 0 {
		return nil, "mail_email_missing", errors.New("the mail has no recipient with an address")
	}
	if err := msg.To(to...); err != nil {
		return nil, "mail_email_invalid", err
	}
	if m.EmailCC != "" {
		if err := msg.CcFromString(oneLine(m.EmailCC)); err != nil {
			return nil, "mail_email_invalid", fmt.Errorf("the copy to %q: %w", m.EmailCC, err)
		}
	}
	if m.ReplyTo != "" {
		if err := msg.ReplyTo(oneLine(m.ReplyTo)); err != nil {
			return nil, "mail_email_invalid", err
		}
	}
	if m.MessageRef != "" {
		msg.SetMessageIDWithValue(strings.Trim(oneLine(m.MessageRef), "<>"))
	}
	msg.Subject(oneLine(m.Subject))
	msg.SetDate()
	msg.SetBodyString(gomail.TypeTextPlain, plainText(m.BodyHTML))
	msg.AddAlternativeString(gomail.TypeTextHTML, m.BodyHTML)
	if err := attach(env, m, msg); err != nil {
		return nil, "unknown", err
	}
	return msg, "", nil
}

func recipients(m *Mail) ([]string, error) {
	var out []string
	if m.EmailTo != "" {
		list, err := netmail.ParseAddressList(oneLine(m.EmailTo))
		if err != nil {
			return nil, fmt.Errorf("the recipients %q are not addresses: %w", m.EmailTo, err)
		}
		for _, a := range list {
			out = append(out, a.String())
		}
	}
	for _, p := range m.RecipientIDs.All() {
		if p.EmailNormalized != "" {
			out = append(out, (&netmail.Address{Name: oneLine(p.Name), Address: p.EmailNormalized}).String())
		}
	}
	return out, nil
}

func attach(env *orm.Env, m *Mail, msg *gomail.Msg) error {
	ids, err := attached(env, m)
	if err != nil || len(ids) == 0 {
		return err
	}
	files, err := orm.Read[base.Attachment](env, ids, "raw")
	if err != nil {
		return err
	}
	for _, f := range files {
		if f.FileSize > 0 && len(f.Raw.Get()) == 0 {
			return fmt.Errorf("the file %q is gone from the file store", f.Name)
		}
		if err := msg.AttachReader(oneLine(f.Name), bytes.NewReader(f.Raw.Get()), gomail.WithFileContentType(gomail.ContentType(oneLine(f.Mimetype)))); err != nil {
			return err
		}
	}
	return nil
}
