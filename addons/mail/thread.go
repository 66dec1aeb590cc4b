package mail

import (
	"slices"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Thread is the mixin mail.thread: a model that embeds it has messages and
// followers, notes its creation, and keeps the history of the fields marked
// `tracking`.
//
// Context keys: tracking_disable switches all of it off, mail_notrack the
// history, mail_create_nolog the note of creation, mail_create_nosubscribe
// that the creator follows.
type Thread struct {
	orm.Mixin           `orm:"mail.thread" label:"Email Thread"`
	MessageIDs          orm.Many[Message]      `orm:"message_ids,inverse=res_id" label:"Messages" domain:"[('message_type', '!=', 'user_notification')]" groups:"base.group_user"`
	MessageFollowerIDs  orm.Many[Follower]     `orm:"message_follower_ids,inverse=res_id" label:"Followers" groups:"base.group_user"`
	MessagePartnerIDs   orm.Many[base.Partner] `orm:"message_partner_ids,store=false" label:"Followers (Partners)" groups:"base.group_user"`
	MessageIsFollower   orm.Deferred[bool]     `orm:"message_is_follower" label:"Is Follower"`
	HasMessage          orm.Deferred[bool]     `orm:"has_message" label:"Has Message"`
	AttachmentCount     orm.Deferred[int]      `orm:"message_attachment_count" label:"Attachment Count" groups:"base.group_user"`
	NeedAction          orm.Deferred[bool]     `orm:"message_needaction" label:"Action Needed"`
	NeedActionCounter   orm.Deferred[int]      `orm:"message_needaction_counter" label:"Number of Actions"`
	HasError            orm.Deferred[bool]     `orm:"message_has_error" label:"Message Delivery error"`
	HasErrorCounter     orm.Deferred[int]      `orm:"message_has_error_counter" label:"Number of errors"`
	WebsiteMessageCount orm.Deferred[int]      `orm:"message_count" label:"Number of Messages"`
}

// Methods of threads that clients call.
var (
	MessagePost        = orm.Method[Thread]{Name: "message_post"}
	MessageNotify      = orm.Method[Thread]{Name: "message_notify"}
	MessageSubscribe   = orm.Method[Thread]{Name: "message_subscribe"}
	MessageUnsubscribe = orm.Method[Thread]{Name: "message_unsubscribe"}
)

func defineThread(r *orm.Registry) {
	t := orm.DefineMixin[Thread](r)
	t.Compute("message_partner_ids", func(env *orm.Env, ts []*Thread) error {
		rs := orm.RecordsOf(env, ts...)
		// SQL: whoever may read a record may know its followers.
		rows, err := orm.Rows[[2]int64](env, orm.SQL("SELECT res_id, partner_id FROM mail_followers WHERE res_model = ? AND res_id = ANY(?) ORDER BY id", rs.Model.Name, rs.IDs).Reads("mail.followers"))
		byID := map[int64][]int64{}
		for _, r := range rows {
			byID[r[0]] = append(byID[r[0]], r[1])
		}
		for i, t := range ts {
			t.MessagePartnerIDs.Set(byID[rs.IDs[i]]...)
		}
		return err
	})
	t.Inverse("message_partner_ids", func(env *orm.Env, ts []*Thread) error {
		for _, t := range ts {
			rs := orm.RecordsOf(env, t)
			// SQL: as above.
			now, err := orm.Rows[int64](env, orm.SQL("SELECT partner_id FROM mail_followers WHERE res_model = ? AND res_id = ?", rs.Model.Name, rs.ID()).Reads("mail.followers"))
			if err != nil {
				return err
			}
			wanted := t.MessagePartnerIDs.IDs()
			gone := slices.DeleteFunc(slices.Clone(now), func(id int64) bool { return slices.Contains(wanted, id) })
			if err := Unsubscribe(rs, gone); err != nil {
				return err
			}
			if err := mayRead(env, "res.partner", wanted); err != nil {
				return err
			}
			if err := Subscribe(rs, wanted); err != nil {
				return err
			}
		}
		return nil
	})
	t.SearchBy("message_partner_ids", func(_ *orm.Env, op string, value any) (orm.Domain, error) {
		return orm.Leaf("message_follower_ids.partner_id", op, value), nil
	})
	t.Compute("message_is_follower", func(env *orm.Env, ts []*Thread) error {
		rs := orm.RecordsOf(env, ts...)
		// SQL: of oneself, whatever one may read of followers.
		mine, err := orm.Rows[int64](env, orm.SQL("SELECT res_id FROM mail_followers WHERE res_model = ? AND partner_id = ? AND res_id = ANY(?)", rs.Model.Name, env.PartnerID(), rs.IDs).Reads("mail.followers"))
		for i, t := range ts {
			t.MessageIsFollower.Set(slices.Contains(mine, rs.IDs[i]))
		}
		return err
	})
	t.SearchBy("message_is_follower", func(env *orm.Env, op string, value any) (orm.Domain, error) {
		if op != "=" && op != "!=" {
			return nil, orm.UserErrorf("“Is Follower” can be searched with = and != only.")
		}
		d := orm.Leaf("message_follower_ids.partner_id", "in", []any{env.PartnerID()})
		if (op == "=") == (value == true) {
			return d, nil
		}
		return orm.Not(d), nil
	})
	// Numbers are of what the user may read: internal notes are not counted for
	// people from outside.
	count := func(fields, model string, about func(orm.Records) (orm.Domain, error), set func(*Thread, int)) {
		t.Compute(fields, func(env *orm.Env, ts []*Thread) error {
			rs := orm.RecordsOf(env, ts...)
			d, err := about(rs)
			if err != nil {
				return err
			}
			n, err := env.Model(model).CountBy("res_id", d)
			for i, t := range ts {
				set(t, n[rs.IDs[i]])
			}
			return err
		})
	}
	messages := func(rs orm.Records) orm.Domain {
		return orm.And(orm.Leaf("model", "=", rs.Model.Name), orm.Leaf("res_id", "in", rs.IDs))
	}
	count("message_attachment_count", "ir.attachment", func(rs orm.Records) (orm.Domain, error) {
		return orm.And(orm.Leaf("res_model", "=", rs.Model.Name), orm.Leaf("res_id", "in", rs.IDs), orm.Leaf("res_field", "=", false)), nil
	}, func(t *Thread, n int) { t.AttachmentCount.Set(n) })
	count("has_message, message_count", "mail.message", func(rs orm.Records) (orm.Domain, error) {
		return orm.And(messages(rs), orm.Leaf("message_type", "!=", "user_notification")), nil
	}, func(t *Thread, n int) {
		t.HasMessage.Set(n > 0)
		t.WebsiteMessageCount.Set(n)
	})
	count("message_needaction, message_needaction_counter", "mail.message", func(rs orm.Records) (orm.Domain, error) {
		return orm.And(messages(rs), orm.Leaf("notified_partner_ids", "in", []int64{rs.Env.PartnerID()})), nil
	}, func(t *Thread, n int) {
		t.NeedAction.Set(n > 0)
		t.NeedActionCounter.Set(n)
	})
	count("message_has_error, message_has_error_counter", "mail.message", func(rs orm.Records) (orm.Domain, error) {
		failed, err := orm.Search[Mail](rs.Env.Sudo(), orm.And(orm.Leaf("state", "=", "exception"), orm.Leaf("mail_message_id", "any", messages(rs))), orm.SearchOptions{})
		var ids []int64
		for _, m := range failed {
			ids = append(ids, m.MessageID.ID)
		}
		return orm.Leaf("id", "in", ids), err
	}, func(t *Thread, n int) {
		t.HasError.Set(n > 0)
		t.HasErrorCounter.Set(n)
	})
	t.OnCreate(createThreads)
	t.OnWrite(trackWrites)
	t.OnUnlink(unlinkThreads)
	orm.Implement(t, MessagePost, postFromClient)
	orm.Implement(t, MessageNotify, notifyFromClient)
	orm.Implement(t, MessageSubscribe, func(env *orm.Env, ts []*Thread, args orm.Args) (any, error) {
		if len(ts) == 0 {
			return true, nil
		}
		rs := orm.RecordsOf(env, ts...)
		partners := args.IDs(0, "partner_ids")
		if err := rs.CheckAccess(orm.OpRead); err != nil {
			return nil, err
		}
		if len(partners) != 1 || partners[0] != env.PartnerID() {
			if err := rs.CheckAccess(orm.OpWrite); err != nil {
				return nil, err
			}
			if err := mayRead(env, "res.partner", partners); err != nil {
				return nil, err
			}
		}
		return true, Subscribe(rs, partners, args.IDs(1, "subtype_ids")...)
	})
	orm.Implement(t, MessageUnsubscribe, func(env *orm.Env, ts []*Thread, args orm.Args) (any, error) {
		if len(ts) == 0 {
			return nil, nil
		}
		rs := orm.RecordsOf(env, ts...)
		partners := args.IDs(0, "partner_ids")
		op := orm.OpWrite
		if len(partners) == 1 && partners[0] == env.PartnerID() {
			op = orm.OpRead
		}
		if err := rs.CheckAccess(op); err != nil {
			return nil, err
		}
		return nil, Unsubscribe(rs, partners)
	})
}

// createThreads lets the creator follow the new records and notes their
// creation, for the whole batch at once.
func createThreads(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		env := rs.Env
		made, err := super(rs.In(env.WithContext(map[string]any{keyTracked: rs.Model.Name})), list)
		made = made.In(env)
		if err != nil || made.Len() == 0 || env.Flag("tracking_disable", false) || env.Flag("install_mode", false) {
			return made, err
		}
		me := env.PartnerID()
		if me != 0 && env.UID() != orm.SuperuserID && !env.Flag("mail_create_nosubscribe", false) {
			if err := Subscribe(made, []int64{me}); err != nil {
				return made, err
			}
		}
		if !env.Flag("mail_create_nolog", false) {
			if err := noteCreation(made); err != nil {
				return made, err
			}
		}
		for i, id := range made.IDs {
			user := list[i].ID("user_id")
			if !list[i].Has("user_id") && env.Key("default_user_id") != nil && made.Model.Fields["user_id"] != nil {
				// What the context says counts as far as it went into the record.
				if user, err = made.Browse(id).In(env.Sudo()).ValueID("user_id"); err != nil {
					return made, err
				}
			}
			if err := followAssigned(made.Browse(id), user); err != nil {
				return made, err
			}
		}
		return made, nil
	}
}

