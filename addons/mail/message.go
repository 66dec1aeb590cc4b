package mail

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Subtype says what a message is about, so that followers can choose.
type Subtype struct {
	orm.Record    `orm:"mail.message.subtype" label:"Message subtypes" order:"sequence, id"`
	Name          string           `orm:"name,required,translate" label:"Message Type"`
	Description   string           `orm:"description,text,translate" label:"Description"`
	Internal      bool             `orm:"internal" label:"Internal Only" help:"Messages with internal subtypes will be visible only by employees, aka members of base_user group"`
	ParentID      orm.Ref[Subtype] `orm:"parent_id" label:"Parent"`
	RelationField string           `orm:"relation_field" label:"Relation field"`
	ResModel      string           `orm:"res_model" label:"Model" help:"Model the subtype applies to. If empty, this subtype applies to all models."`
	Default       bool             `orm:"default,default=true" label:"Default" help:"Activated by default when subscribing."`
	Sequence      int              `orm:"sequence,default=1" label:"Sequence"`
	Hidden        bool             `orm:"hidden" label:"Hidden" help:"Hide the subtype in the follower options"`
	TrackRecips   bool             `orm:"track_recipients" label:"Track Recipients"`
}

// Message is one entry of a conversation.
type Message struct {
	orm.Record     `orm:"mail.message" label:"Message" order:"id desc" rec:"record_name"`
	Subject        string                    `orm:"subject" label:"Subject"`
	Date           orm.Datetime              `orm:"date,default=now" label:"Date"`
	Body           string                    `orm:"body,html" label:"Contents"`
	Description    string                    `orm:"description" label:"Short description"`
	Preview        orm.Deferred[string]      `orm:"preview" label:"Preview"`
	AttachmentIDs  orm.Many[base.Attachment] `orm:"attachment_ids,rel=message_attachment_rel:message_id:attachment_id" label:"Attachments"`
	ParentID       orm.Ref[Message]          `orm:"parent_id,index" label:"Parent Message"`
	ChildIDs       orm.Many[Message]         `orm:"child_ids,inverse=parent_id" label:"Child Messages"`
	Model          string                    `orm:"model,index" label:"Related Document Model"`
	ResID          int64                     `orm:"res_id,many2one_reference,model_field=model,index" label:"Related Document ID"`
	RecordName     string                    `orm:"record_name,system=write" label:"Message Record Name"`
	Type           string                    `orm:"message_type,required,default=comment" selection:"email:Incoming Email,comment:Comment,email_outgoing:Outgoing Email,notification:System notification,auto_comment:Automated Targeted Notification,user_notification:User Specific Notification" label:"Type"`
	SubtypeID      orm.Ref[Subtype]          `orm:"subtype_id,index" label:"Subtype"`
	ActivityTypeID orm.Ref[ActivityType]     `orm:"mail_activity_type_id,index" label:"Mail Activity Type"`
	IsInternal     bool                      `orm:"is_internal" label:"Employee Only"`
	EmailFrom      string                    `orm:"email_from" label:"From"`
	AuthorID       orm.Ref[base.Partner]     `orm:"author_id,index" label:"Author"`
	PartnerIDs     orm.Many[base.Partner]    `orm:"partner_ids,rel=mail_message_res_partner_rel:mail_message_id:res_partner_id" label:"Recipients"`
	NotifiedIDs    orm.Many[base.Partner]    `orm:"notified_partner_ids,system=write,rel=mail_notification_rel:mail_message_id:res_partner_id" label:"Partners with Need Action"`
	StarredIDs     orm.Many[base.Partner]    `orm:"starred_partner_ids,system=write,rel=mail_message_res_partner_starred_rel:mail_message_id:res_partner_id" label:"Favorited By"`
	Starred        orm.Deferred[bool]        `orm:"starred" label:"Starred"`
	TrackingIDs    orm.Many[Tracking]        `orm:"tracking_value_ids,system=write,inverse=mail_message_id" label:"Tracking values" groups:"base.group_system"`
	ReplyTo        string                    `orm:"reply_to" label:"Reply-To"`
	MessageID      string                    `orm:"message_id,index,readonly,nocopy,system=write" label:"Message-Id"`
	MailServerID   orm.Ref[Server]           `orm:"mail_server_id" label:"Outgoing mail server"`
	EmailLayout    string                    `orm:"email_layout_xmlid,nocopy" label:"Layout"`
	Signature      bool                      `orm:"email_add_signature,default=true" label:"Email Add Signature"`
}

func defineSubtypes(r *orm.Registry) { orm.Define[Subtype](r).Kept() }

