package woocommerce

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// The outbox holds every write to a store: what is to be sent, what became of
// it, and what the store answered. Whoever wants to change something in a store
// puts a change there, in the unit of work that makes it necessary; the job
// JobPush sends what waits (outbox_push.go). So nothing is lost when the store or
// this program is down, a person sees what waits and why, and calls to the store
// never happen inside a unit of work.
//
//	waiting ──▶ sending ──▶ sent
//	  ▲ │           │
//	  │ ▼           ├─────▶ failed     refused by the store; a person retries
//	  held          ▼
//	             waiting                the store was away, later; or nobody knows
//	                                    whether the store did it: looked at first

// Outgoing is one write to a store.
type Outgoing struct {
	orm.Record `orm:"woo.outbox" label:"WooCommerce Outgoing Change" order:"id desc" rec:"name" search:"name,target"`
	InstanceID orm.Ref[Instance]     `orm:"instance_id,required,readonly,ondelete=cascade" label:"Instance"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,required,readonly" label:"Company"`
	Kind       string                `orm:"kind,required,readonly,index" selection:"stock:Stock,shipment:Shipment,status:Order Status,price:Price,customer:Customer,refund:Refund" label:"Kind"`
	Target     string                `orm:"target,required,readonly,index" label:"Object in the Store" help:"Changes of one object are sent in their order."`
	Part       string                `orm:"part,readonly" label:"Part"`
	Slot       string                `orm:"slot,readonly,nocopy" label:"Slot" help:"A later change with the same slot replaces this one while it waits."`
	Name       string                `orm:"name,required,readonly" label:"What Is Sent"`
	Payload    string                `orm:"payload,text,readonly" label:"Values"`
	State      string                `orm:"state,required,readonly,default=waiting,index" selection:"waiting:Waiting,held:Held,sending:Being Sent,sent:Sent,failed:Failed,cancelled:Cancelled" label:"Status"`
	Reason     string                `orm:"reason,text,readonly" label:"Reason"`
	Attempts   int                   `orm:"attempts,readonly" label:"Attempts"`
	Unsure     bool                  `orm:"unsure,readonly" label:"Outcome Unknown" help:"It was sent, but no answer came: the store is looked at before it is sent again."`
	NotBefore  orm.Datetime          `orm:"not_before,readonly" label:"Not Before"`
	SentAt     orm.Datetime          `orm:"sent_at,readonly" label:"Sent On"`
	Answer     string                `orm:"answer,text,readonly" label:"Answer of the Store"`
	ResModel   string                `orm:"res_model,readonly" label:"Model"`
	ResID      int64                 `orm:"res_id,readonly,many2one_reference,model_field=res_model" label:"Record ID"`
	Created    orm.Datetime          `orm:"create_date"`
}

// The buttons of an outgoing change.
var (
	HoldOutgoing    = orm.Method[Outgoing]{Name: "action_hold", Groups: []string{"fusion_woocommerce.group_woo_manager"}}
	ReleaseOutgoing = orm.Method[Outgoing]{Name: "action_release"}
	CancelOutgoing  = orm.Method[Outgoing]{Name: "action_cancel", Groups: []string{"fusion_woocommerce.group_woo_manager"}}

	// CronPush sends what waits, for instances whose job was not woken.
	CronPush = orm.ModelMethod[Outgoing]{Name: "_cron_push"}
)

func defineOutbox(r *orm.Registry) {
	d := orm.Define[Outgoing](r)
	d.Unique("instance_slot", "instance_id, slot", "Such a change waits already.")
	move := func(what string, from []string, vals orm.Values) orm.Action[Outgoing] {
		return func(env *orm.Env, recs []*Outgoing, _ orm.Args) (any, error) {
			instances := map[int64]bool{}
			for _, o := range recs {
				if !slices.Contains(from, o.State) {
					return nil, orm.UserErrorf("%s cannot be %s: it is %s.", o.Name, what, o.State)
				}
				instances[o.InstanceID.ID] = true
			}
			if err := orm.RecordsOf(env.Sudo(), recs...).Write(vals); err != nil {
				return nil, err
			}
			for _, id := range slices.Sorted(maps.Keys(instances)) {
				if err := wakePush(env, id); err != nil {
					return nil, err
				}
			}
			return true, nil
		}
	}
	orm.Implement(d, HoldOutgoing, move("held", []string{OutgoingWaiting}, orm.Values{"state": OutgoingHeld, "reason": heldByPerson}))
	release := move("sent", []string{OutgoingHeld, OutgoingFailed, OutgoingWaiting}, orm.Values{"state": OutgoingWaiting, "reason": nil, "attempts": 0, "not_before": nil})
	orm.Implement(d, ReleaseOutgoing, func(env *orm.Env, recs []*Outgoing, args orm.Args) (any, error) {
		for _, o := range recs {
			if o.State != OutgoingFailed {
				continue
			}
			if err := orm.RecordsOf(env.Sudo(), o).Write(orm.Values{"slot": o.change().slot()}); err != nil {
				return nil, err
			}
		}
		return release(env, recs, args)
	})
	orm.Implement(d, CancelOutgoing, move("cancelled", []string{OutgoingWaiting, OutgoingHeld, OutgoingFailed}, orm.Values{"state": OutgoingCancelled, "slot": nil, "reason": "Cancelled by a person."}))
	orm.ImplementModel(d, CronPush, func(env *orm.Env, _ orm.Args) (any, error) {
		groups, err := env.Model("woo.outbox").CountBy("instance_id", orm.And(orm.Leaf("state", "in", []any{OutgoingWaiting, OutgoingSending}),
			orm.Or(orm.Leaf("not_before", "=", false), orm.Leaf("not_before", "<=", orm.DatetimeOf(env.Now()).String()))))
		if err != nil {
			return nil, err
		}
		return queueInstances(env, orm.And(orm.Leaf("id", "in", anyIDs(slices.Sorted(maps.Keys(groups)))), orm.Leaf("state", "=", StoreConnected), orm.Leaf("live", "=", true), orm.Leaf("dry_run", "=", false)), JobPush, "Send changes to")
	})
}

