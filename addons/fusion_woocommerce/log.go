package woocommerce

import (
	"fmt"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Log is one thing that was synced, or was not, and why. Entries are added,
// never changed.
type Log struct {
	orm.Record `orm:"woo.sync.log" label:"WooCommerce Sync Log" order:"id desc" rec:"message" search:"message,record_ref"`
	InstanceID orm.Ref[Instance]     `orm:"instance_id,required,ondelete=cascade" label:"Instance"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,required" label:"Company"`
	Type       string                `orm:"sync_type,required,index" selection:"product:Product,price:Price,inventory:Inventory,image:Image,order:Order,customer:Customer,invoice:Invoice,shipment:Shipment,return:Return,refund:Refund,message:Message,webhook:Webhook,health:Health" label:"Type"`
	Direction  string                `orm:"direction,required" selection:"woo_to_odoo:Store to ERP,odoo_to_woo:ERP to store" label:"Direction"`
	RecordRef  string                `orm:"record_ref,index" label:"Record"`
	State      string                `orm:"state,required,index" selection:"success:Success,failed:Failed,warning:Warning,skipped:Skipped" label:"Status"`
	Message    string                `orm:"message,text" label:"Message"`
	Duration   float64               `orm:"duration" label:"Duration (s)"`
	ResModel   string                `orm:"res_model" label:"Model"`
	ResID      int64                 `orm:"res_id,many2one_reference,model_field=res_model" label:"Record ID"`
	Created    orm.Datetime          `orm:"create_date"`
}

// CleanLogs deletes old entries, successes after 90 days and the rest after
// 180, and webhooks that were dealt with after 30.
var CleanLogs = orm.ModelMethod[Log]{Name: "_cron_cleanup_logs"}

func defineLog(r *orm.Registry) {
	d := orm.Define[Log](r)
	d.OnWrite(func(orm.WriteFunc) orm.WriteFunc {
		return func(orm.Records, orm.Values) error {
			return orm.UserErrorf("Entries of the sync log cannot be changed.")
		}
	})
	orm.ImplementModel(d, CleanLogs, func(env *orm.Env, _ orm.Args) (any, error) {
		before := func(days int) string { return orm.DatetimeOf(env.Now().AddDate(0, 0, -days)).String() }
		old, err := env.Model("woo.sync.log").Search(orm.Or(
			orm.And(orm.Leaf("state", "in", []any{"success", "skipped"}), orm.Leaf("create_date", "<", before(90))),
			orm.Leaf("create_date", "<", before(180))), orm.SearchOptions{Limit: 10000})
		if err != nil {
			return nil, err
		}
		if err := old.Unlink(); err != nil {
			return nil, err
		}
		events, err := env.Model("woo.event").Search(orm.And(orm.Leaf("state", "in", []any{"done", "skipped"}), orm.Leaf("create_date", "<", before(30))), orm.SearchOptions{Limit: 10000})
		if err != nil {
			return nil, err
		}
		return old.Len() + events.Len(), events.Unlink()
	})
}

// logEntry is a log entry being written.
type logEntry struct {
	Type    string
	Out     bool // from the ERP to the store
	Ref     string
	State   string
	Message string
	Record  orm.Records // what it is about, if stored
	Since   time.Time
}

// logTo adds an entry to the log of an instance.
func logTo(env *orm.Env, inst *Instance, e logEntry) error {
	dir := "woo_to_odoo"
	if e.Out {
		dir = "odoo_to_woo"
	}
	v := orm.Values{"instance_id": inst.ID, "company_id": inst.CompanyID.ID, "sync_type": e.Type, "direction": dir, "record_ref": e.Ref, "state": e.State, "message": printable(e.Message)}
	if !e.Since.IsZero() {
		v["duration"] = float64(time.Since(e.Since).Milliseconds()) / 1000
	}
	if e.Record.Model != nil && e.Record.ID() != 0 {
		v["res_model"], v["res_id"] = e.Record.Model.Name, e.Record.ID()
	}
	if _, err := env.Sudo().Model("woo.sync.log").Create(v); err != nil {
		return fmt.Errorf("the sync log cannot be written: %w", err)
	}
	return nil
}
