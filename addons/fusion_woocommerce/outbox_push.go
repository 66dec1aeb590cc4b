package woocommerce

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"
)

// sender sends the changes of one kind. Its methods and those of the changes
// themselves are all that differs between kinds.
type sender interface {
	// send sends up to wcapi.MaxBatch changes of one instance, no two of them to
	// one object, and says of each what became of it, in the same order. A change
	// that is Unsure may have been carried out by the store before: send looks
	// first, unless doing it again does no harm.
	send(ctx context.Context, s *sending, list []*Outgoing) []outcome
	// took takes over what became of changes that are done with: sent, refused, or
	// out of date. It runs in the unit of work that records it.
	took(env *orm.Env, inst *Instance, done []delivered) error
	// logType is under which type the sync log tells of the kind.
	logType() string
}

// sending is what senders work with.
type sending struct {
	db   *orm.DB
	inst *Instance
	*wcapi.Client
}

// delivered is a change that is done with: OutgoingSent, OutgoingFailed, or
// OutgoingCancelled because the store is no longer as it was when the change was
// asked for.
type delivered struct {
	*Outgoing
	state  string
	answer any
}

// outcome is what became of a change.
type outcome struct {
	state  string // OutgoingSent, OutgoingFailed, OutgoingWaiting: try again later, OutgoingCancelled
	reason string
	unsure bool          // nobody knows whether the store did it
	after  time.Duration // when to try again; 0: growing pauses
	answer any           // kept as JSON
}

// maxAttempts is how often a change is tried before it is left to a person.
const maxAttempts = 8

// outcomeOf judges the error of a call to the store.
func outcomeOf(err error) outcome {
	we, ok := errors.AsType[*wcapi.Error](err)
	if !ok {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return outcome{state: OutgoingWaiting, unsure: true, reason: "The program stopped while it was being sent."}
		}
		return outcome{state: OutgoingFailed, reason: explain(err)}
	}
	o := outcome{state: OutgoingWaiting, reason: explain(err), unsure: we.Unknown, after: we.RetryAfter}
	switch we.Kind {
	case wcapi.ErrInvalid, wcapi.ErrNotFound, wcapi.ErrGone, wcapi.ErrTooLarge, wcapi.ErrConfig, wcapi.ErrBlocked, wcapi.ErrForbidden, wcapi.ErrUnauthorized, wcapi.ErrRedirect, wcapi.ErrNotAPI:
		if !we.Unknown {
			o.state = OutgoingFailed
		}
	}
	return o
}

// payloadOf reads the values of a change.
func payloadOf[T any](payload []byte) (v T, err error) {
	err = json.Unmarshal(payload, &v)
	return v, err
}

func unreadableChange(err error) outcome {
	return outcome{state: OutgoingFailed, reason: "The values of the change cannot be read: " + err.Error()}
}

// sendEach sends changes one by one, where a store takes no batches of them.
func sendEach[T any](list []*Outgoing, send func(*T) outcome) []outcome {
	results := make([]outcome, len(list))
	for i, o := range list {
		c, err := payloadOf[T]([]byte(o.Payload))
		if err != nil {
			results[i] = unreadableChange(err)
			continue
		}
		results[i] = send(&c)
	}
	return results
}

// senders by kind of change.
func senders() map[string]sender {
	return map[string]sender{KindStock: stockSender{}, KindShipment: shipmentSender{}, KindStatus: statusSender{}, KindPrice: priceSender{}, KindCustomer: customerSender{}, KindRefund: refundSender{}}
}

// push sends what waits for an instance, batch by batch, until nothing is left
// or the store does not answer. The jobs of one instance do not overlap: the
// key of the job is the instance's.
func (e *engine) push(ctx context.Context, w *jobs.Work) error {
	inst, c, err := e.instanceOf(ctx, w)
	if err != nil {
		return err
	}
	if !inst.Live || inst.DryRun || inst.State != StoreConnected {
		return w.Finish(ctx, func(*orm.Env) error { return nil })
	}
	s := &sending{w.DB, inst, c}
	if err := w.DB.Run(ctx, orm.System(), func(env *orm.Env) error { return recoverSending(env, inst) }); err != nil {
		return err
	}
	for {
		var batch []*Outgoing
		err := w.DB.Run(ctx, orm.System(), func(env *orm.Env) error {
			var err error
			batch, err = claim(env, inst)
			return err
		})
		if err != nil {
			return err
		}
		if len(batch) == 0 {
			return w.Finish(ctx, func(*orm.Env) error { return nil })
		}
		sender := senders()[batch[0].Kind]
		results := sender.send(ctx, s, batch)
		away := false
		err = w.DB.Run(context.WithoutCancel(ctx), orm.System(), func(env *orm.Env) error {
			var err error
			away, err = settle(importEnv(env, inst), inst, sender, batch, results)
			return err
		})
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if away { // CronPush asks again
			return w.Finish(ctx, func(*orm.Env) error { return nil })
		}
	}
}

