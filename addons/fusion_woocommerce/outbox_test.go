package woocommerce

import (
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// TestWhatIsGoneHidesNoAnswer settles a batch in which the record of the first change
// was deleted meanwhile.
func TestWhatIsGoneHidesNoAnswer(t *testing.T) {
	t.Parallel()
	env := start(t)
	inst := connect(t, env, "http://127.0.0.1:1", nil)
	made, err := env.Model("woo.order").Create(orm.Values{"instance_id": inst.ID, "company_id": inst.CompanyID.ID, "woo_id": 7, "woo_status": "processing"})
	if err != nil {
		t.Fatal(err)
	}
	gone, there := &Outgoing{Target: "order:404"}, &Outgoing{Target: "order:7"}
	if err := (statusSender{}).took(env, inst, []delivered{{gone, OutgoingSent, statusNow{Status: "completed"}}, {there, OutgoingSent, statusNow{Status: "completed"}}}); err != nil {
		t.Fatal(err)
	}
	if got := must(made.Value("woo_status"))(t); got != "completed" {
		t.Errorf("the order is %v here, want completed", got)
	}
}
