package woocommerce

import (
	"fmt"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
	"fusionsoft.ca/fusion/framework/orm"
)

func TestConnectionIsFoundOut(t *testing.T) {
	t.Parallel()
	env := start(t)
	_, url := shop(t)
	inst := connect(t, env, "  "+strings.ToUpper(url[:4])+url[4:]+"/ ", nil)
	if inst.URL != url || inst.State != StoreDraft || !inst.ShippingID.IsSet() || !inst.FeeID.IsSet() || !inst.RoundingID.IsSet() || !inst.PlaceholderID.IsSet() || !inst.WarehouseID.IsSet() {
		t.Errorf("%+v", inst)
	}
	answer := fmt.Sprint(test(t, env, inst))
	inst = must(orm.Get[Instance](env, inst.ID))(t)
	if inst.State != StoreConnected || inst.StoreVersion != "9.2.5" || inst.StoreZone != "America/Toronto" || !inst.HPOS || inst.AuthMode != AuthOAuth || !strings.Contains(answer, "9.2.5") {
		t.Errorf("%s: %+v", answer, inst)
	}
	maps := must(taxMaps(env, inst))(t)
	if len(maps) != 24 {
		t.Errorf("%d tax rates are mapped", len(maps))
	}
	for _, m := range maps {
		if !m.TaxID.IsSet() {
			t.Errorf("%s is not mapped", m.Name)
		}
	}
	// Asked again, the same taxes are found again.
	test(t, env, inst)
	if n := must(env.Model("woo.tax.map").SearchCount(nil, 0))(t); n != 24 {
		t.Errorf("%d tax rates after the second test", n)
	}
	// Another address is another store.
	if err := orm.RecordsOf(env, inst).Write(orm.Values{"url": "https://other.example"}); err != nil {
		t.Fatal(err)
	}
	if inst = must(orm.Get[Instance](env, inst.ID))(t); inst.State != StoreDraft || inst.AuthMode != AuthAuto {
		t.Errorf("state %s, sign-in %s", inst.State, inst.AuthMode)
	}
}

func TestConnectionThatFailsSaysWhatToDo(t *testing.T) {
	t.Parallel()
	env := start(t)
	sim, url := shop(t)
	inst := connect(t, env, url, orm.Values{"consumer_secret": "cs_wrongwrongwrongwrongwrongwrongwrongwrong"})
	answer := fmt.Sprint(test(t, env, inst))
	inst = must(orm.Get[Instance](env, inst.ID))(t)
	if inst.State != StoreError || !strings.Contains(answer, "danger") || inst.LastError == "" || strings.Contains(inst.LastError+answer, "wrongwrong") {
		t.Errorf("%s: state %s, %s", answer, inst.State, inst.LastError)
	}
	sim.AddFault(woosim.Fault{Kind: woosim.FaultHTML})
	test(t, env, inst)
	if inst = must(orm.Get[Instance](env, inst.ID))(t); !strings.Contains(inst.LastError, "API") {
		t.Errorf("a web page in place of the API: %s", inst.LastError)
	}
}

func TestSecretsAreForAdministrators(t *testing.T) {
	t.Parallel()
	env := start(t)
	inst := connect(t, env, "https://shop.example", orm.Values{"webhook_secret": "whsec"})
	must(orm.Invoke(env, GenerateAPIKey, []*Instance{inst}))(t)
	manager := must(env.Model("res.users").Create(orm.Values{"name": "Mia", "login": "mia", "group_ids": []orm.Command{orm.Link(must(env.Ref("fusion_woocommerce.group_woo_manager"))(t).ID())}}))(t)
	user := must(env.Model("res.users").Create(orm.Values{"name": "Uma", "login": "uma", "group_ids": []orm.Command{orm.Link(must(env.Ref("fusion_woocommerce.group_woo_user"))(t).ID())}}))(t)
	rs := env.Model("woo.instance").Browse(inst.ID)
	for _, field := range []string{"consumer_key", "consumer_secret", "webhook_secret", "odoo_api_key"} {
		if v, err := rs.In(env.WithUser(manager.ID())).Read(field); err == nil {
			t.Errorf("a manager reads %s: %v", field, v)
		}
	}
	if _, err := rs.In(env.WithUser(user.ID())).Read("name", "state"); err != nil {
		t.Errorf("a user cannot read the instance: %v", err)
	}
	if err := rs.In(env.WithUser(user.ID())).Write(orm.Values{"name": "Mine"}); err == nil {
		t.Error("a user changes the instance")
	}
	if err := rs.In(env.WithUser(manager.ID())).Write(orm.Values{"name": "Ours"}); err != nil {
		t.Errorf("a manager cannot change the instance: %v", err)
	}
	if _, err := rs.In(env.WithUser(user.ID())).Call("action_generate_api_key", orm.Args{}); err == nil {
		t.Error("a user makes a new API key")
	}
	key := must(orm.Get[Instance](env, inst.ID))(t).APIKey.Reveal()
	if len(key) != 43 || strings.ContainsAny(key, "+/=") {
		t.Errorf("the API key is %q", key)
	}
}

func TestLogIsOnlyAddedTo(t *testing.T) {
	t.Parallel()
	env := start(t)
	inst := connect(t, env, "https://shop.example", nil)
	if err := logTo(env, inst, logEntry{Type: "order", State: "success", Message: "done"}); err != nil {
		t.Fatal(err)
	}
	rs := must(env.Model("woo.sync.log").Search(nil, orm.SearchOptions{}))(t)
	if err := rs.Write(orm.Values{"message": "other"}); err == nil {
		t.Error("an entry was changed")
	}
	if _, err := env.Exec(orm.SQL("UPDATE woo_sync_log SET create_date = create_date - interval '91 days'")); err != nil {
		t.Fatal(err)
	}
	if n := must(orm.InvokeModel(env, CleanLogs))(t); n != 1 {
		t.Errorf("%v entries were cleaned", n)
	}
}
