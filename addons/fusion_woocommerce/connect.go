package woocommerce

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/outbound"
)

// config is how the store of an instance is reached, through the gate.
func (i *Instance) config(gate *outbound.Gate) wcapi.Config {
	cfg := wcapi.Config{BaseURL: i.URL, Transport: gate.Transport(), Proven: i.ProvenURL != "" && i.ProvenURL == i.URL, ConsumerKey: i.ConsumerKey.Reveal(), ConsumerSecret: i.ConsumerSecret.Reveal(),
		APIVersion: i.APIVersion, PlainPermalinks: i.PlainLinks, SignAsHTTP: i.SignAsHTTP, RateLimit: i.RequestRate, Burst: max(1, int(i.RequestRate))}
	if i.AuthMode != "" && i.AuthMode != AuthAuto {
		cfg.Auth = wcapi.AuthMode(i.AuthMode)
	}
	return cfg
}

// client speaks to the store.
func (i *Instance) client(gate *outbound.Gate) (*wcapi.Client, error) {
	if i.ConsumerKey == "" || i.ConsumerSecret == "" {
		return nil, orm.UserErrorf("%s has no keys. They are cleared when its address changes: enter the consumer key and secret of the store at %s.", i.Name, i.URL)
	}
	return wcapi.New(i.config(gate))
}

// loadInstance reads an instance with its secrets, for work outside of any
// user's rights, and the gate to its store.
func loadInstance(ctx context.Context, db *orm.DB, id int64) (inst *Instance, gate *outbound.Gate, err error) {
	err = db.View(ctx, orm.System(), func(env *orm.Env) error {
		if inst, err = orm.Get[Instance](env, id, "status_map_ids"); err == nil {
			gate, err = base.OutboundGate(env)
		}
		return err
	})
	return inst, gate, err
}

// testConnection asks the store who it is, finds out how keys reach it, and
// reads its taxes.
func testConnection(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	gate, err := base.OutboundGate(env)
	if err != nil {
		return nil, err
	}
	tests := make([]*connectionTest, len(recs))
	for i, inst := range recs {
		if _, err := inst.client(gate); err != nil {
			return nil, orm.UserErrorf("%s", explain(err))
		}
		tests[i] = &connectionTest{inst: inst, cfg: inst.config(gate)}
	}
	return env.CallOut(&orm.CallOut{
		Title: TestConnection.Waiting,
		Do: func(ctx context.Context) error {
			for _, t := range tests {
				t.ask(ctx)
			}
			return ctx.Err()
		},
		Then: func(env *orm.Env) (any, error) {
			var told []string
			for _, t := range tests {
				inst, err := t.unchanged(env)
				if err != nil {
					return nil, err
				}
				if t.failure != nil {
					// The state must change although the button fails, so the failure
					// is told in the answer rather than as an error.
					if err := markError(env, inst, t.failure); err != nil {
						return nil, err
					}
					return notify("danger", "Connection failed", explain(t.failure)), nil
				}
				if err := connected(env, inst, t); err != nil {
					return nil, err
				}
				told = append(told, fmt.Sprintf("%s answers: WooCommerce %s, WordPress %s, currency %s.", inst.Name, t.found.Version, t.found.WPVersion, t.found.Currency))
				told = append(told, t.found.Observations...)
			}
			return notify("success", "Connection works", strings.Join(told, " ")), nil
		},
	})
}

// connectionTest is what a store answers to the test of its connection.
type connectionTest struct {
	inst    *Instance // as it was when it was tested
	cfg     wcapi.Config
	found   *wcapi.Findings
	taxes   []wcapi.Setting
	rates   []wcapi.Tax
	ways    []wcapi.PaymentGateway
	failure error
}

