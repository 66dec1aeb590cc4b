package ordermap

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"

	"github.com/shopspring/decimal"
)

func TestTies(t *testing.T) {
	t.Parallel()
	for order, want := range map[string]Family{
		`{"id":5}`:                {},
		`{"id":5,"parent_id":0}`:  {},
		`{"id":5,"parent_id":""}`: {},
		`{"id":5,"parent_id":5}`:  {}, // its own parent is none
		`{"id":7001,"parent_id":7000,"created_via":"dokan"}`:                                                            {Tie: Part, Parent: 7000},
		`{"id":7001,"parent_id":"7000","created_via":"checkout"}`:                                                       {Tie: Part, Parent: 7000},
		`{"id":7001,"parent_id":5060147738939}`:                                                                         {Tie: Part, Parent: 5060147738939},
		`{"id":7000,"meta_data":[{"key":"has_sub_order","value":"1"}]}`:                                                 {Split: true},
		`{"id":7000,"meta_data":[{"key":"has_sub_order","value":true}]}`:                                                {Split: true},
		`{"id":7000,"meta_data":[{"key":"has_sub_order","value":"0"}]}`:                                                 {},
		`{"id":90,"parent_id":80,"created_via":"wc_deposits"}`:                                                          {Tie: Balance, Parent: 80},
		`{"id":90,"parent_id":80,"meta_data":[{"key":"_original_order_id","value":80}]}`:                                {Tie: Balance, Parent: 80},
		`{"id":90,"parent_id":80,"created_via":"subscription"}`:                                                         {Tie: Successor, Parent: 80},
		`{"id":90,"parent_id":80,"created_via":"checkout","meta_data":[{"key":"_subscription_renewal","value":"282"}]}`: {Tie: Successor, Parent: 80},
	} {
		o := parse(t, order)
		if got := familyOf(&o); got != want {
			t.Errorf("%s: %+v, want %+v", order, got, want)
		}
	}
}

// The three orders of a marketplace sale are worth 50.00 and one honey and two
// soaps, whichever comes first and whatever the shop chose.
func TestMarketplaceOrdersAreBookedOnce(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/cases/marketplace.json")
	if err != nil {
		t.Fatal(err)
	}
	var orders []wcapi.Order
	if err := json.Unmarshal(raw, &orders); err != nil {
		t.Fatal(err)
	}
	if len(orders) != 3 {
		t.Fatalf("%d orders", len(orders))
	}
	for _, split := range []bool{false, true} { // whether the parent says that it was split
		for _, policy := range []Marketplace{"", HoldParts, ImportParents, ImportChildren} {
			for _, sequence := range [][]int{{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}} {
				booked := map[int64]Order{}
				names := map[int64]int64{}
				waiting := 0
				for _, i := range sequence {
					o := Map(Input{Order: orders[i], Places: 2})
					o.Family.Split = split && o.Family.Parent == 0
					kin := Kin{}
					for id, parent := range names {
						if parent == o.ID {
							kin.Parts = append(kin.Parts, id)
							_, done := booked[id]
							kin.PartsBooked = kin.PartsBooked || done
						}
					}
					_, kin.ParentBooked = booked[o.Family.Parent]
					names[o.ID] = o.Family.Parent
					if o.Family.Root(o.ID) != 7000 {
						t.Errorf("order %d belongs to %d", o.ID, o.Family.Root(o.ID))
					}
					class, why := policy.Decide(o.Family, kin)
					if class == Import {
						booked[o.ID] = o
					} else if waiting++; why == "" || o.Family.Tie == Part && !strings.Contains(why, "part of order 7000") {
						t.Errorf("order %d is %s: %q", o.ID, class, why)
					}
				}
				total, pieces := decimal.Zero, map[int64]decimal.Decimal{}
				for _, o := range booked {
					total = total.Add(o.Totals.Total)
					for _, l := range o.Lines {
						pieces[l.ProductID] = pieces[l.ProductID].Add(l.Quantity)
					}
				}
				if total.String() != "50" || pieces[301].String() != "1" || pieces[302].String() != "2" || len(booked)+waiting != 3 {
					t.Errorf("policy %q, sequence %v, split %t: %s, %v, %d wait", policy, sequence, split, total, pieces, waiting)
				}
			}
		}
	}
}

func TestOrdersTiedOtherwise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		policy Marketplace
		f      Family
		kin    Kin
		want   Class
	}{
		{ImportChildren, Family{Tie: Balance, Parent: 80}, Kin{}, Hold},
		{ImportParents, Family{Tie: Successor, Parent: 80}, Kin{ParentBooked: true}, Import},
		{HoldParts, Family{}, Kin{}, Import},
		{HoldParts, Family{}, Kin{Parts: []int64{1}}, Import},
		{ImportChildren, Family{}, Kin{}, Import},
		// The shop chose otherwise after the first was booked.
		{ImportParents, Family{Split: true}, Kin{Parts: []int64{1}, PartsBooked: true}, Hold},
		{ImportChildren, Family{Tie: Part, Parent: 80}, Kin{ParentBooked: true}, Hold},
	} {
		got, why := c.policy.Decide(c.f, c.kin)
		if got != c.want || (why == "") != (got == Import) {
			t.Errorf("%q %+v %+v: %s (%s), want %s", c.policy, c.f, c.kin, got, why, c.want)
		}
	}
}
