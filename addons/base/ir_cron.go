package base

import (
	"fusionsoft.ca/fusion/framework/cron"
	"fusionsoft.ca/fusion/framework/orm"
)

// Cron is a scheduled action: which method of which model runs how often. The
// runner is framework/cron; this is what it and administrators see.
type Cron struct {
	orm.Record       `orm:"ir.cron" label:"Scheduled Actions" order:"cron_name, id" rec:"name" search:"name"`
	Name             string           `orm:"name,required" label:"Name"`
	CronName         string           `orm:"cron_name,store,readonly" label:"Name"`
	ModelID          orm.Ref[IrModel] `orm:"model_id,required,index,ondelete=cascade" label:"Model"`
	ModelName        string           `orm:"model_name,related=model_id.model,store,readonly" label:"Model Name"`
	State            string           `orm:"state,required,default=code" selection:"object_write:Update Record,object_create:Create Record,code:Execute Code,multi:Multi Actions" label:"Type"`
	Code             string           `orm:"code,text" label:"Code"`
	UserID           orm.Ref[User]    `orm:"user_id,required,default=uid" label:"Scheduler User"`
	Active           bool             `orm:"active,default=true" label:"Active"`
	IntervalNumber   int              `orm:"interval_number,required,default=1" label:"Interval Number" help:"Repeat every x."`
	IntervalType     string           `orm:"interval_type,required,default=months" selection:"minutes:Minutes,hours:Hours,days:Days,weeks:Weeks,months:Months" label:"Interval Unit"`
	NumberCall       int              `orm:"numbercall,default=-1" label:"Number of Calls" help:"Kept for data files of older versions; a cron runs until it is archived."`
	DoAll            bool             `orm:"doall" label:"Repeat Missed" help:"Kept for data files of older versions; missed runs are not repeated."`
	NextCall         orm.Datetime     `orm:"nextcall,required,default=now,index" label:"Next Execution Date"`
	LastCall         orm.Datetime     `orm:"lastcall" label:"Last Execution Date"`
	Priority         int              `orm:"priority,default=5" label:"Priority" help:"0 means highest priority; 10 means lowest priority."`
	FailureCount     int              `orm:"failure_count" label:"Failure Count" help:"The number of consecutive failures of this job."`
	FirstFailureDate orm.Datetime     `orm:"first_failure_date" label:"First Failure Date"`
	LastError        string           `orm:"last_error,text,readonly,nocopy" label:"Last Error"`
}

// DirectTrigger is the button "Run Manually": the cron is queued at once, and
// keeps its schedule.
var DirectTrigger = orm.Method[Cron]{Name: "method_direct_trigger", Groups: []string{"base.group_system"}}

// NotifyAdmin tells administrators a message (its argument), such as that a
// cron has been switched off. Here it goes to the log; mail sends it.
var NotifyAdmin = orm.ModelMethod[Cron]{Name: "_notify_admin"}

func defineCron(r *orm.Registry) {
	c := orm.Define[Cron](r)
	c.Compute("cron_name", func(_ *orm.Env, cs []*Cron) error {
		for _, c := range cs {
			c.CronName = c.Name
		}
		return nil
	}, "name")
	c.Check("check_strictly_positive_interval", "interval_number > 0", "The interval number must be a strictly positive number.")
	orm.ImplementModel(c, NotifyAdmin, func(env *orm.Env, args orm.Args) (any, error) {
		env.Log().Warn("administrators should know", "message", args.String(0, "message"))
		return nil, nil
	})
	orm.Implement(c, DirectTrigger, func(env *orm.Env, cs []*Cron, _ orm.Args) (any, error) {
		for _, c := range cs {
			queued, err := cron.Queue(env, c.ID, c.Name)
			if err != nil {
				return nil, err
			}
			if !queued {
				return nil, orm.UserErrorf("%s is running or waiting to run already.", c.Name)
			}
		}
		return true, nil
	})
}
