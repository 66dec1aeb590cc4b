package orm

import (
	"context"
	"strings"
	"testing"
)

type lostItem struct {
	Record `orm:"t.lost.item"`
	Name   string `orm:"name,required"`
	State  string `orm:"state,default=open" selection:"open:Open,done:Done"`
}

var sweepItems = ModelMethod[lostItem]{Name: "sweep"}

// A later addon adds a value to a selection and wraps a method of the model.
func TestSelectionsAndModelMethodsAreExtended(t *testing.T) {
	r := NewRegistry()
	r.Begin("first")
	d := Define[lostItem](r)
	ImplementModel(d, sweepItems, func(*Env, Args) (any, error) { return "swept", nil })
	d.AddOptions("state", Option{"lost", "Lost"})
	r.Begin("second")
	OverrideModel(r, sweepItems, func(super Function) Function {
		return func(env *Env, a Args) (any, error) {
			got, err := super(env, a)
			if err != nil {
				return nil, err
			}
			return got.(string) + " twice", nil
		}
	})
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	e := must[*Env](t)(testDBOf(t, r).Begin(context.Background(), System()))
	t.Cleanup(e.Rollback)
	rs := must[Records](t)(e.Model("t.lost.item").Create(Values{"name": "Umbrella", "state": "lost"}))
	if got := rs.Model.Fields["state"].OptionLabel("lost"); got != "Lost" {
		t.Errorf("the added value is labelled %q", got)
	}
	if _, err := e.Model("t.lost.item").Create(Values{"name": "Scarf", "state": "stolen"}); err == nil {
		t.Error("a value nobody added is accepted")
	}
	if got := must[any](t)(e.Model("t.lost.item").Do("sweep", Args{})); got != "swept twice" {
		t.Errorf("sweep answers %v", got)
	}
}

// t_lost.item is another name, but its table and the name of its ir.model
// would be those of t.lost.item.
func TestTwoModelsCannotShareATable(t *testing.T) {
	type other struct {
		Record `orm:"t_lost.item"`
		Name   string `orm:"name"`
	}
	r := NewRegistry()
	Define[lostItem](r)
	Define[other](r)
	if err := r.Freeze(); err == nil || !strings.Contains(err.Error(), "model t_lost.item would have the table and the external id of t.lost.item") {
		t.Errorf("Freeze: %v", err)
	}
}
