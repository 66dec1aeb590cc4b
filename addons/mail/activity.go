package mail

import (
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// ActivityType is a kind of thing to do: a call, a meeting, a to-do.
type ActivityType struct {
	orm.Record   `orm:"mail.activity.type" label:"Activity Type" order:"sequence, id"`
	Name         string             `orm:"name,required,translate" label:"Name"`
	Summary      string             `orm:"summary,translate" label:"Default Summary"`
	Sequence     int                `orm:"sequence,default=10" label:"Sequence"`
	Active       bool               `orm:"active,default=true" label:"Active"`
	DelayCount   int                `orm:"delay_count" label:"Schedule" help:"Number of days/week/month before executing the action. It allows to plan the action deadline."`
	DelayUnit    string             `orm:"delay_unit,required,default=days" selection:"days:days,weeks:weeks,months:months" label:"Delay units"`
	DelayFrom    string             `orm:"delay_from,required,default=previous_activity" selection:"current_date:after completion date,previous_activity:after previous activity deadline" label:"Delay Type"`
	Icon         string             `orm:"icon" label:"Icon"`
	Decoration   string             `orm:"decoration_type" selection:"warning:Alert,danger:Error" label:"Decoration Type"`
	ResModel     string             `orm:"res_model" label:"Model"`
	Category     string             `orm:"category,default=default" selection:"default:None,upload_file:Upload Document,phonecall:Phonecall" label:"Action"`
	DefaultNote  string             `orm:"default_note,html,translate" label:"Default Note"`
	DefaultUser  orm.Ref[base.User] `orm:"default_user_id" label:"Default User"`
	ChainingType string             `orm:"chaining_type,required,default=suggest" selection:"suggest:Suggest Next Activity,trigger:Trigger Next Activity" label:"Chaining Type"`
}

// Activity is something a user is to do about a record by a day.
type Activity struct {
	orm.Record  `orm:"mail.activity" label:"Activity" order:"date_deadline, id" rec:"summary"`
	ResModelID  orm.Ref[base.IrModel] `orm:"res_model_id,required,index,ondelete=cascade" label:"Document Model"`
	ResModel    string                `orm:"res_model,related=res_model_id.model,store,readonly,index" label:"Related Document Model"`
	ResID       int64                 `orm:"res_id,many2one_reference,model_field=res_model,index" label:"Related Document ID"`
	ResName     string                `orm:"res_name,store,readonly" label:"Document Name"`
	TypeID      orm.Ref[ActivityType] `orm:"activity_type_id,index,ondelete=restrict" label:"Activity Type"`
	Category    string                `orm:"activity_category,related=activity_type_id.category,readonly" label:"Category"`
	Icon        string                `orm:"icon,related=activity_type_id.icon,readonly" label:"Icon"`
	Summary     string                `orm:"summary" label:"Summary"`
	Note        string                `orm:"note,html" label:"Note"`
	Deadline    orm.Date              `orm:"date_deadline,required,index,default=today" label:"Due Date"`
	Automated   bool                  `orm:"automated,readonly" label:"Automated activity"`
	UserID      orm.Ref[base.User]    `orm:"user_id,required,index,default=uid" label:"Assigned to"`
	State       orm.Deferred[string]  `orm:"state" selection:"overdue:Overdue,today:Today,planned:Planned,done:Done" label:"State"`
	Active      bool                  `orm:"active,default=true" label:"Active"`
	CanWrite    orm.Deferred[bool]    `orm:"can_write" label:"Can Write"`
	DisplayName orm.Deferred[string]  `orm:"display_name"`
}

// Methods of activities that clients call.
var (
	ActionFeedback = orm.Method[Activity]{Name: "action_feedback"}
	ActionDone     = orm.Method[Activity]{Name: "action_done"}
)

func defineActivities(r *orm.Registry) {
	orm.Define[ActivityType](r)
	a := orm.Define[Activity](r)
	a.Default("activity_type_id", func(env *orm.Env) (any, error) {
		t, ok, err := env.FindRef("mail.mail_activity_data_todo")
		if err != nil || !ok {
			return nil, err
		}
		return t.ID(), nil
	})
	a.Default("res_model_id", func(env *orm.Env) (any, error) {
		name := text(env.Key("default_res_model"))
		if name == "" {
			return nil, nil
		}
		m, err := env.Sudo().Model("ir.model").Search(orm.Leaf("model", "=", name), orm.SearchOptions{Limit: 1})
		if err != nil || m.Len() == 0 {
			return nil, err
		}
		return m.ID(), nil
	})
	a.Compute("res_name", func(env *orm.Env, as []*Activity) error {
		for _, a := range as {
			a.ResName = ""
			if a.ResModel == "" || a.ResID == 0 {
				continue
			}
			rs, err := env.Sudo().Lookup(a.ResModel)
			if err != nil {
				return err
			}
			if a.ID < 0 { // new, and nobody has made sure that the user may see the document
				rs = rs.In(env.NoSudo())
			}
			names, err := rs.Browse(a.ResID).DisplayNames()
			if a.ID < 0 && (orm.IsCode(err, orm.CodeAccess) || orm.IsCode(err, orm.CodeMissing)) {
				continue
			}
			if err != nil {
				return err
			}
			a.ResName = names[a.ResID]
		}
		return nil
	}, "res_model", "res_id")
	a.Compute("state", func(env *orm.Env, as []*Activity) error {
		for _, a := range as {
			a.State.Set(deadlineState(a.Deadline, env.Today()))
			if !a.Active {
				a.State.Set(ActivityDone)
			}
		}
		return nil
	}, "active", "date_deadline")
	a.Compute("can_write", func(env *orm.Env, as []*Activity) error {
		for _, a := range as {
			rs, err := env.Lookup(a.ResModel)
			a.CanWrite.Set(err == nil && rs.Browse(a.ResID).CheckAccess(orm.OpWrite) == nil)
		}
		return nil
	}, "res_model", "res_id")
	a.Compute("display_name", func(_ *orm.Env, as []*Activity) error {
		for _, a := range as {
			a.DisplayName.Set(a.Summary)
			if a.DisplayName.Get() == "" && a.TypeID.IsSet() {
				a.DisplayName.Set(a.TypeID.Rec().Name)
			}
		}
		return nil
	}, "summary", "activity_type_id.name")
	a.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			as, err := orm.Read[Activity](rs.Env.Sudo(), made.IDs, "user_id")
			if err != nil {
				return made, err
			}
			for _, a := range as {
				if a.ResID == 0 {
					return made, orm.ValidationErrorf("Activities have to be linked to records with a not null res_id.")
				}
				target, err := rs.Env.Lookup(a.ResModel)
				if err != nil {
					return made, err
				}
				if err := checkAssignee(rs.Env, a); err != nil {
					return made, err
				}
				if target.Model.Fields["message_follower_ids"] != nil {
					if err := Subscribe(target.Browse(a.ResID), []int64{a.UserID.Rec().PartnerID.ID}); err != nil {
						return made, err
					}
				}
			}
			return made, nil
		}
	})
	a.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := super(rs, vals); err != nil {
				return err
			}
			as, err := orm.Read[Activity](rs.Env.Sudo(), rs.IDs)
			if err != nil {
				return err
			}
			for _, a := range as {
				if err := checkAssignee(rs.Env, a); err != nil {
					return err
				}
			}
			return nil
		}
	})
	a.OnAccess(activityAccess)
	orm.Implement(a, ActionFeedback, func(env *orm.Env, as []*Activity, args orm.Args) (any, error) {
		var last any = false
		for _, act := range as {
			id, err := finish(env, act, args.String(0, "feedback"), linked(args.Get(1, "attachment_ids")))
			if err != nil {
				return nil, err
			}
			last = id
		}
		return last, nil
	})
	orm.Implement(a, ActionDone, func(env *orm.Env, as []*Activity, _ orm.Args) (any, error) {
		return orm.Invoke(env, ActionFeedback, as, "")
	})
}

