package woocommerce

import "fusionsoft.ca/fusion/framework/orm"

// The way live.
var (
	GoLive = orm.Method[Instance]{Name: "action_go_live", Groups: []string{"fusion_woocommerce.group_woo_manager"}}
	Pause  = orm.Method[Instance]{Name: "action_pause", Groups: []string{"fusion_woocommerce.group_woo_manager"}}
)

// goLive begins to import orders and to write to stores. Before, nothing of either
// happens. What the doctor found in the way has to be mended first.
func goLive(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	for _, inst := range recs {
		if inst.State != StoreConnected {
			return nil, orm.UserErrorf("%s is not connected. Test the connection first.", inst.Name)
		}
		if inst.ExaminedAt.IsZero() {
			return nil, orm.UserErrorf("%s has not been examined. Press Doctor first.", inst.Name)
		}
		checks, err := orm.Search[Check](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("severity", "=", CheckError)), orm.SearchOptions{})
		if err != nil {
			return nil, err
		}
		if len(checks) > 0 {
			return nil, orm.UserErrorf("%s cannot go live. %s: %s %s", inst.Name, checks[0].Name, checks[0].Finding, checks[0].Remedy)
		}
	}
	if err := orm.RecordsOf(env.Sudo(), recs...).Write(orm.Values{"live": true}); err != nil {
		return nil, err
	}
	for _, inst := range recs {
		if err := logTo(env, inst, logEntry{Type: "health", State: "success", Ref: inst.URL, Message: inst.Name + " goes live: orders are imported, and changes are sent.", Record: orm.RecordsOf(env, inst)}); err != nil {
			return nil, err
		}
		for _, job := range []struct {
			name string
			on   bool
		}{{JobPoll, inst.SyncOrders}, {JobProducts, inst.SyncProducts}, {JobPush, true}} {
			if !job.on {
				continue
			}
			if err := queueInstance(env, job.name, "Go live: "+inst.Name, inst.ID); err != nil {
				return nil, err
			}
		}
	}
	return notify("success", "Live", "Orders are being imported. Reload the page in a moment."), nil
}

// pause stops importing orders and writing to stores. What comes up meanwhile
// waits.
func pause(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	if err := orm.RecordsOf(env.Sudo(), recs...).Write(orm.Values{"live": false}); err != nil {
		return nil, err
	}
	for _, inst := range recs {
		if err := logTo(env, inst, logEntry{Type: "health", State: "warning", Ref: inst.URL, Message: inst.Name + " is paused: no order is imported and nothing is sent until it goes live again.", Record: orm.RecordsOf(env, inst)}); err != nil {
			return nil, err
		}
	}
	return true, nil
}

// liveOnes are the instances that are live and sync something.
func liveOnes(flag string) orm.Domain {
	return orm.And(connectedWith(flag), orm.Leaf("live", "=", true))
}

// notLive is what is said of a delivery that comes before going live.
const notLive = "The store is not live yet; the first poll after Go Live reads what changed."