// ask asks the store.
func (t *connectionTest) ask(ctx context.Context) {
	if t.found, t.failure = wcapi.Probe(ctx, t.cfg); t.failure != nil {
		return
	}
	c, err := wcapi.New(t.found.Config)
	if err == nil {
		t.taxes, err = c.Settings(ctx, "tax")
	}
	if err != nil {
		t.failure = orm.UserErrorf("The store answers, but its tax settings cannot be read: %s", explain(err))
		return
	}
	for rate, err := range c.Taxes(ctx) {
		if err != nil {
			t.failure = orm.UserErrorf("The store answers, but its taxes cannot be read: %s", explain(err))
			return
		}
		t.rates = append(t.rates, rate)
	}
	if t.ways, err = c.PaymentGateways(ctx); err != nil {
		// Some keys may not read them. Orders tell theirs.
		t.found.Observations = append(t.found.Observations, "Its payment methods cannot be read, and are listed with the orders that name them: "+explain(err))
	}
}

// unchanged reads the instance again, which must still be the one that was asked.
func (t *connectionTest) unchanged(env *orm.Env) (*Instance, error) {
	now, err := orm.Get[Instance](env, t.inst.ID)
	if err == nil && (now.URL != t.inst.URL || now.ConsumerKey != t.inst.ConsumerKey || now.ConsumerSecret != t.inst.ConsumerSecret) {
		err = orm.UserErrorf("The address or the keys of %s were changed while the store was asked. Test it again.", now.Name)
	}
	return now, err
}

func connected(env *orm.Env, inst *Instance, t *connectionTest) error {
	admin, f := env.Sudo(), t.found
	vals := orm.Values{"state": StoreConnected, "proven_url": inst.URL, "auth_mode": string(f.Config.Auth), "plain_permalinks": f.Config.PlainPermalinks, "sign_as_http": f.Config.SignAsHTTP,
		"store_version": f.Version, "store_timezone": f.TimeZone, "hpos": f.HPOS, "store_currency": f.Currency, "store_decimals": f.Decimals, "tested_at": orm.DatetimeOf(env.Now()), "last_error": nil}
	for _, s := range t.taxes {
		if s.ID == "woocommerce_prices_include_tax" {
			vals["prices_include_tax"] = s.Text() == "yes"
		}
		if s.ID == "woocommerce_tax_round_at_subtotal" {
			vals["tax_at_subtotal"] = s.Text() == "yes"
		}
	}
	if err := orm.RecordsOf(admin, inst).Write(vals); err != nil {
		return err
	}
	if err := orm.Reload(admin, []*Instance{inst}); err != nil {
		return err
	}
	if err := mapTaxes(admin, inst, t.rates); err != nil {
		return err
	}
	if err := createWays(admin, inst, enabledWays(t.ways)); err != nil {
		return err
	}
	return logTo(env, inst, logEntry{Type: "health", State: "success", Ref: inst.URL, Message: fmt.Sprintf("Connected: WooCommerce %s, %d tax rates.", f.Version, len(t.rates)), Record: orm.RecordsOf(env, inst)})
}

// explain is what people are told of an error: what the store's client and the
// ORM say is meant for them, and says what to do; anything else is internal.
func explain(err error) string {
	if _, ok := errors.AsType[*wcapi.Error](err); ok {
		return printable(err.Error())
	}
	if oe, ok := errors.AsType[*orm.Error](err); ok && (oe.Code == orm.CodeUser || oe.Code == orm.CodeValidation || oe.Code == orm.CodeAccess) {
		return printable(oe.Message)
	}
	return "An internal error; the program's log says more."
}

func markError(env *orm.Env, inst *Instance, cause error) error {
	if err := orm.RecordsOf(env.Sudo(), inst).Write(orm.Values{"state": StoreError, "last_error": explain(cause), "tested_at": orm.DatetimeOf(env.Now())}); err != nil {
		return err
	}
	return logTo(env, inst, logEntry{Type: "health", State: "failed", Ref: inst.URL, Message: explain(cause), Record: orm.RecordsOf(env, inst)})
}
