package woocommerce

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"
)

// Check is one line of what the doctor found out about a store: right, to be
// thought about, or in the way of going live.
type Check struct {
	orm.Record `orm:"woo.check" label:"WooCommerce Check" order:"rank, id"`
	InstanceID orm.Ref[Instance]     `orm:"instance_id,required,ondelete=cascade" label:"Instance"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,related=instance_id.company_id,store" label:"Company"`
	Rank       int                   `orm:"rank" label:"Rank"`
	Name       string                `orm:"name" label:"Check"`
	Severity   string                `orm:"severity" selection:"ok:Right,warning:Warning,error:In the Way" label:"Result"`
	Finding    string                `orm:"finding,text" label:"Found"`
	Remedy     string                `orm:"remedy,text" label:"What to Do"`
}

// examination is what the doctor asks a store, and what follows.
type examination struct {
	test   *connectionTest
	checks []orm.Values

	readOnly error // of a write that changes nothing
	clock    time.Duration
	hooks    []wcapi.Webhook
	hooksErr error
}

// Doctor examines a store.
var Doctor = orm.Method[Instance]{Name: "action_doctor", Groups: []string{"fusion_woocommerce.group_woo_manager"}, Waiting: "Examining the store"}

// examine asks stores all that going live depends on.
func examine(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	gate, err := base.OutboundGate(env)
	if err != nil {
		return nil, err
	}
	all := make([]*examination, len(recs))
	for i, inst := range recs {
		if _, err := inst.client(gate); err != nil {
			return nil, orm.UserErrorf("%s", explain(err))
		}
		all[i] = &examination{test: &connectionTest{inst: inst, cfg: inst.config(gate)}}
	}
	return env.CallOut(&orm.CallOut{
		Title: Doctor.Waiting,
		Do: func(ctx context.Context) error {
			for _, x := range all {
				x.ask(ctx)
			}
			return ctx.Err()
		},
		Then: func(env *orm.Env) (any, error) {
			worst := ""
			for _, x := range all {
				inst, err := x.test.unchanged(env)
				if err != nil {
					return nil, err
				}
				if x.test.failure == nil {
					if err := connected(env, inst, x.test); err != nil {
						return nil, err
					}
				}
				if err := x.diagnose(env, inst); err != nil {
					return nil, err
				}
				if err := x.store(env, inst); err != nil {
					return nil, err
				}
				for _, c := range x.checks {
					if s := c.Text("severity"); s == CheckError || s == CheckWarning && worst == "" {
						worst = s
					}
				}
			}
			switch worst {
			case CheckError:
				return notify("danger", "Doctor", "Something is in the way of going live. The page Doctor says what to do."), nil
			case CheckWarning:
				return notify("warning", "Doctor", "The store can be used. The page Doctor lists what to think about."), nil
			}
			return notify("success", "Doctor", "Everything is as it should be."), nil
		},
	})
}

// ask asks the store.
func (x *examination) ask(ctx context.Context) {
	if x.test.ask(ctx); x.test.failure != nil {
		return
	}
	c, err := wcapi.New(x.test.found.Config)
	if err != nil {
		x.test.failure = err
		return
	}
	// An empty batch changes nothing, and needs the right to write.
	resp, err := c.Do(ctx, wcapi.Request{Method: http.MethodPost, Path: "products/batch", Body: map[string]any{}, Repeatable: true})
	x.readOnly = err
	if err == nil {
		if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			x.clock = time.Since(at)
		}
	}
	for w, err := range c.Webhooks(ctx) {
		if err != nil {
			x.hooksErr = err
			break
		}
		x.hooks = append(x.hooks, w)
	}
}

func (x *examination) add(name, severity, finding, remedy string) {
	x.checks = append(x.checks, orm.Values{"rank": len(x.checks), "name": name, "severity": severity, "finding": finding, "remedy": remedy})
}

