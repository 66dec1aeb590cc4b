package mail

import (
	"fmt"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Template is a mail with places to fill in from a record. See [Render] for
// what may stand in it.
type Template struct {
	orm.Record    `orm:"mail.template" label:"Email Templates" order:"name, id"`
	Name          string                    `orm:"name,required,translate" label:"Name"`
	Description   string                    `orm:"description,text,translate" label:"Template Description"`
	Active        bool                      `orm:"active,default=true" label:"Active"`
	ModelID       orm.Ref[base.IrModel]     `orm:"model_id,ondelete=cascade" label:"Applies to"`
	Model         string                    `orm:"model,related=model_id.model,store,readonly,index" label:"Related Document Model"`
	Subject       string                    `orm:"subject,translate" label:"Subject"`
	EmailFrom     string                    `orm:"email_from" label:"Send From"`
	UseDefaultTo  bool                      `orm:"use_default_to" label:"Default Recipients"`
	EmailTo       string                    `orm:"email_to" label:"To (Emails)"`
	PartnerTo     string                    `orm:"partner_to" label:"To (Partners)"`
	EmailCC       string                    `orm:"email_cc" label:"Cc"`
	ReplyTo       string                    `orm:"reply_to" label:"Reply To"`
	BodyHTML      string                    `orm:"body_html,text,translate" label:"Body"`
	AttachmentIDs orm.Many[base.Attachment] `orm:"attachment_ids,rel=email_template_attachment_rel:email_template_id:attachment_id" label:"Attachments"`
	Lang          string                    `orm:"lang" label:"Language" help:"The language of the mail, as {{ object.lang }}"`
	AutoDelete    bool                      `orm:"auto_delete,default=true" label:"Auto Delete"`
	MailServerID  orm.Ref[Server]           `orm:"mail_server_id" label:"Outgoing Mail Server"`
	ScheduledDate string                    `orm:"scheduled_date" label:"Scheduled Date"`
}

// SendMail is the method that renders a template for a record and queues it.
var SendMail = orm.Method[Template]{Name: "send_mail"}

func defineTemplate(r *orm.Registry) {
	t := orm.Define[Template](r)
	t.Constrain("subject, body_html, email_from, email_to, email_cc, reply_to, partner_to, lang", func(_ *orm.Env, ts []*Template) error {
		for _, t := range ts {
			for field, source := range map[string]string{"subject": t.Subject, "email_from": t.EmailFrom, "email_to": t.EmailTo, "email_cc": t.EmailCC,
				"reply_to": t.ReplyTo, "partner_to": t.PartnerTo, "lang": t.Lang, "body_html": t.BodyHTML} {
				if err := checkTemplate(source); err != nil {
					return &orm.Error{Code: orm.CodeValidation, Fields: []string{field}, Message: fmt.Sprintf("Oops! We couldn't save your template: %v", err)}
				}
			}
		}
		return nil
	})
	t.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			return made, adoptFiles(made)
		}
	})
	t.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := super(rs, vals); err != nil {
				return err
			}
			return adoptFiles(rs)
		}
	})
	orm.Implement(t, SendMail, func(env *orm.Env, ts []*Template, args orm.Args) (any, error) {
		if len(ts) != 1 {
			return nil, orm.ValueErrorf("send_mail takes one template, not %d.", len(ts))
		}
		force, _ := args.Get(1, "force_send").(bool)
		return SendTemplate(env, ts[0].ID, args.Int(0, "res_id"), force)
	})
}

// adoptFiles makes the files that were uploaded for templates those of the
// templates, so that whoever sends one may read them. Others stay where they
// belong, and must be the writer's to read.
func adoptFiles(rs orm.Records) error {
	if rs.Len() == 0 {
		return nil
	}
	ts, err := orm.Read[Template](rs.Env.Sudo(), rs.IDs, "attachment_ids")
	if err != nil {
		return err
	}
	for _, t := range ts {
		var loose []int64
		for _, f := range t.AttachmentIDs.All() {
			if f.ResModel == "" || f.ResID == 0 {
				loose = append(loose, f.ID)
			}
		}
		if err := mayRead(rs.Env, "ir.attachment", t.AttachmentIDs.IDs()); err != nil {
			return err
		}
		if err := base.LinkAttachments(rs.Env, loose, "mail.template", t.ID); err != nil {
			return err
		}
	}
	return nil
}

