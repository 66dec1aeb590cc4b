package base

import (
	"fmt"

	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"
)

// Job is a background job as administrators see it: a view over the tables of
// the job queue, which framework/jobs owns.
type Job struct {
	orm.Record  `orm:"ir.job" label:"Background Job" order:"id desc"`
	Name        string        `orm:"name" label:"Job"`
	Handler     string        `orm:"handler" label:"Kind"`
	State       string        `orm:"state" selection:"available:Waiting,scheduled:Scheduled,pending:Pending,running:Running,retryable:To be retried,completed:Done,cancelled:Cancelled,discarded:Failed" label:"Status"`
	ResModel    string        `orm:"res_model" label:"Model"`
	ResID       int64         `orm:"res_id,many2one_reference,model_field=res_model" label:"Record ID"`
	ResCount    int           `orm:"res_count" label:"Number of Records"`
	Key         string        `orm:"key" label:"Key" help:"While a job of a key waits or runs, no second one of the same kind and key is queued."`
	UserID      orm.Ref[User] `orm:"user_id" label:"User"`
	Attempt     int           `orm:"attempt" label:"Attempts"`
	MaxAttempts int           `orm:"max_attempts" label:"Most Attempts"`
	ErrorCount  int           `orm:"error_count" label:"Failures"`
	LastError   string        `orm:"last_error,text" label:"Last Error"`
	Priority    int           `orm:"priority" label:"Priority" help:"1 comes first, 4 last."`
	CreateDate  orm.Datetime  `orm:"create_date" label:"Queued on"`
	ScheduledAt orm.Datetime  `orm:"scheduled_at" label:"Next Attempt"`
	AttemptedAt orm.Datetime  `orm:"attempted_at" label:"Last Attempt"`
	FinalizedAt orm.Datetime  `orm:"finalized_at" label:"Finished on"`
}

// What administrators do with jobs.
var (
	JobRetry  = orm.Method[Job]{Name: "action_retry", Groups: []string{"base.group_system"}}
	JobCancel = orm.Method[Job]{Name: "action_cancel", Groups: []string{"base.group_system"}}
	JobOpen   = orm.Method[Job]{Name: "action_open_record", Groups: []string{"base.group_system"}}
)

const jobQuery = `SELECT j.id, COALESCE(NULLIF(j.args->>'title', ''), j.args->>'name') AS name, j.args->>'name' AS handler, j.state::text AS state,
	NULLIF(j.args->>'model', '') AS res_model, (j.args->'ids'->>0)::bigint AS res_id,
	CASE jsonb_typeof(j.args->'ids') WHEN 'array' THEN jsonb_array_length(j.args->'ids') ELSE 0 END AS res_count,
	NULLIF(j.args->>'key', '') AS key, u.id AS user_id, j.attempt::integer AS attempt, j.max_attempts::integer AS max_attempts,
	COALESCE(array_length(j.errors, 1), 0) AS error_count, j.errors[array_upper(j.errors, 1)]->>'error' AS last_error, j.priority::integer AS priority,
	j.created_at AT TIME ZONE 'UTC' AS create_date, j.scheduled_at AT TIME ZONE 'UTC' AS scheduled_at,
	j.attempted_at AT TIME ZONE 'UTC' AS attempted_at, j.finalized_at AT TIME ZONE 'UTC' AS finalized_at
	FROM river_job j LEFT JOIN res_users u ON u.id = (j.args->>'uid')::bigint WHERE j.kind = 'fusion'`

func defineJobs(r *orm.Registry) {
	j := orm.Define[Job](r)
	j.Query(jobQuery)
	orm.Implement(j, JobRetry, func(env *orm.Env, js []*Job, _ orm.Args) (any, error) {
		for _, j := range js {
			if j.State == JobRunning {
				return nil, orm.UserErrorf("%s is running; it can be retried when it has ended.", j.Name)
			}
			if err := jobs.Retry(env, j.ID); err != nil {
				return nil, err
			}
		}
		return true, nil
	})
	orm.Implement(j, JobCancel, func(env *orm.Env, js []*Job, _ orm.Args) (any, error) {
		for _, j := range js {
			if !j.FinalizedAt.IsZero() {
				return nil, orm.UserErrorf("%s has ended and cannot be cancelled.", j.Name)
			}
			if err := jobs.Stop(env, j.ID); err != nil {
				return nil, err
			}
		}
		return true, nil
	})
	orm.Implement(j, JobOpen, func(env *orm.Env, js []*Job, _ orm.Args) (any, error) {
		if len(js) != 1 || js[0].ResModel == "" || js[0].ResID == 0 {
			return nil, orm.UserErrorf("This job is not about a record.")
		}
		rs, err := env.Lookup(js[0].ResModel)
		if err != nil {
			return nil, err
		}
		there, err := rs.Browse(js[0].ResID).Exists()
		if err != nil {
			return nil, err
		}
		if there.Len() == 0 {
			return nil, orm.UserErrorf("The record %s %d is not there any more.", rs.Model.Label, js[0].ResID)
		}
		return map[string]any{"type": "ir.actions.act_window", "name": fmt.Sprint(rs.Model.Label), "res_model": rs.Model.Name, "res_id": js[0].ResID,
			"view_mode": "form", "views": []any{[]any{false, "form"}}, "target": "current"}, nil
	})
}
