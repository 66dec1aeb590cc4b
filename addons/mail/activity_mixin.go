package mail

import (
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// ActivityMixin is the mixin mail.activity.mixin: records about which things
// are to be done.
type ActivityMixin struct {
	orm.Mixin        `orm:"mail.activity.mixin" label:"Activity Mixin"`
	ActivityIDs      orm.Many[Activity]                  `orm:"activity_ids,inverse=res_id" label:"Activities" groups:"base.group_user"`
	ActivityState    orm.Deferred[string]                `orm:"activity_state" selection:"overdue:Overdue,today:Today,planned:Planned" label:"Activity State" groups:"base.group_user"`
	ActivityUserID   orm.Deferred[orm.Ref[base.User]]    `orm:"activity_user_id" label:"Responsible User" groups:"base.group_user"`
	ActivityTypeID   orm.Deferred[orm.Ref[ActivityType]] `orm:"activity_type_id" label:"Next Activity Type" groups:"base.group_user"`
	ActivityDeadline orm.Deferred[orm.Date]              `orm:"activity_date_deadline" label:"Next Activity Deadline" groups:"base.group_user"`
	ActivitySummary  orm.Deferred[string]                `orm:"activity_summary" label:"Next Activity Summary" groups:"base.group_user"`
	MyDeadline       orm.Deferred[orm.Date]              `orm:"my_activity_date_deadline" label:"My Activity Deadline" groups:"base.group_user"`
}

// Methods of records with activities that clients call.
var (
	ActivitySchedule = orm.Method[ActivityMixin]{Name: "activity_schedule"}
	ActivityFeedback = orm.Method[ActivityMixin]{Name: "activity_feedback"}
	ActivityUnlink   = orm.Method[ActivityMixin]{Name: "activity_unlink"}
	ActivityMove     = orm.Method[ActivityMixin]{Name: "activity_reschedule"}
)

func defineActivityMixin(r *orm.Registry) {
	m := orm.DefineMixin[ActivityMixin](r)
	m.Compute("activity_state, activity_user_id, activity_type_id, activity_date_deadline, activity_summary, my_activity_date_deadline", nextActivities)
	byActivity := func(field, through string) {
		m.SearchBy(field, func(_ *orm.Env, op string, value any) (orm.Domain, error) {
			return orm.Leaf("activity_ids."+through, op, value), nil
		})
	}
	byActivity("activity_user_id", "user_id")
	byActivity("activity_type_id", "activity_type_id")
	byActivity("activity_date_deadline", "date_deadline")
	byActivity("activity_summary", "summary")
	m.SearchBy("my_activity_date_deadline", func(env *orm.Env, op string, value any) (orm.Domain, error) {
		return orm.Leaf("activity_ids", "any", orm.And(orm.Leaf("user_id", "=", env.UID()), orm.Leaf("date_deadline", op, value))), nil
	})
	m.SearchBy("activity_state", searchActivityState)
	m.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := super(rs, vals); err != nil || vals["active"] != false {
				return err
			}
			found, err := activitiesOf(rs.In(rs.Env.Sudo()), nil) // nothing is left to do about what is archived
			if err != nil {
				return err
			}
			return found.Unlink()
		}
	})
	m.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			if err := super(rs); err != nil {
				return err
			}
			found, err := activitiesOf(rs.In(rs.Env.Sudo().WithContext(map[string]any{"active_test": false})), nil)
			if err != nil {
				return err
			}
			return found.Unlink()
		}
	})
	orm.Implement(m, ActivitySchedule, func(env *orm.Env, recs []*ActivityMixin, args orm.Args) (any, error) {
		xmlid := args.String(0, "act_type_xmlid")
		if xmlid == "" {
			xmlid = "mail.mail_activity_data_todo"
		}
		day := orm.Date{}
		if s := args.String(1, "date_deadline"); s != "" {
			var err error
			if day, err = orm.ParseDate(s); err != nil {
				return nil, orm.UserErrorf("%q is not a date.", s)
			}
		}
		var ids []int64
		for _, rec := range recs {
			id, err := Schedule(orm.RecordsOf(env, rec), xmlid, day, args.String(2, "summary"), args.String(3, "note"), args.Int(-1, "user_id"))
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		return ids, nil
	})
	orm.Implement(m, ActivityFeedback, func(env *orm.Env, recs []*ActivityMixin, args orm.Args) (any, error) {
		found, err := activitiesOf(orm.RecordsOf(env, recs...), args.Get(0, "act_type_xmlids"))
		if err != nil || found.Len() == 0 {
			return err == nil, err
		}
		_, err = found.Do(ActionFeedback.Name, orm.Args{Pos: []any{args.String(2, "feedback")}})
		return true, err
	})
	orm.Implement(m, ActivityMove, func(env *orm.Env, recs []*ActivityMixin, args orm.Args) (any, error) {
		found, err := activitiesOf(orm.RecordsOf(env, recs...), args.Get(0, "act_type_xmlids"))
		if err != nil || found.Len() == 0 {
			return false, err
		}
		vals := orm.Values{}
		if day := args.Get(2, "date_deadline"); day != nil && day != false {
			vals["date_deadline"] = day
		}
		if user := args.Int(3, "new_user_id"); user != 0 {
			vals["user_id"] = user
		}
		return found.IDs, found.Write(vals)
	})
	orm.Implement(m, ActivityUnlink, func(env *orm.Env, recs []*ActivityMixin, args orm.Args) (any, error) {
		found, err := activitiesOf(orm.RecordsOf(env, recs...), args.Get(0, "act_type_xmlids"))
		if err != nil {
			return nil, err
		}
		return true, found.Unlink()
	})
}