// SendTemplate renders a template for a record and puts the mail into the
// queue; with now it is sent as soon as the transaction is committed. It
// returns the id of the mail.
func SendTemplate(env *orm.Env, template, record int64, now bool) (int64, error) {
	t, err := orm.Get[Template](env, template)
	if err != nil {
		return 0, err
	}
	if t.Model == "" {
		return 0, orm.UserErrorf("The mail template “%s” applies to no model.", t.Name)
	}
	rs, err := env.Lookup(t.Model)
	if err != nil {
		return 0, err
	}
	rs = rs.Browse(record)
	if err := rs.CheckAccess(orm.OpRead); err != nil {
		return 0, err
	}
	lang, err := Render(rs, t.Lang, asText)
	if err != nil {
		return 0, err
	}
	if lang != "" {
		env = env.WithContext(map[string]any{"lang": lang})
		rs = rs.In(env)
		if t, err = orm.Get[Template](env, template); err != nil {
			return 0, err
		}
	}
	vals, err := renderMail(rs, t)
	if err != nil {
		return 0, err
	}
	made, err := env.Sudo().WithoutDefaults().Model("mail.mail").Create(vals)
	if err != nil {
		return 0, err
	}
	if now {
		sendLater(env, made.IDs)
	}
	return made.ID(), nil
}

func renderMail(rs orm.Records, t *Template) (orm.Values, error) {
	vals := orm.Values{"model": rs.Model.Name, "res_id": rs.ID(), "message_type": "email_outgoing", "auto_delete": t.AutoDelete,
		"mail_server_id": nonzero(t.MailServerID.ID)}
	for field, source := range map[string]string{"subject": t.Subject, "email_to": t.EmailTo, "email_cc": t.EmailCC, "reply_to": t.ReplyTo, "email_from": t.EmailFrom} {
		mode := asAddress
		if field == "subject" {
			mode = asText
		}
		v, err := Render(rs, source, mode)
		if err != nil {
			return nil, fmt.Errorf("template %s, %s: %w", t.Name, field, err)
		}
		if v != "" {
			vals[field] = v
		}
	}
	body, err := Render(rs, t.BodyHTML, asHTML)
	if err != nil {
		return nil, fmt.Errorf("template %s, body: %w", t.Name, err)
	}
	vals["body_html"], vals["body"] = body, body
	list, err := Render(rs, t.PartnerTo, asText)
	if err != nil {
		return nil, err
	}
	partners := idsIn(list)
	if f := rs.Model.Fields["partner_id"]; t.UseDefaultTo && f != nil && f.Comodel == "res.partner" {
		v, err := rs.Value("partner_id")
		if err != nil {
			return nil, err
		}
		if id := number(v); id != 0 {
			partners = append(partners, id)
		}
	} else if t.UseDefaultTo && rs.Model.Name == "res.partner" {
		partners = append(partners, rs.ID())
	}
	if err := mayRead(rs.Env, "res.partner", partners); err != nil {
		return nil, err
	}
	vals["recipient_ids"] = []orm.Command{orm.SetIDs(partners...)}
	if err := orm.Load(rs.Env.Sudo(), []*Template{t}, "attachment_ids"); err != nil {
		return nil, err
	}
	if err := mayRead(rs.Env, "ir.attachment", t.AttachmentIDs.IDs()); err != nil {
		return nil, err
	}
	vals["attachment_ids"] = []orm.Command{orm.SetIDs(t.AttachmentIDs.IDs()...)}
	return vals, nil
}