// checkAssignee refuses to leave an activity to a user who may not read its document.
func checkAssignee(env *orm.Env, a *Activity) error {
	if env.Superuser() || a.UserID.ID == env.UID() {
		return nil
	}
	rs, err := env.WithOnlyContext(nil).WithUser(a.UserID.ID).Lookup(a.ResModel)
	if err != nil {
		return err
	}
	err = rs.Browse(a.ResID).CheckAccess(orm.OpRead)
	if orm.IsCode(err, orm.CodeAccess) {
		return orm.UserErrorf("The user chosen may not read the document, so the activity cannot be left to him.")
	}
	return err
}

func deadlineState(deadline, today orm.Date) string {
	switch {
	case deadline.Before(today):
		return "overdue"
	case deadline == today:
		return "today"
	}
	return "planned"
}

// finish tells the record that an activity is done, and removes the activity.
func finish(env *orm.Env, a *Activity, feedback string, files []int64) (int64, error) {
	if err := orm.RecordsOf(env, a).CheckAccess(orm.OpWrite); err != nil {
		return 0, err
	}
	if err := orm.Load(env.Sudo(), []*Activity{a}, "activity_type_id"); err != nil {
		return 0, err
	}
	rs, err := env.Lookup(a.ResModel)
	if err != nil {
		return 0, err
	}
	target := rs.Browse(a.ResID)
	body := "<p><b>"
	if t := a.TypeID.Rec(); t != nil {
		body += fromText(t.Name)
	} else {
		body += "Activity"
	}
	body += " done</b>"
	if a.Summary != "" {
		body += ": " + fromText(a.Summary)
	}
	body += "</p>"
	if feedback != "" {
		body += "<p>" + fromText(feedback) + "</p>"
	}
	if err := mayRead(env, "ir.attachment", files); err != nil {
		return 0, err
	}
	var id int64
	if target.Model.HasMethod(MessagePost.Name) {
		// Who is to do something about a record may say that it is done, also when
		// he may only read the record.
		if err := target.CheckAccess(orm.OpRead); err != nil {
			return 0, err
		}
		if id, err = Post(target.In(env.Sudo()), Posting{Body: body, Subtype: "mail.mt_activities", ActivityTyp: a.TypeID.ID, Attachments: files}); err != nil {
			return 0, err
		}
	}
	return id, orm.RecordsOf(env.Sudo(), a).Unlink()
}

