package woocommerce

import (
	"errors"
	"testing"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/controllers"
	"fusionsoft.ca/fusion/framework/orm"
)

// TestDocumentTickets opens addresses of documents that are too old, signed by
// somebody else, or about nothing.
func TestDocumentTickets(t *testing.T) {
	t.Parallel()
	env := start(t)
	one := connect(t, env, "https://one.example", nil)
	two := connect(t, env, "https://two.example", orm.Values{"name": "Two"})
	key := must(documentKey(env, one))(t)
	if again := must(documentKey(env, must(orm.Get[Instance](env, one.ID))(t)))(t); string(again) != string(key) {
		t.Error("an instance has another key each time")
	}
	foreign := must(documentKey(env, two))(t)
	now := env.Now().Unix()
	for name, c := range map[string]struct {
		token string
		fault string
	}{
		"a second too old":      {ticket{one.ID, 7, "invoice-1", "v", now - 1}.seal(key), "expired"},
		"about no order":        {ticket{one.ID, 7, "invoice-1", "v", now + 1}.seal(key), "not_found"},
		"signed by another":     {ticket{one.ID, 7, "invoice-1", "v", now - 1}.seal(foreign), "not_found"},
		"signed with no key":    {ticket{one.ID, 7, "invoice-1", "v", now - 1}.seal(nil), "not_found"},
		"of no instance":        {ticket{999, 7, "invoice-1", "v", now - 1}.seal(nil), "not_found"},
		"without its signature": {"eyJpIjoxfQ", "not_found"},
		"no token":              {"%", "not_found"},
	} {
		_, err := openDocument(env, c.token)
		if f, ok := errors.AsType[*controllers.Fault](err); !ok || f.Name != c.fault {
			t.Errorf("a token %s: %v, want %s", name, err, c.fault)
		}
	}
}

// TestStoreOfKey finds the store of a key, and none for a key of two.
func TestStoreOfKey(t *testing.T) {
	t.Parallel()
	env := start(t)
	one := connect(t, env, "https://one.example", orm.Values{"odoo_api_key": "first key"})
	two := connect(t, env, "https://two.example", orm.Values{"name": "Two", "odoo_api_key": "second key"})
	connect(t, env, "https://three.example", orm.Values{"name": "Three"})
	for key, want := range map[string]int64{"first key": one.ID, "second key": two.ID, "First key": 0, "first ke": 0, "": 0} {
		if got := must(storeOf(env, key))(t); got != want {
			t.Errorf("the key %q is of instance %d, want %d", key, got, want)
		}
	}
	if err := orm.RecordsOf(env, two).Write(orm.Values{"odoo_api_key": "first key"}); err != nil {
		t.Fatal(err)
	}
	if got := must(storeOf(env, "first key"))(t); got != 0 {
		t.Errorf("a key of two stores is of instance %d", got)
	}
}