// recoverSending takes back what a run that ended in the middle was sending.
func recoverSending(env *orm.Env, inst *Instance) error {
	left, err := orm.Search[Outgoing](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("state", "=", OutgoingSending)), orm.SearchOptions{})
	if err != nil || len(left) == 0 {
		return err
	}
	results := make([]outcome, len(left))
	for i := range results {
		results[i] = outcome{state: OutgoingWaiting, unsure: true, after: time.Nanosecond, reason: "The program stopped while it was being sent."}
	}
	return backToWaiting(env, inst, left, results)
}

// claim takes the next batch: changes of one kind, the oldest first, none to an
// object that an older change still waits for.
func claim(env *orm.Env, inst *Instance) ([]*Outgoing, error) {
	open, err := orm.Search[Outgoing](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("state", "in", []any{OutgoingWaiting, OutgoingHeld})),
		orm.SearchOptions{Order: "id", Limit: 1000})
	if err != nil {
		return nil, err
	}
	now := env.Now()
	var batch []*Outgoing
	blocked := map[string]bool{}
	for _, o := range open {
		if blocked[o.Target] {
			continue
		}
		blocked[o.Target] = true
		if o.State == OutgoingHeld || o.NotBefore.Time().After(now) || len(batch) > 0 && o.Kind != batch[0].Kind {
			continue
		}
		if batch = append(batch, o); len(batch) == wcapi.MaxBatch {
			break
		}
	}
	if len(batch) == 0 {
		return nil, nil
	}
	if err := orm.RecordsOf(env, batch...).Write(orm.Values{"state": OutgoingSending, "slot": nil}); err != nil {
		return nil, err
	}
	for _, o := range batch {
		o.Attempts++
	}
	return batch, orm.Save(env, batch, "attempts")
}

// settle records what became of a batch, and reports whether the store is away.
func settle(env *orm.Env, inst *Instance, s sender, batch []*Outgoing, results []outcome) (away bool, err error) {
	var done []delivered
	var sent, later []*Outgoing
	var laterWhy []outcome
	for i, o := range batch {
		r := results[i]
		if r.state == OutgoingWaiting && o.Attempts >= maxAttempts {
			r.state = OutgoingFailed
		}
		if r.state == OutgoingWaiting {
			later, laterWhy = append(later, o), append(laterWhy, r)
			away = true
			continue
		}
		vals := orm.Values{"state": r.state, "reason": r.reason, "unsure": r.unsure}
		if r.state == OutgoingSent {
			sent = append(sent, o)
			vals["sent_at"] = orm.DatetimeOf(env.Now())
		}
		done = append(done, delivered{o, r.state, r.answer})
		if r.answer != nil {
			text, err := json.Marshal(r.answer)
			if err != nil {
				return false, err
			}
			vals["answer"] = string(text)
		}
		if err := orm.RecordsOf(env, o).Write(vals); err != nil {
			return false, err
		}
		if r.state == OutgoingFailed {
			if err := logTo(env, inst, logEntry{Type: s.logType(), Out: true, State: "failed", Ref: o.Target, Message: o.Name + " was not sent: " + r.reason, Record: o.record(env)}); err != nil {
				return false, err
			}
		}
	}
	if len(done) > 0 {
		if err := s.took(env, inst, done); err != nil {
			return false, err
		}
	}
	if len(sent) > 0 {
		text := sent[0].Name
		if len(sent) > 1 {
			text = fmt.Sprintf("%d changes, the first: %s", len(sent), text)
		}
		if err := logTo(env, inst, logEntry{Type: s.logType(), Out: true, State: "success", Ref: sent[0].Target, Message: "Sent: " + text, Record: sent[0].record(env)}); err != nil {
			return false, err
		}
	}
	return away, backToWaiting(env, inst, later, laterWhy)
}

// record is what a change is about, if it says so.
func (o *Outgoing) record(env *orm.Env) orm.Records {
	if o.ResModel == "" || o.ResID == 0 {
		return orm.Records{}
	}
	return env.Model(o.ResModel).Browse(o.ResID)
}

// backToWaiting keeps changes for a later attempt, unless a newer change took
// their place meanwhile.
func backToWaiting(env *orm.Env, inst *Instance, list []*Outgoing, why []outcome) error {
	for i, o := range list {
		r := why[i]
		slot := o.change().slot()
		newer, err := orm.First[Outgoing](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("slot", "=", slot)), "")
		if err != nil {
			return err
		}
		pause := r.after
		if pause == 0 {
			pause = min(time.Minute<<max(0, o.Attempts-1), time.Hour)
		}
		vals := orm.Values{"state": OutgoingWaiting, "reason": r.reason, "unsure": o.Unsure || r.unsure, "slot": slot, "not_before": orm.DatetimeOf(env.Now().Add(pause))}
		if newer != nil {
			vals["state"], vals["slot"], vals["not_before"] = OutgoingCancelled, nil, nil
			vals["reason"] = "A later change took its place."
		}
		if err := orm.RecordsOf(env, o).Write(vals); err != nil {
			return err
		}
		if newer != nil && (o.Unsure || r.unsure) {
			if err := orm.RecordsOf(env, newer).Write(orm.Values{"unsure": true}); err != nil {
				return err
			}
		}
	}
	return nil
}