// diagnose turns what the store said into lines.
func (x *examination) diagnose(env *orm.Env, inst *Instance) error {
	if x.test.failure != nil {
		x.add("Connection", CheckError, explain(x.test.failure), "Correct the address or the keys, then examine the store again.")
		return nil
	}
	f := x.test.found
	x.add("Connection", CheckOK, fmt.Sprintf("WooCommerce %s on WordPress %s answers.", f.Version, f.WPVersion), "")
	x.transport(inst)
	for _, text := range f.Observations {
		x.add("Connection", CheckWarning, text, "")
	}
	switch {
	case errors.Is(x.readOnly, wcapi.ErrUnauthorized), errors.Is(x.readOnly, wcapi.ErrForbidden):
		x.add("Permission of the keys", CheckError, "The keys may read only: "+explain(x.readOnly), "Make keys with Read/Write permission under WooCommerce, Settings, Advanced, REST API.")
	case x.readOnly != nil:
		x.add("Permission of the keys", CheckWarning, "It could not be tried whether the keys may write: "+explain(x.readOnly), "Examine the store again.")
	default:
		x.add("Permission of the keys", CheckOK, "The keys may read and write.", "")
	}
	if skew := x.clock.Abs(); skew > 2*time.Minute {
		x.add("Clock", CheckWarning, fmt.Sprintf("The clocks of the store and of this system differ by %s.", skew.Round(time.Second)), "Set the clock of the one that is wrong.")
	}
	if inst.StoreZone == "" {
		x.add("Time zone", CheckWarning, "The store has a fixed offset as its time zone, so its local times shift in summer.", "Choose a city under WordPress, Settings, General.")
	}
	if err := x.money(env, inst); err != nil {
		return err
	}
	return x.wayBack(env, inst)
}