func defineMessages(r *orm.Registry) {
	m := orm.Define[Message](r)
	m.Default("author_id", func(env *orm.Env) (any, error) { return nonzero(env.PartnerID()), nil })
	m.Default("email_from", func(env *orm.Env) (any, error) { return authorEmail(env, env.PartnerID()) })
	m.Default("message_id", func(env *orm.Env) (any, error) { return newMessageID() })
	m.Compute("preview", func(_ *orm.Env, ms []*Message) error {
		for _, m := range ms {
			m.Preview.Set(shorten(plainText(m.Body), 190))
		}
		return nil
	}, "body")
	m.Compute("starred", func(env *orm.Env, ms []*Message) error {
		for _, m := range ms {
			m.Starred.Set(slices.Contains(m.StarredIDs.IDs(), env.PartnerID()))
		}
		return nil
	}, "starred_partner_ids")
	m.OnAccess(messageAccess)
	guardMessages(m)
	m.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			for i, vals := range list {
				list[i] = vals.Clone()
				if body, ok := vals["body"].(string); ok {
					list[i]["body"] = paragraph(body)
				}
			}
			if rs.Env.Superuser() { // of a user's messages it is done once they are known to be his
				if err := nameRecords(rs.Env, list); err != nil {
					return rs, err
				}
			}
			return super(rs, list)
		}
	})
}

func nonzero(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

func authorEmail(env *orm.Env, partner int64) (any, error) {
	if partner == 0 {
		return nil, nil
	}
	p, err := orm.Get[base.Partner](env.Sudo(), partner)
	if err != nil || p.Email == "" {
		return nil, err
	}
	return base.FormatEmail(p.Name, p.Email), nil
}

func newMessageID() (any, error) {
	raw := make([]byte, 16)
	if _, err := rand.Read(raw); err != nil {
		return nil, err
	}
	return "<" + hex.EncodeToString(raw) + "@fusion.local>", nil
}

// nameRecords notes on messages what their records are called now.
func nameRecords(env *orm.Env, list []orm.Values) error {
	byModel := map[string][]orm.Values{}
	for _, vals := range list {
		if model := text(vals["model"]); model != "" && number(vals["res_id"]) != 0 && text(vals["record_name"]) == "" {
			byModel[model] = append(byModel[model], vals)
		}
	}
	for model, msgs := range byModel {
		rs, err := env.Sudo().Lookup(model)
		if err != nil {
			return err
		}
		var ids []int64
		for _, vals := range msgs {
			ids = append(ids, number(vals["res_id"]))
		}
		slices.Sort(ids)
		names, err := rs.Browse(slices.Compact(ids)...).DisplayNames()
		if err != nil {
			return err
		}
		for _, vals := range msgs {
			vals["record_name"] = names[number(vals["res_id"])]
		}
	}
	return nil
}

// messageAccess gives messages to who may read their document, to their author
// and to those they were sent to. People from outside never see what is
// internal. A message is written on a document by who may post on it, in his own
// name; it is changed and deleted by its author, or by an administrator who may
// change the document.
func messageAccess(super orm.AccessFunc) orm.AccessFunc {
	return func(rs orm.Records, op orm.Op) (orm.Domain, error) {
		rules, err := super(rs, op)
		if err != nil {
			return nil, err
		}
		env := rs.Env
		mine := orm.Domain{[]any{0, "=", 1}}
		if me := env.PartnerID(); me != 0 {
			mine = orm.Leaf("author_id", "=", me)
		}
		document := orm.Document("res_id", op)
		if op == orm.OpCreate {
			document = orm.PostDocument("res_id")
		}
		if op == orm.OpRead {
			d := orm.Or(document, mine)
			if me := env.PartnerID(); me != 0 {
				d = orm.Or(d, orm.Leaf("partner_ids", "in", []int64{me}), orm.Leaf("notified_partner_ids", "in", []int64{me}))
			}
			employee, err := env.InAnyGroup("base.group_user")
			if err != nil || employee {
				return orm.And(rules, d), err
			}
			return orm.And(rules, d, orm.Leaf("is_internal", "=", false), orm.Leaf("subtype_id", "!=", false), orm.Leaf("subtype_id.internal", "=", false)), nil
		}
		private := orm.Or(orm.Leaf("model", "=", false), orm.Leaf("res_id", "in", []any{false, 0}))
		d := orm.And(orm.Or(document, private), mine)
		system, err := env.InAnyGroup("base.group_system")
		if err != nil {
			return nil, err
		}
		if system {
			d = orm.Or(document, orm.And(private, mine))
		}
		return orm.And(rules, d), nil
	}
}

func text(v any) string {
	s, _ := v.(string)
	return strings.TrimSpace(s)
}

func number(v any) int64 {
	switch n := v.(type) {
	case int64:
		return n
	case int:
		return int64(n)
	case float64:
		return int64(n)
	}
	return 0
}