// activityAccess gives activities to whom they are assigned and to who may read
// their document. They are planned by who may post on it; who may change it may
// also change and drop those of others, which record rules keep to who planned them
// or is to do them.
func activityAccess(super orm.AccessFunc) orm.AccessFunc {
	return func(rs orm.Records, op orm.Op) (orm.Domain, error) {
		rules, err := super(rs, op)
		if err != nil {
			return nil, err
		}
		document, mine := orm.Document("res_id", op), orm.Leaf("user_id", "=", rs.Env.UID())
		switch {
		case op == orm.OpRead:
			return orm.And(rules, orm.Or(mine, document)), nil
		case op == orm.OpCreate: // what has no document is refused with a reason of its own
			return orm.And(rules, orm.Or(orm.PostDocument("res_id"), orm.Leaf("res_id", "in", []any{false, 0}))), nil
		case len(rules) == 0:
			return orm.Or(mine, document), nil
		}
		return orm.Or(rules, document), nil
	}
}

// deadlineOf is when an activity of a type is due that is planned today.
func deadlineOf(t *ActivityType, today orm.Date) orm.Date {
	at := today.Time()
	switch t.DelayUnit {
	case DelayWeeks:
		at = at.AddDate(0, 0, 7*t.DelayCount)
	case DelayMonths:
		at = at.AddDate(0, t.DelayCount, 0)
	default:
		at = at.Add(time.Duration(t.DelayCount) * 24 * time.Hour)
	}
	return orm.DateOf(at)
}
