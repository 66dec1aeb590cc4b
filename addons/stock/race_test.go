package stock_test

import (
	"sync"
	"testing"

	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// run executes each function in a unit of work of its own, all at once.
func run(t *testing.T, db *orm.DB, fns ...func(*orm.Env) error) []error {
	t.Helper()
	errs := make([]error, len(fns))
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for i, fn := range fns {
		wg.Go(func() {
			<-begin
			errs[i] = db.Run(t.Context(), orm.System(), fn)
		})
	}
	close(begin)
	wg.Wait()
	return errs
}

func unit(t *testing.T, db *orm.DB, fn func(*kit)) {
	t.Helper()
	for _, err := range run(t, db, func(env *orm.Env) error { fn(&kit{t, env}); return nil }) {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheLastPieceIsReservedOnce(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, addons()...)
	const rivals = 4
	var lamp int64
	pickings := make([]int64, rivals)
	unit(t, db, func(k *kit) {
		lamp = k.product("Lamp")
		k.count(lamp, k.ref("stock_location_stock"), 1)
		for i := range pickings {
			pickings[i] = k.draft("picking_type_out", map[int64]float64{lamp: 1}).ID()
		}
	})
	fns := make([]func(*orm.Env) error, rivals)
	for i := range fns {
		fns[i] = func(env *orm.Env) error {
			_, err := env.Model("stock.picking").Browse(pickings[i]).Call("action_confirm", orm.Args{})
			return err
		}
	}
	for _, err := range run(t, db, fns...) {
		if err != nil {
			t.Error(err)
		}
	}
	unit(t, db, func(k *kit) {
		won := 0
		for _, id := range pickings {
			if k.picking(id).State == stock.PickingAssigned {
				won++
			}
		}
		if won != 1 {
			t.Errorf("%d transfers got the last piece", won)
		}
		k.equal("stock", k.stock(lamp), "1 -3 0 0 4")
		k.books()
	})
}

func TestDeliveriesAndReceiptsAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, addons()...)
	const each = 3
	var lamp int64
	var pickings []int64
	unit(t, db, func(k *kit) {
		lamp = k.product("Lamp")
		k.count(lamp, k.ref("stock_location_stock"), 10)
		for range each {
			pickings = append(pickings, k.delivery(map[int64]float64{lamp: 2}).ID, k.confirmed(k.draft("picking_type_in", map[int64]float64{lamp: 5})).ID)
		}
	})
	var fns []func(*orm.Env) error
	for _, id := range pickings {
		fns = append(fns, func(env *orm.Env) error {
			ps, err := orm.Read[stock.Picking](env, []int64{id})
			if err != nil {
				return err
			}
			_, err = orm.Invoke(env, stock.ButtonValidate, ps)
			return err
		})
	}
	for _, err := range run(t, db, fns...) {
		if err != nil {
			t.Error(err)
		}
	}
	unit(t, db, func(k *kit) {
		k.equal("stock", k.stock(lamp), "19 19 19 0 0")
		k.books()
	})
}

func TestTwoFirstCountsOfAProductMakeOneQuantity(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, addons()...)
	var lamp, loc int64
	unit(t, db, func(k *kit) { lamp, loc = k.product("Lamp"), k.ref("stock_location_stock") })
	receive := func(env *orm.Env) error {
		ref, err := env.Ref("stock.picking_type_in")
		if err != nil {
			return err
		}
		d, err := env.Model("stock.picking").Create(orm.Values{"picking_type_id": ref.ID(), "move_ids": []any{[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 1}}}})
		if err != nil {
			return err
		}
		_, err = d.Call("button_validate", orm.Args{})
		return err
	}
	for _, err := range run(t, db, receive, receive, receive) {
		if err != nil {
			t.Error(err)
		}
	}
	unit(t, db, func(k *kit) {
		qs, err := orm.Search[stock.Quant](k.env, orm.And(orm.Leaf("product_id", "=", lamp), orm.Leaf("location_id", "=", loc)), orm.SearchOptions{})
		k.check(err)
		if len(qs) != 1 || qs[0].Quantity.String() != "3" {
			t.Errorf("quantities: %v", qs)
		}
	})
}
