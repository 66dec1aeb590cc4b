package woocommerce

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strings"
	"time"

	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
)

// Mails tell of failures by cause: the same cause is told once a day, however often
// it fails, with how often it did.

// CronNotify mails what failed, and what orders came in.
var CronNotify = orm.ModelMethod[Instance]{Name: "_cron_notify"}

// toldAgain is after how long a cause that goes on is mailed again.
const toldAgain = 24 * time.Hour

// particulars are what differs between failures of one cause: numbers and names.
var particulars = regexp.MustCompile(`“[^”]*”|"[^"]*"|[0-9]+`)

// causeOf is what failures with one remedy have in common.
func causeOf(l *Log) string { return l.Type + ":" + particulars.ReplaceAllString(l.Message, "#") }

// cause is a cause of failures, with the first of them.
type cause struct {
	first *Log
	times int
}

// causes groups failures, the most frequent first.
func causes(list []*Log, known map[string]bool) []*cause {
	byCause := map[string]*cause{}
	var out []*cause
	for _, l := range list {
		key := causeOf(l)
		if known[key] {
			continue
		}
		if byCause[key] == nil {
			byCause[key] = &cause{first: l}
			out = append(out, byCause[key])
		}
		byCause[key].times++
	}
	slices.SortStableFunc(out, func(a, b *cause) int { return b.times - a.times })
	return out
}

// notifyInstances mails of each instance what is new.
func notifyInstances(env *orm.Env, _ orm.Args) (any, error) {
	list, err := orm.Search[Instance](env, orm.Or(orm.Leaf("notify_on_failure", "=", true), orm.Leaf("notify_on_order", "=", true)), orm.SearchOptions{}, "notify_user_ids.partner_id.email")
	if err != nil {
		return nil, err
	}
	n := 0
	for _, inst := range list {
		if inst.recipients() == "" {
			continue
		}
		failures, err := tellFailures(env, inst)
		if err != nil {
			return nil, err
		}
		orders, err := tellOrders(env, inst)
		if err != nil {
			return nil, err
		}
		n += failures + orders
	}
	return n, nil
}

// recipients are the addresses of those who are to be told.
func (i *Instance) recipients() string {
	var out []string
	for _, u := range i.NotifyUsers.All() {
		if p := u.PartnerID.Rec(); p != nil && p.Email != "" {
			out = append(out, p.Email)
		}
	}
	return strings.Join(out, ", ")
}

// tellFailures mails the causes of what failed since the last time.
func tellFailures(env *orm.Env, inst *Instance) (int, error) {
	failed, err := orm.Search[Log](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("state", "=", LogFailed),
		orm.Leaf("create_date", ">", orm.DatetimeOf(env.Now().Add(-toldAgain)).String())), orm.SearchOptions{Order: "id", Limit: 5000})
	if err != nil || len(failed) == 0 {
		return 0, err
	}
	known := map[string]bool{}
	var fresh []*Log
	for _, l := range failed {
		if l.ID <= inst.ToldLogID {
			known[causeOf(l)] = true
		} else {
			fresh = append(fresh, l)
		}
	}
	if len(fresh) == 0 {
		return 0, nil
	}
	vals := orm.Values{"told_log_id": fresh[len(fresh)-1].ID}
	found := causes(fresh, known)
	if !inst.NotifyFailure || len(found) == 0 {
		return 0, orm.RecordsOf(env, inst).Write(vals)
	}
	var body strings.Builder
	body.WriteString("<ul>")
	for _, c := range found {
		fmt.Fprintf(&body, "<li>%s", html.EscapeString(c.first.Message))
		if c.times > 1 {
			fmt.Fprintf(&body, " <em>(%d times)</em>", c.times)
		}
		body.WriteString("</li>")
	}
	body.WriteString("</ul>")
	vals["failure_summary"] = body.String()
	if err := orm.RecordsOf(env, inst).Write(vals); err != nil {
		return 0, err
	}
	return 1, mailTo(env, inst, "mail_template_sync_failure", inst.ID)
}

// tellOrders mails the orders that were imported since the last time.
func tellOrders(env *orm.Env, inst *Instance) (int, error) {
	if !inst.NotifyOrder {
		return 0, nil
	}
	list, err := orm.Search[Order](env, orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("state", "=", OrderImported), orm.Leaf("id", ">", inst.ToldOrderID)), orm.SearchOptions{Order: "id", Limit: 200})
	if err != nil || len(list) == 0 {
		return 0, err
	}
	if err := orm.RecordsOf(env, inst).Write(orm.Values{"told_order_id": list[len(list)-1].ID}); err != nil {
		return 0, err
	}
	n := 0
	for _, o := range list {
		if o.DateCreated.Time().Before(env.Now().Add(-toldAgain)) {
			continue // it is history
		}
		n++
		if err := mailTo(env, inst, "mail_template_new_order", o.ID); err != nil {
			return n, err
		}
	}
	return n, nil
}

// mailTo sends a template of the addon about a record to those an instance names.
func mailTo(env *orm.Env, inst *Instance, template string, record int64) error {
	t, ok, err := env.FindRef("fusion_woocommerce." + template)
	if err != nil || !ok {
		return err // somebody has deleted it
	}
	id, err := mail.SendTemplate(env, t.ID(), record, false)
	if err != nil {
		return err
	}
	return env.Model("mail.mail").Browse(id).Write(orm.Values{"email_to": inst.recipients()})
}