// change is a write to a store that something asks for.
type change struct {
	Kind   string
	Target string // the object of the store it writes to, such as "product:12"
	Part   string // tells changes of one kind and target apart that do not replace each other
	Name   string // for people
	Values any    // what the kind needs to send it, as JSON
	Record orm.Records
	Hold   string // why a person has to release it first, "" when it may be sent
}

func (c change) slot() string { return c.Kind + ":" + c.Target + ":" + c.Part }

// change is what was asked for, without its values.
func (o *Outgoing) change() change {
	return change{Kind: o.Kind, Target: o.Target, Part: o.Part, Name: o.Name}
}

// put asks for changes in a store. A change that still waits is replaced by a
// later one of the same kind, target and part; one that is held stays so.
func put(env *orm.Env, inst *Instance, list ...change) error {
	if len(list) == 0 {
		return nil
	}
	env = env.Sudo()
	slots := make([]any, len(list))
	for i, c := range list {
		slots[i] = c.slot()
	}
	old, err := orm.Search[Outgoing](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("slot", "in", slots)), orm.SearchOptions{})
	if err != nil {
		return err
	}
	bySlot := make(map[string]*Outgoing, len(old))
	for _, o := range old {
		bySlot[o.Slot] = o
	}
	var fresh []orm.Values
	for _, c := range list {
		payload, err := json.Marshal(c.Values)
		if err != nil {
			return fmt.Errorf("what is to be sent for %s cannot be written as JSON: %w", c.Name, err)
		}
		if o := bySlot[c.slot()]; o != nil {
			if err := orm.RecordsOf(env, o).Write(c.replacing(o, string(payload))); err != nil {
				return err
			}
			continue
		}
		vals := orm.Values{"instance_id": inst.ID, "company_id": inst.CompanyID.ID, "kind": c.Kind, "target": c.Target, "part": c.Part, "slot": c.slot(), "name": c.Name, "payload": string(payload)}
		if c.Hold != "" {
			vals["state"], vals["reason"] = OutgoingHeld, c.Hold
		}
		if c.Record.Model != nil && c.Record.ID() != 0 {
			vals["res_model"], vals["res_id"] = c.Record.Model.Name, c.Record.ID()
		}
		fresh = append(fresh, vals)
	}
	if err := supersede(env, inst, list); err != nil {
		return err
	}
	if len(fresh) > 0 {
		if _, err := env.Model("woo.outbox").Create(fresh...); err != nil {
			return err
		}
	}
	return wakePush(env, inst.ID)
}

// replacing are the values with which a change takes the place of one that waits.
// What a person holds stays held; what was held for its values is judged anew.
func (c change) replacing(o *Outgoing, payload string) orm.Values {
	vals := orm.Values{"name": c.Name, "payload": payload}
	switch {
	case c.Hold != "" && o.Payload != payload: // what was released were other values
		vals["state"], vals["reason"] = OutgoingHeld, c.Hold
	case c.Hold == "" && o.State == OutgoingHeld && o.Reason != heldByPerson:
		vals["state"], vals["reason"] = OutgoingWaiting, nil
	}
	return vals
}

// heldByPerson is the reason of changes that a person holds.
const heldByPerson = "Held by a person."

// supersede gives up changes that a store refused and that later ones replace.
func supersede(env *orm.Env, inst *Instance, list []change) error {
	targets, slots := make([]any, len(list)), map[string]bool{}
	for i, c := range list {
		targets[i] = c.Target
		slots[c.slot()] = true
	}
	failed, err := orm.Search[Outgoing](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("state", "=", OutgoingFailed), orm.Leaf("target", "in", targets)), orm.SearchOptions{})
	if err != nil {
		return err
	}
	failed = slices.DeleteFunc(failed, func(o *Outgoing) bool { return !slots[o.change().slot()] })
	return orm.RecordsOf(env, failed...).Write(orm.Values{"state": OutgoingCancelled})
}

// wakePush has the job look at what waits for an instance.
func wakePush(env *orm.Env, instance int64) error {
	return queueInstance(env, JobPush, "Send changes to the store", instance)
}