// transport judges how the store is reached.
func (x *examination) transport(inst *Instance) {
	u, err := url.Parse(inst.URL)
	if err != nil {
		return
	}
	switch {
	case u.Scheme == "https":
		x.add("Encryption", CheckOK, "The store is reached over HTTPS.", "")
	case loopback(u.Hostname()):
		x.add("Encryption", CheckOK, "The store is on this machine; nothing travels over a network.", "")
	default:
		x.add("Encryption", CheckWarning, "The store is reached over plain HTTP: orders and addresses can be read on their way.", "Give the store a certificate, then change its address here to https.")
	}
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// money judges what books depend on.
func (x *examination) money(env *orm.Env, inst *Instance) error {
	company, err := env.Sudo().Model("res.company").Browse(inst.CompanyID.ID).Read("name", "currency_id", "account_price_include")
	if err != nil {
		return err
	}
	own, err := orm.Get[base.Currency](env.Sudo(), company[0].ID("currency_id"))
	if err != nil {
		return err
	}
	if own.Name == inst.StoreCurrency {
		x.add("Currency", CheckOK, fmt.Sprintf("The store and the company use %s.", own.Name), "")
	} else {
		rates, err := env.Sudo().Model("res.currency.rate").SearchCount(orm.And(orm.Leaf("currency_id.name", "in", []any{inst.StoreCurrency, own.Name}),
			orm.Leaf("company_id", "in", []any{inst.CompanyID.ID, false})), 1)
		if err != nil {
			return err
		}
		severity, remedy := CheckWarning, "Orders are booked at the exchange rates entered under Settings, Currencies. Prices are not exchanged."
		if rates == 0 {
			severity, remedy = CheckError, "Enter exchange rates under Settings, Currencies; or, as long as nothing is booked, give the company the currency of the store."
		}
		x.add("Currency", severity, fmt.Sprintf("The store sells in %s, and %s keeps its books in %s.", inst.StoreCurrency, company[0].Text("name"), own.Name), remedy)
	}
	if included := company[0].Text("account_price_include") == account.PriceTaxIncluded; included != inst.PricesWithTax {
		x.add("Prices and tax", CheckWarning, "Prices are entered with tax at one end and without at the other, so prices are not exchanged. Orders are booked to the cent all the same.",
			"Enter prices the same way at both ends, or set Price Sync Direction to None.")
	}
	if places := own.DecimalPlaces; own.Name == inst.StoreCurrency && places != inst.PriceDecimals {
		x.add("Decimals", CheckWarning, fmt.Sprintf("The store shows prices with %d decimals, and %s has %d here.", inst.PriceDecimals, own.Name, places), "Set the decimals of the store's prices under WooCommerce, Settings, General.")
	}
	unmapped := 0
	taxes, err := orm.Search[TaxMap](env.Sudo(), orm.Leaf("instance_id", "=", inst.ID), orm.SearchOptions{})
	if err != nil {
		return err
	}
	for _, t := range taxes {
		if !t.TaxID.IsSet() {
			unmapped++
		}
	}
	if unmapped > 0 {
		x.add("Taxes", CheckError, fmt.Sprintf("%d tax rates of the store have no tax here.", unmapped), "Choose a tax for each under Policies.")
	} else {
		x.add("Taxes", CheckOK, fmt.Sprintf("%d tax rates of the store have a tax here.", len(taxes)), "")
	}
	return nil
}

// wayBack judges whether the store can reach this system.
func (x *examination) wayBack(env *orm.Env, inst *Instance) error {
	address, _, err := base.GetParam(env, "web.base.url")
	if err != nil {
		return err
	}
	u, _ := url.Parse(address)
	store, _ := url.Parse(inst.URL)
	switch {
	case address == "":
		x.add("Webhooks", CheckWarning, "The address of this system is not known, so the store cannot call it.", "Set the system parameter web.base.url. Until then changes come with the next poll.")
		return nil
	case u != nil && loopback(u.Hostname()) && store != nil && !loopback(store.Hostname()):
		x.add("Webhooks", CheckWarning, "The address of this system is "+address+", which is this machine for everybody else.", "Set the system parameter web.base.url to an address the store can reach. Until then changes come with the next poll.")
		return nil
	case x.hooksErr != nil:
		x.add("Webhooks", CheckWarning, "The webhooks of the store cannot be read: "+explain(x.hooksErr), "Examine the store again.")
		return nil
	}
	var active, broken int
	for _, w := range x.hooks {
		if !strings.HasPrefix(w.DeliveryURL, strings.TrimRight(address, "/")+"/woo/webhook/") {
			continue
		}
		if w.Status == "active" {
			active++
		} else {
			broken++
		}
	}
	events, err := env.Sudo().Model("woo.event").SearchCount(orm.Leaf("instance_id", "=", inst.ID), 1)
	if err != nil {
		return err
	}
	switch {
	case active+broken == 0:
		x.add("Webhooks", CheckWarning, "The store does not tell this system of changes.", "Press Register Webhooks. Until then changes come with the next poll.")
	case broken > 0:
		x.add("Webhooks", CheckWarning, fmt.Sprintf("%d of %d webhooks are not active.", broken, active+broken), "Press Register Webhooks.")
	case events == 0:
		x.add("Webhooks", CheckWarning, fmt.Sprintf("%d webhooks are active, but none has arrived yet.", active), "Change something in the store. If nothing arrives, see whether a firewall keeps the store from "+address+".")
	default:
		x.add("Webhooks", CheckOK, fmt.Sprintf("%d webhooks are active, and they arrive.", active), "")
	}
	return nil
}

// store replaces the lines of the last examination.
func (x *examination) store(env *orm.Env, inst *Instance) error {
	admin := env.Sudo()
	old, err := admin.Model("woo.check").Search(orm.Leaf("instance_id", "=", inst.ID), orm.SearchOptions{})
	if err != nil {
		return err
	}
	if err := old.Unlink(); err != nil {
		return err
	}
	for _, c := range x.checks {
		c["instance_id"] = inst.ID
	}
	if _, err := admin.Model("woo.check").Create(x.checks...); err != nil {
		return err
	}
	return orm.RecordsOf(admin, inst).Write(orm.Values{"examined_at": orm.DatetimeOf(env.Now())})
}