// nextActivities shows of each record the activity that is due first.
func nextActivities(env *orm.Env, recs []*ActivityMixin) error {
	rs := orm.RecordsOf(env, recs...)
	as, err := orm.Search[Activity](env.Sudo(), orm.And(orm.Leaf("res_model", "=", rs.Model.Name), orm.Leaf("res_id", "in", rs.IDs)), orm.SearchOptions{})
	if err != nil {
		return err
	}
	first := map[int64]*Activity{}
	worst := map[int64]string{}
	mine := map[int64]orm.Date{}
	today := env.Today()
	for _, a := range as {
		if first[a.ResID] == nil {
			first[a.ResID], worst[a.ResID] = a, deadlineState(a.Deadline, today)
		}
		if _, seen := mine[a.ResID]; !seen && a.UserID.ID == env.UID() {
			mine[a.ResID] = a.Deadline
		}
	}
	for i, rec := range recs {
		id := rs.IDs[i]
		rec.ActivityState.Set(worst[id])
		rec.ActivitySummary.Set("")
		rec.ActivityDeadline.Set(orm.Date{})
		rec.ActivityUserID.Set(orm.Ref[base.User]{})
		rec.ActivityTypeID.Set(orm.Ref[ActivityType]{})
		rec.MyDeadline.Set(mine[id])
		if a := first[id]; a != nil {
			rec.ActivitySummary.Set(a.Summary)
			rec.ActivityDeadline.Set(a.Deadline)
			rec.ActivityUserID.Set(orm.RefTo[base.User](a.UserID.ID))
			rec.ActivityTypeID.Set(orm.RefTo[ActivityType](a.TypeID.ID))
		}
	}
	return nil
}

// searchActivityState finds records whose first activity is overdue, due today
// or planned, or that have none (False).
func searchActivityState(env *orm.Env, op string, value any) (orm.Domain, error) {
	list, many := value.([]any)
	if !many {
		list = []any{value}
	}
	negate := op == "!=" || op == "not in"
	if op != "=" && op != "in" && !negate {
		return nil, orm.UserErrorf("The activity state can be searched with =, !=, in and not in only.")
	}
	today := env.Today()
	has := func(ops ...any) orm.Domain {
		return orm.Leaf("activity_ids", "any", orm.Leaf("date_deadline", ops[0].(string), ops[1]))
	}
	var alternatives []orm.Domain
	for _, v := range list {
		switch v {
		case "overdue":
			alternatives = append(alternatives, has("<", today))
		case "today":
			alternatives = append(alternatives, orm.And(has("=", today), orm.Not(has("<", today))))
		case "planned":
			alternatives = append(alternatives, orm.And(has(">", today), orm.Not(has("<=", today))))
		case false, nil:
			alternatives = append(alternatives, orm.Leaf("activity_ids", "=", false))
		default:
			return nil, orm.UserErrorf("%v is no activity state.", v)
		}
	}
	d := orm.Or(alternatives...)
	if negate {
		return orm.Not(d), nil
	}
	return d, nil
}

// activitiesOf finds the activities of records, of certain types when a list of
// external ids is given.
func activitiesOf(rs orm.Records, types any) (orm.Records, error) {
	d := orm.And(orm.Leaf("res_model", "=", rs.Model.Name), orm.Leaf("res_id", "in", rs.IDs))
	if list, ok := types.([]any); ok && len(list) > 0 {
		var ids []int64
		for _, x := range list {
			t, err := rs.Env.Ref(text(x))
			if err != nil {
				return orm.Records{}, err
			}
			ids = append(ids, t.ID())
		}
		d = orm.And(d, orm.Leaf("activity_type_id", "in", ids))
	}
	return rs.Env.Model("mail.activity").Search(d, orm.SearchOptions{})
}

// Schedule plans an activity about one record and returns its id. A zero day is
// what the type says, user 0 the type's or the current one.
func Schedule(rs orm.Records, typeXMLID string, day orm.Date, summary, note string, user int64) (int64, error) {
	if err := rs.One(); err != nil {
		return 0, err
	}
	env := rs.Env
	ref, err := env.Ref(typeXMLID)
	if err != nil {
		return 0, err
	}
	t, err := orm.Get[ActivityType](env.Sudo(), ref.ID())
	if err != nil {
		return 0, err
	}
	if day.IsZero() {
		day = deadlineOf(t, env.Today())
	}
	if user == 0 {
		user = t.DefaultUser.ID
	}
	if user == 0 {
		user = env.UID()
	}
	if summary == "" {
		summary = t.Summary
	}
	if note == "" {
		note = t.DefaultNote
	}
	model, err := env.Sudo().Model("ir.model").Search(orm.Leaf("model", "=", rs.Model.Name), orm.SearchOptions{Limit: 1})
	if err != nil {
		return 0, err
	}
	made, err := env.Model("mail.activity").Create(orm.Values{"res_model_id": model.ID(), "res_id": rs.ID(), "activity_type_id": t.ID,
		"summary": orFalse(summary), "note": orFalse(note), "date_deadline": day, "user_id": user, "automated": true})
	return made.ID(), err
}
