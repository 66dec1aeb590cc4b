package woocommerce

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/outbound"
)

// engine does the work of the jobs. It keeps one client for each store, so that
// all jobs together respect its rate limit, pause when it is down, and share
// its connections.
type engine struct {
	mu      sync.Mutex
	clients map[int64]sharedClient
}

type sharedClient struct {
	settings string // a digest of what the client was made from
	*wcapi.Client
}

// client is the shared client of an instance.
func (e *engine) client(inst *Instance, gate *outbound.Gate) (*wcapi.Client, error) {
	cfg := inst.config(gate)
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v", []any{cfg.BaseURL, cfg.ConsumerKey, cfg.ConsumerSecret, cfg.Auth, cfg.APIVersion, cfg.PlainPermalinks, cfg.SignAsHTTP, cfg.RateLimit, cfg.Proven, gate.String()}))
	settings := hex.EncodeToString(sum[:])
	e.mu.Lock()
	defer e.mu.Unlock()
	if c, ok := e.clients[inst.ID]; ok && c.settings == settings {
		return c.Client, nil
	}
	c, err := inst.client(gate)
	if err != nil {
		return nil, jobs.Cancel(errors.New(explain(err)))
	}
	e.clients[inst.ID] = sharedClient{settings, c}
	return c, nil
}

// instance reads the instance of a job; a job whose instance is gone ends.
func (e *engine) instance(ctx context.Context, db *orm.DB, id int64) (*Instance, *wcapi.Client, error) {
	inst, gate, err := loadInstance(ctx, db, id)
	if orm.IsCode(err, orm.CodeMissing) {
		return nil, nil, jobs.Cancel(errors.New("the instance has been deleted"))
	}
	if err != nil {
		return nil, nil, err
	}
	c, err := e.client(inst, gate)
	return inst, c, err
}

// instanceOf reads the instance a job is about, for jobs whose payload is its id.
func (e *engine) instanceOf(ctx context.Context, w *jobs.Work) (*Instance, *wcapi.Client, error) {
	var id int64
	if err := json.Unmarshal(w.Payload, &id); err != nil {
		return nil, nil, jobs.Cancel(err)
	}
	return e.instance(ctx, w.DB, id)
}

// storeFailed records a failure of the store and passes it on, so that the job
// is tried again: when the store says, or with growing pauses. While the client
// pauses nothing is asked and nothing recorded.
func storeFailed(ctx context.Context, w *jobs.Work, inst *Instance, kind, ref string, cause error) error {
	we, _ := errors.AsType[*wcapi.Error](cause)
	if we != nil && we.Kind == wcapi.ErrPaused {
		return jobs.Later(max(we.RetryAfter, time.Second))
	}
	text := explain(cause)
	state := "warning"
	if w.Last {
		state = "failed"
	} else {
		text += fmt.Sprintf(" It is tried again (attempt %d).", w.Attempt+1)
	}
	err := w.DB.Run(context.WithoutCancel(ctx), orm.System(), func(env *orm.Env) error {
		return logTo(env, inst, logEntry{Type: kind, State: state, Ref: ref, Message: text})
	})
	if err == nil && we != nil && we.RetryAfter > 0 && !w.Last {
		return jobs.Later(min(we.RetryAfter, time.Hour))
	}
	return errors.Join(cause, err)
}

// checkHealth asks a store whether it still answers. An instance whose store
// does not is in error, and its crons leave it alone; one that answers again is
// connected again.
func (e *engine) checkHealth(ctx context.Context, w *jobs.Work) error {
	inst, c, err := e.instanceOf(ctx, w)
	if err != nil {
		return err
	}
	_, failure := c.SystemStatus(ctx)
	if errors.Is(failure, wcapi.ErrPaused) {
		return jobs.Later(time.Minute)
	}
	return w.Finish(ctx, func(env *orm.Env) error {
		now, err := orm.Get[Instance](env, inst.ID)
		if err == nil && failure == nil && now.URL == inst.URL && now.ProvenURL != now.URL {
			err = orm.RecordsOf(env, now).Write(orm.Values{"proven_url": now.URL})
		}
		switch {
		case err != nil:
			return err
		case failure != nil && now.State == StoreConnected:
			return markError(env, now, failure)
		case failure == nil && now.State == StoreError:
			if err := orm.RecordsOf(env, now).Write(orm.Values{"state": StoreConnected, "last_error": nil}); err != nil {
				return err
			}
			return logTo(env, now, logEntry{Type: "health", State: "success", Ref: now.URL, Message: "The store answers again.", Record: orm.RecordsOf(env, now)})
		}
		return nil
	})
}