// CreationMessage is the name of the method a model may implement to word the
// notes of creation: it gives a []string, one text for each record.
const CreationMessage = "_creation_message"

// noteCreation notes on new records that they were created.
func noteCreation(made orm.Records) error {
	note, err := subtypeID(made.Env, "mail.mt_note")
	if err != nil {
		return err
	}
	var texts []string
	if made.Model.HasMethod(CreationMessage) {
		v, err := made.Do(CreationMessage, orm.Args{})
		if err != nil {
			return err
		}
		texts, _ = v.([]string)
	}
	msgs := make([]orm.Values, made.Len())
	for i, id := range made.IDs {
		words := made.Model.Label + " created"
		if i < len(texts) && texts[i] != "" {
			words = texts[i]
		}
		msgs[i] = orm.Values{"model": made.Model.Name, "res_id": id, "body": fromText(words), "message_type": "notification", "subtype_id": note}
	}
	_, err = made.Env.Sudo().WithoutDefaults().Model("mail.message").Create(msgs...)
	return err
}

// followAssigned lets the user who has been made responsible for records follow
// them, and tells the user so unless it is the one who acts. The responsible
// user is the tracked field user_id.
func followAssigned(rs orm.Records, id int64) error {
	env := rs.Env
	f := rs.Model.Fields["user_id"]
	if id == 0 || f == nil || f.Comodel != "res.users" || !f.Tracking || rs.Len() == 0 || env.Flag("tracking_disable", false) || env.Flag("install_mode", false) {
		return nil
	}
	u, err := orm.Get[base.User](env.Sudo(), id)
	if err != nil || !u.Active {
		return err
	}
	if err := Subscribe(rs, []int64{u.PartnerID.ID}); err != nil {
		return err
	}
	if id == env.UID() || env.Flag("mail_auto_subscribe_no_notify", false) {
		return nil
	}
	names, err := rs.In(env.Sudo()).DisplayNames()
	if err != nil {
		return err
	}
	for _, one := range rs.IDs {
		p := Posting{Type: "user_notification", Partners: []int64{u.PartnerID.ID}, Subject: "You have been assigned to " + names[one],
			Text: "You are now responsible for " + names[one] + " (" + rs.Model.Label + ")."}
		if _, err := Post(rs.Browse(one).In(env.Sudo()), p); err != nil {
			return err
		}
	}
	return nil
}

// unlinkThreads takes messages and followers along with their records.
func unlinkThreads(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		if err := super(rs); err != nil {
			return err
		}
		for model, field := range map[string]string{"mail.message": "model", "mail.followers": "res_model"} {
			found, err := rs.Env.Sudo().Model(model).Search(orm.And(orm.Leaf(field, "=", rs.Model.Name), orm.Leaf("res_id", "in", rs.IDs)), orm.SearchOptions{})
			if err != nil {
				return err
			}
			if err := found.Unlink(); err != nil {
				return err
			}
		}
		return nil
	}
}

type subtypeRef string

func subtypeID(env *orm.Env, xmlid string) (int64, error) {
	return orm.Kept(env, subtypeRef(xmlid), func() (int64, error) {
		rs, err := env.Ref(xmlid)
		if err != nil {
			return 0, err
		}
		if rs.Model.Name != "mail.message.subtype" {
			return 0, orm.ValueErrorf("%s is no subtype of messages but of %s.", xmlid, rs.Model.Name)
		}
		return rs.ID(), nil
	})
}
