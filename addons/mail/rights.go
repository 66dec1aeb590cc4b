package mail

import (
	netmail "net/mail"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// What users may write into messages is checked on what is stored, since values
// can be spelled in many ways and come from the defaults of the context too. On
// which documents they may write at all is asked by messageAccess.

// editable are the fields of an own message that may be changed afterwards.
var editable = []string{"body", "subject", "attachment_ids", "description"}

// guardMessages vouches for the messages that users create and change by
// themselves, without message_post.
func guardMessages(m *orm.Def[Message]) {
	m.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			return made, checkWritten(made, true)
		}
	})
	m.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			free, err := mayImpersonate(rs.Env)
			if err != nil {
				return err
			}
			if !free {
				for name := range vals {
					if !slices.Contains(editable, name) {
						return orm.AccessErrorf("What may be changed of a message is %s, not %s.", strings.Join(editable, ", "), name)
					}
				}
				if err := forbidTracking(rs, "changed"); err != nil {
					return err
				}
			}
			if err := super(rs, vals); err != nil {
				return err
			}
			return checkWritten(rs, false)
		}
	})
	m.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			if free, err := mayImpersonate(rs.Env); err != nil {
				return err
			} else if !free {
				if err := forbidTracking(rs, "deleted"); err != nil {
					return err
				}
			}
			return super(rs)
		}
	})
}

// mayImpersonate reports whether the work may write messages of others: that of the
// system and of administrators.
func mayImpersonate(env *orm.Env) (bool, error) {
	if env.Superuser() {
		return true, nil
	}
	return env.InAnyGroup("base.group_system")
}

// forbidTracking refuses to touch messages that tell how fields changed.
func forbidTracking(rs orm.Records, what string) error {
	found, err := rs.Env.Sudo().Model("mail.tracking.value").Search(orm.Leaf("mail_message_id", "in", rs.IDs), orm.SearchOptions{Limit: 1})
	if err == nil && found.Len() > 0 {
		err = orm.AccessErrorf("A message that tells of changes of a record cannot be %s.", what)
	}
	return err
}

// checkWritten makes sure that stored messages say nothing in the name of others, and
// lead to nothing their writer may not see. New ones get the time they were
// written and the address of their sender.
func checkWritten(rs orm.Records, fresh bool) error {
	env := rs.Env
	if env.Superuser() || rs.Len() == 0 {
		return nil
	}
	free, err := mayImpersonate(env)
	if err != nil {
		return err
	}
	ms, err := orm.Read[Message](env.Sudo().WithContext(map[string]any{"active_test": false}), rs.IDs, "attachment_ids", "partner_ids")
	if err != nil {
		return err
	}
	for _, m := range ms {
		if err := mayRead(env, "ir.attachment", m.AttachmentIDs.IDs()); err != nil {
			return err
		}
		if err := mayRead(env, "res.partner", m.PartnerIDs.IDs()); err != nil {
			return err
		}
		if err := sameThread(env, m.ParentID.ID, m.Model, m.ResID); err != nil {
			return err
		}
		if fresh {
			if err := complete(env, m, free); err != nil {
				return err
			}
		}
	}
	return nil
}

// complete puts into a new message of a user what is not his to say: the name of
// its document, when it was written and, unless he is free to choose, the address
// it comes from.
func complete(env *orm.Env, m *Message, free bool) error {
	vals := orm.Values{}
	if m.Model != "" && m.ResID != 0 {
		rs, err := env.Lookup(m.Model)
		if err != nil {
			return err
		}
		names, err := rs.Browse(m.ResID).DisplayNames()
		if err != nil {
			return err
		}
		vals["record_name"] = orFalse(names[m.ResID])
	}
	if !free {
		if err := checkAuthor(env, m.AuthorID.ID); err != nil {
			return err
		}
		if !slices.Contains([]string{"comment", "notification"}, m.Type) {
			return orm.AccessErrorf("Messages of the type %s are made by the system.", m.Type)
		}
		if m.MailServerID.IsSet() {
			return orm.AccessErrorf("The mail server of a message is chosen by the system.")
		}
		vals["date"] = orm.DatetimeOf(env.Now())
		for field, address := range map[string]string{"email_from": m.EmailFrom, "reply_to": m.ReplyTo} {
			from, err := sender(env, address)
			if err != nil {
				return err
			}
			vals[field] = from
		}
	}
	if len(vals) == 0 {
		return nil
	}
	return env.Sudo().Model("mail.message").Browse(m.ID).Write(vals)
}

// mayRead refuses records that the user may not read, archived ones included.
func mayRead(env *orm.Env, model string, ids []int64) error {
	if len(ids) == 0 || env.Superuser() {
		return nil
	}
	return env.Model(model).Browse(ids...).CheckAccess(orm.OpRead)
}

// checkAuthor refuses the name of another author than oneself.
func checkAuthor(env *orm.Env, author int64) error {
	if author == env.PartnerID() && author != 0 {
		return nil
	}
	free, err := mayImpersonate(env)
	if err == nil && !free {
		err = orm.AccessErrorf("You may not post in the name of somebody else.")
	}
	return err
}

// sameThread refuses an answer to a message of another document.
func sameThread(env *orm.Env, parent int64, model string, id int64) error {
	if parent == 0 || env.Superuser() {
		return nil
	}
	if err := mayRead(env, "mail.message", []int64{parent}); err != nil {
		return err
	}
	p, err := orm.Get[Message](env.Sudo(), parent)
	if err == nil && (p.Model != model || p.ResID != id) {
		err = orm.AccessErrorf("The message that is answered to belongs to another document.")
	}
	return err
}

// sender is the address a user's message goes out under, given the one that was
// asked for: his own or that of one of his companies, with the name that belongs
// to it. Administrators choose freely.
func sender(env *orm.Env, asked string) (any, error) {
	asked = oneLine(asked)
	if asked == "" {
		return false, nil
	}
	free, err := mayImpersonate(env)
	if err != nil || free {
		return asked, err
	}
	if a, err := netmail.ParseAddress(asked); err == nil {
		own, err := orm.Get[base.Partner](env.Sudo(), env.PartnerID())
		if err != nil {
			return nil, err
		}
		address := strings.ToLower(a.Address)
		if address == base.NormalizeEmail(own.Email) {
			return authorEmail(env, own.ID)
		}
		companies, err := orm.Read[base.Company](env.Sudo(), env.Companies())
		if err != nil {
			return nil, err
		}
		for _, c := range companies {
			if address == base.NormalizeEmail(c.Email) {
				return base.FormatEmail(c.Name, c.Email), nil
			}
		}
	}
	return nil, orm.AccessErrorf("You may send under your own address and that of your company, not under another one.")
}

// oneLine is a text as it may stand in the header of a mail: on one line and
// without control characters.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}
