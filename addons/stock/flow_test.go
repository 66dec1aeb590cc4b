package stock_test

import (
	"testing"

	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/framework/orm"
)

func TestADeliveryFromDraftToDone(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 10)
	k.equal("counted", k.stock(lamp), "10 10 10 0 0")
	d := k.draft("picking_type_out", map[int64]float64{lamp: 3})
	p := k.picking(d.ID())
	k.equal("draft", p.State+" "+number.ReplaceAllString(p.Name, "#"), "draft WH/OUT/#")
	if p.LocationID.ID != k.ref("stock_location_stock") || p.DestID.ID != k.ref("stock_location_customers") {
		t.Errorf("goes from %d to %d", p.LocationID.ID, p.DestID.ID)
	}
	k.equal("a draft promises nothing", k.stock(lamp), "10 10 10 0 0")
	p = k.confirmed(d)
	k.equal("confirmed", p.State+" "+k.moves(p.ID), "assigned assigned 3/3; ")
	k.equal("reserved", k.stock(lamp), "10 7 7 0 3")
	k.books()
	if v := k.validate(p); v != true {
		t.Errorf("button_validate answers %v", v)
	}
	p = k.picking(p.ID)
	k.equal("done", p.State+" "+k.moves(p.ID), "done done 3/3; ")
	k.equal("delivered", k.stock(lamp), "7 7 7 0 0")
	if p.DateDone.IsZero() || !p.MoveIDs.All()[0].Picked {
		t.Error("the transfer has no date of transfer, or its move is not picked")
	}
	k.books()
	_, err := k.env.Model("stock.picking").Browse(p.ID).Call("action_cancel", orm.Args{})
	k.refused(err, orm.CodeUser)
	k.refused(k.env.Model("stock.picking").Browse(p.ID).Unlink(), orm.CodeUser)
	k.refused(orm.RecordsOf(k.env, p.MoveIDs.All()...).Write(orm.Values{"quantity": 1}), orm.CodeUser)
	k.refused(orm.RecordsOf(k.env, p.MoveLineIDs.All()...).Write(orm.Values{"quantity": 1}), orm.CodeUser)
	k.refused(orm.RecordsOf(k.env, p.MoveLineIDs.All()...).Unlink(), orm.CodeUser)
}

func TestTwoDeliveriesShareWhatIsThere(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 5)
	a, b := k.delivery(map[int64]float64{lamp: 3}), k.delivery(map[int64]float64{lamp: 3})
	k.equal("first", a.State+" "+k.moves(a.ID), "assigned assigned 3/3; ")
	k.equal("second", b.State+" "+k.moves(b.ID), "assigned partially_available 2/3; ")
	c := k.delivery(map[int64]float64{lamp: 1})
	k.equal("third", c.State+" "+k.moves(c.ID), "confirmed confirmed 0/1; ")
	k.equal("stock", k.stock(lamp), "5 -2 0 0 7")
	_, err := k.env.Model("stock.picking").Browse(c.ID).Call("button_validate", orm.Args{})
	k.refused(err, orm.CodeUser)
	k.call(k.env.Model("stock.picking").Browse(a.ID), "action_cancel")
	k.equal("cancelled", k.picking(a.ID).State+" "+k.moves(a.ID), "cancel cancel 0/3; ")
	k.equal("free again", k.stock(lamp), "5 1 3 0 4")
	k.call(k.env.Model("stock.picking").Browse(b.ID, c.ID), "action_assign")
	k.equal("second reserved", k.moves(b.ID)+k.moves(c.ID), "assigned 3/3; assigned 1/1; ")
	k.books()
}

func TestAllOrNothingWaitsForTheLastPiece(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 2)
	d := k.draft("picking_type_out", map[int64]float64{lamp: 3})
	k.check(d.Write(orm.Values{"move_type": "one"}))
	p := k.confirmed(d)
	k.equal("short", p.State+" "+k.moves(p.ID), "confirmed partially_available 2/3; ")
	k.count(lamp, k.ref("stock_location_stock"), 3)
	k.equal("complete", k.picking(p.ID).State+" "+k.moves(p.ID), "assigned assigned 3/3; ")
}

func TestUnreserveAndReserve(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 10)
	p := k.delivery(map[int64]float64{lamp: 4})
	rs := k.env.Model("stock.picking").Browse(p.ID)
	k.call(rs, "do_unreserve")
	k.equal("unreserved", k.picking(p.ID).State+" "+k.moves(p.ID)+k.stock(lamp), "confirmed confirmed 0/4; 10 6 10 0 4")
	k.books()
	k.call(rs, "action_assign")
	k.equal("reserved", k.picking(p.ID).State+" "+k.moves(p.ID)+k.stock(lamp), "assigned assigned 4/4; 10 6 6 0 4")
}

func TestPartialDeliveryAsksForABackorder(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 10)
	p := k.delivery(map[int64]float64{lamp: 5})
	k.take(p, 2)
	k.equal("taken", k.moves(p.ID)+k.stock(lamp), "partially_available 2/5; 10 5 8 0 5")
	answer, _ := k.validate(p).(map[string]any)
	if answer["res_model"] != "stock.backorder.confirmation" || answer["type"] != "ir.actions.act_window" {
		t.Fatalf("the answer is %v", answer)
	}
	k.equal("still open", k.picking(p.ID).State, "assigned")
	env := k.env.WithContext(answer["context"].(map[string]any))
	offered, err := env.Model("stock.backorder.confirmation").DefaultGet("backorder_confirmation_line_ids")
	k.check(err)
	if cmds, ok := offered["backorder_confirmation_line_ids"].([]orm.Command); !ok || len(cmds) != 1 || cmds[0].Values["picking_id"] != p.ID {
		t.Errorf("the wizard opens with %v", offered)
	}
	wizard, err := env.Model("stock.backorder.confirmation").Create(orm.Values{})
	k.check(err)
	k.call(wizard, "process")
	p = k.picking(p.ID)
	k.equal("done", p.State+" "+k.moves(p.ID), "done done 2/2; ")
	rest := p.BackorderIDs.All()
	if len(rest) != 1 {
		t.Fatalf("%d backorders", len(rest))
	}
	k.equal("backorder", number.ReplaceAllString(rest[0].Name, "#")+" "+rest[0].State+" "+k.moves(rest[0].ID), "WH/OUT/# assigned assigned 3/3; ")
	k.equal("stock", k.stock(lamp), "8 5 5 0 3")
	k.books()
	if v := k.validate(rest[0]); v != true {
		t.Errorf("the backorder answers %v", v)
	}
	k.equal("all delivered", k.stock(lamp), "5 5 5 0 0")
}

func TestPartialDeliveryWithoutBackorder(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 10)
	for name, env := range map[string]*orm.Env{
		"by context": k.env.WithContext(map[string]any{"skip_backorder": true}),
		"by wizard":  k.env,
		"by type":    k.env,
	} {
		p := k.delivery(map[int64]float64{lamp: 3})
		k.take(p, 1)
		kind := k.env.Model("stock.picking.type").Browse(k.ref("picking_type_out"))
		switch name {
		case "by context":
			k.in(env.WithContext(map[string]any{"picking_ids_not_to_backorder": []any{p.ID}})).validate(p)
		case "by wizard":
			k.call(k.create("stock.backorder.confirmation", orm.Values{"pick_ids": []any{[]any{4, p.ID}}}), "process_cancel_backorder")
		case "by type":
			k.check(kind.Write(orm.Values{"create_backorder": "never"}))
			k.validate(p)
			k.check(kind.Write(orm.Values{"create_backorder": "ask"}))
		}
		k.equal(name, k.picking(p.ID).State+" "+k.moves(p.ID), "done done 1/1; cancel 0/2; ")
		n, err := k.env.Model("stock.picking").SearchCount(orm.Leaf("backorder_id", "=", p.ID), 0)
		k.check(err)
		if n != 0 {
			t.Errorf("%s: %d backorders", name, n)
		}
	}
	k.equal("stock", k.stock(lamp), "7 7 7 0 0")
	k.books()
}

func TestUnpickedMovesGoToTheBackorderWithTheirReservation(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp, desk := k.product("Lamp"), k.product("Desk")
	k.count(lamp, k.ref("stock_location_stock"), 4)
	k.count(desk, k.ref("stock_location_stock"), 4)
	p := k.delivery(map[int64]float64{lamp: 2})
	k.check(k.env.Model("stock.picking").Browse(p.ID).Write(orm.Values{"move_ids": []any{[]any{0, 0, map[string]any{"product_id": desk, "product_uom_qty": 3}}}}))
	k.equal("an addition is confirmed at once", k.moves(p.ID), "assigned 2/2; assigned 3/3; ")
	k.check(k.env.Model("stock.move").Browse(p.MoveIDs.IDs()[0]).Write(orm.Values{"picked": true}))
	k.in(k.env.WithContext(map[string]any{"skip_backorder": true})).validate(p)
	p = k.picking(p.ID)
	k.equal("done", p.State+" "+k.moves(p.ID), "done done 2/2; ")
	k.equal("backorder", k.moves(p.BackorderIDs.IDs()[0]), "assigned 3/3; ")
	k.equal("desk", k.stock(desk), "4 1 1 0 3")
	k.books()
}

func TestADraftIsValidatedAtOnce(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 1)
	d := k.draft("picking_type_out", map[int64]float64{lamp: 2})
	// One is reserved by the confirmation, which says what is moved.
	k.in(k.env.WithContext(map[string]any{"skip_backorder": true})).validate(k.picking(d.ID()))
	k.equal("part", k.moves(d.ID())+k.stock(lamp), "done 1/1; 0 -1 0 0 1")
	desk := k.product("Desk")
	d = k.draft("picking_type_out", map[int64]float64{desk: 2})
	k.validate(k.picking(d.ID()))
	k.equal("nothing there: what is demanded", k.moves(d.ID())+k.stock(desk), "done 2/2; -2 -2 -2 0 0")
	k.books()
}

func TestForcingADeliveryTakesFromOthers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 5)
	a, b := k.delivery(map[int64]float64{lamp: 4}), k.delivery(map[int64]float64{lamp: 3})
	k.take(b, 3)
	k.equal("over-reserved", k.stock(lamp), "5 -2 -2 0 7")
	k.books()
	k.validate(b)
	k.equal("forced", k.moves(b.ID)+k.moves(a.ID)+k.stock(lamp), "done 3/3; partially_available 2/4; 2 -2 0 0 4")
	k.books()
	desk := k.product("Desk")
	c := k.delivery(map[int64]float64{desk: 3})
	k.take(c, 3)
	k.validate(c)
	k.equal("negative", k.stock(desk), "-3 -3 -3 0 0")
	k.count(desk, k.ref("stock_location_stock"), 2)
	k.equal("counted again", k.stock(desk), "2 2 2 0 0")
	k.books()
}

func TestReceiptsBringMoreThanExpected(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	p := k.confirmed(k.draft("picking_type_in", map[int64]float64{lamp: 7}))
	k.equal("expected", number.ReplaceAllString(p.Name, "#")+" "+p.State+" "+k.stock(lamp), "WH/IN/# assigned 0 7 0 7 0")
	k.take(p, 9)
	if v := k.validate(p); v != true {
		t.Errorf("button_validate answers %v", v)
	}
	k.equal("received", k.moves(p.ID)+k.stock(lamp), "done 9/7; 9 9 9 0 0")
}

func TestGoodsThatComeInServeWhoWaits(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	a, b := k.delivery(map[int64]float64{lamp: 2}), k.delivery(map[int64]float64{lamp: 2})
	k.check(k.env.Model("stock.picking").Browse(b.ID).Write(orm.Values{"priority": "1"}))
	k.validate(k.confirmed(k.draft("picking_type_in", map[int64]float64{lamp: 3})))
	k.equal("the urgent one first", k.moves(b.ID)+k.moves(a.ID), "assigned 2/2; partially_available 1/2; ")
	k.books()
}

func TestInternalTransfersAndLocations(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp, shelf := k.product("Lamp"), k.create("stock.location", orm.Values{"name": "Shelf", "location_id": k.ref("stock_location_stock")})
	k.count(lamp, k.ref("stock_location_stock"), 6)
	d := k.create("stock.picking", orm.Values{"picking_type_id": k.ref("picking_type_internal"), "location_dest_id": shelf.ID(),
		"move_ids": []any{[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 4}}}})
	k.confirmed(d)
	k.call(d, "action_assign") // of what is assigned already
	k.validate(k.picking(d.ID()))
	k.equal("the same in all", k.stock(lamp), "6 6 6 0 0")
	_, err := d.Call("action_assign", orm.Args{})
	k.refused(err, orm.CodeUser) // it is done
	k.equal("on the shelf", k.in(k.env.WithContext(map[string]any{"location": shelf.ID()})).stock(lamp), "4 4 4 0 0")
	k.equal("by name", k.in(k.env.WithContext(map[string]any{"location": "/Shelf"})).stock(lamp), "4 4 4 0 0")
	p := k.delivery(map[int64]float64{lamp: 5})
	k.equal("taken from both", k.moves(p.ID), "assigned 5/5; ")
	if n := len(p.MoveLineIDs.IDs()); n != 2 {
		t.Errorf("%d operations, one a location is expected", n)
	}
	k.refused(shelf.Write(orm.Values{"active": false}), orm.CodeUser)
	k.refused(shelf.Write(orm.Values{"usage": "view"}), orm.CodeUser)
	k.validate(p)
	k.equal("left", k.stock(lamp), "1 1 1 0 0")
	k.books()
}

func TestConsumablesMoveWithoutBeingCounted(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	paper := k.create("product.product", orm.Values{"name": "Paper", "type": "consu"}).ID()
	p := k.delivery(map[int64]float64{paper: 3})
	k.equal("available at once", p.State+" "+k.moves(p.ID), "assigned assigned 3/3; ")
	k.validate(p)
	n, err := k.env.Model("stock.quant").SearchCount(orm.Leaf("product_id", "=", paper), 0)
	k.check(err)
	if n != 0 {
		t.Errorf("%d quantities of a product that is not counted", n)
	}
	k.refused(stock.ApplyCounts(k.env, stock.Count{Product: paper, Location: k.ref("stock_location_stock")}), orm.CodeUser)
	_, err = k.env.Model("product.product").Create(orm.Values{"name": "Help", "type": "service", "is_storable": true})
	k.refused(err, orm.CodeUser)
	help := k.create("product.product", orm.Values{"name": "Help", "type": "consu", "is_storable": true})
	k.check(help.Write(orm.Values{"type": "service"}))
	if v, err := help.Value("is_storable"); err != nil || v != false {
		t.Errorf("a service is storable: %v, %v", v, err)
	}
	k.refused(help.Write(orm.Values{"is_storable": true}), orm.CodeUser)
	_, err = k.env.Model("stock.picking").Create(orm.Values{"picking_type_id": k.ref("picking_type_out"), "move_ids": []any{[]any{0, 0, map[string]any{"product_id": help.ID(), "product_uom_qty": 1}}}})
	k.refused(err, orm.CodeUser)
}

func TestUnitsOfMeasure(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	dozen, err := k.env.Ref("uom.product_uom_dozen")
	k.check(err)
	k.count(lamp, k.ref("stock_location_stock"), 30)
	d := k.create("stock.picking", orm.Values{"picking_type_id": k.ref("picking_type_out"), "move_ids": []any{[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 2, "product_uom": dozen.ID()}}}})
	p := k.confirmed(d)
	k.equal("two dozen", k.moves(p.ID)+p.MoveIDs.All()[0].ProductQty.String()+" "+k.stock(lamp), "assigned 2/2; 24 30 6 6 0 24")
	k.take(p, 1)
	k.in(k.env.WithContext(map[string]any{"skip_backorder": true})).validate(p)
	k.equal("one dozen", k.moves(p.ID)+k.stock(lamp), "done 1/1; 18 6 6 0 12")
	k.books()
	kg, err := k.env.Ref("uom.product_uom_kgm")
	k.check(err)
	_, err = k.env.Model("stock.picking").Create(orm.Values{"picking_type_id": k.ref("picking_type_out"), "move_ids": []any{[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 2, "product_uom": kg.ID()}}}})
	k.refused(err, orm.CodeUser)
}

func TestDemandChangesReservations(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 10)
	p := k.delivery(map[int64]float64{lamp: 4})
	m := k.env.Model("stock.move").Browse(p.MoveIDs.IDs()...)
	k.check(m.Write(orm.Values{"product_uom_qty": 6}))
	k.equal("more", k.moves(p.ID)+k.stock(lamp), "assigned 6/6; 10 4 4 0 6")
	k.check(m.Write(orm.Values{"product_uom_qty": 1}))
	k.equal("less", k.moves(p.ID)+k.stock(lamp), "assigned 1/1; 10 9 9 0 1")
	k.books()
	k.refused(m.Write(orm.Values{"state": "done"}), orm.CodeUser)
	k.refused(m.Unlink(), orm.CodeUser)
}

func TestLinesEnteredByHand(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp, desk := k.product("Lamp"), k.product("Desk")
	k.count(lamp, k.ref("stock_location_stock"), 10)
	k.count(desk, k.ref("stock_location_stock"), 10)
	p := k.delivery(map[int64]float64{lamp: 4})
	line := k.create("stock.move.line", orm.Values{"picking_id": p.ID, "product_id": desk, "quantity": 2})
	k.equal("an extra product", k.moves(p.ID)+k.stock(desk), "assigned 4/4; assigned 2/0; 10 10 8 0 0")
	k.books()
	k.check(line.Write(orm.Values{"quantity": 5}))
	k.equal("changed", k.stock(desk), "10 10 5 0 0")
	k.check(line.Unlink())
	k.equal("removed", k.stock(desk), "10 10 10 0 0")
	k.check(orm.RecordsOf(k.env, p.MoveLineIDs.All()...).Write(orm.Values{"quantity": 3, "picked": true}))
	k.equal("a line of a move", k.moves(p.ID), "partially_available 3/4; assigned 0/0; ")
	k.books()
	k.in(k.env.WithContext(map[string]any{"skip_backorder": true})).validate(p)
	k.equal("validated", k.moves(p.ID)+k.stock(lamp), "done 3/3; cancel 0/0; 7 6 6 0 1")
}

func TestMovesThatWaitForOthers(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp, shelf := k.product("Lamp"), k.create("stock.location", orm.Values{"name": "Shelf", "location_id": k.ref("stock_location_stock")}).ID()
	in := k.create("stock.picking", orm.Values{"picking_type_id": k.ref("picking_type_in"), "location_dest_id": shelf, "move_ids": []any{[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 5}}}})
	out := k.create("stock.picking", orm.Values{"picking_type_id": k.ref("picking_type_out"), "location_id": shelf, "move_ids": []any{[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 5,
		"move_orig_ids": []any{[]any{6, 0, k.picking(in.ID()).MoveIDs.IDs()}}}}}})
	p := k.confirmed(out)
	k.equal("waiting", p.State+" "+k.moves(p.ID), "waiting waiting 0/5; ")
	k.validate(k.confirmed(in))
	k.equal("served", k.picking(p.ID).State+" "+k.moves(p.ID), "assigned assigned 5/5; ")
	in2 := k.create("stock.picking", orm.Values{"picking_type_id": k.ref("picking_type_in"), "move_ids": []any{[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 5}}}})
	out2 := k.create("stock.picking", orm.Values{"picking_type_id": k.ref("picking_type_out"), "move_ids": []any{[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 5,
		"move_orig_ids": []any{[]any{6, 0, k.picking(in2.ID()).MoveIDs.IDs()}}}}}})
	k.call(out2, "action_confirm")
	k.call(in2, "action_cancel")
	k.equal("cancelled with its source", k.picking(out2.ID()).State, "cancel")
}

func TestTheSchedulerReservesWhatBecameFree(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 3)
	a, b := k.delivery(map[int64]float64{lamp: 3}), k.delivery(map[int64]float64{lamp: 2})
	k.call(k.env.Model("stock.picking").Browse(a.ID), "action_cancel")
	k.equal("still waiting", k.moves(b.ID), "confirmed 0/2; ")
	_, err := orm.InvokeModel(k.env, stock.RunScheduler)
	k.check(err)
	k.equal("reserved", k.moves(b.ID), "assigned 2/2; ")
	_, err = k.user("clerk", "stock.group_stock_user").env.Model("stock.move").Call("run_scheduler", orm.Args{})
	k.refused(err, orm.CodeAccess)
	k.books()
}

func TestACopyOfATransferIsADraft(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 5)
	p := k.delivery(map[int64]float64{lamp: 3})
	k.validate(p)
	again, err := k.env.Model("stock.picking").Browse(p.ID).Copy(nil)
	k.check(err)
	c := k.picking(again.ID())
	k.equal("copy", c.State+" "+k.moves(c.ID), "draft draft 0/3; ")
	if c.Name == p.Name || !c.DateDone.IsZero() {
		t.Errorf("the copy is %s, done on %s", c.Name, c.DateDone)
	}
	k.equal("of the same goods", k.confirmed(again).State+" "+k.moves(c.ID), "assigned partially_available 2/3; ")
}

func TestManualReservationWaitsToBeAsked(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lamp")
	k.count(lamp, k.ref("stock_location_stock"), 5)
	k.check(k.env.Model("stock.picking.type").Browse(k.ref("picking_type_out")).Write(orm.Values{"reservation_method": "manual"}))
	p := k.delivery(map[int64]float64{lamp: 3})
	k.equal("not reserved", p.State+" "+k.moves(p.ID), "confirmed confirmed 0/3; ")
	k.call(k.env.Model("stock.picking").Browse(p.ID), "action_assign")
	k.equal("asked for", k.moves(p.ID), "assigned 3/3; ")
}

// A form is computed while its places and product are still to be chosen.
func TestAMoveIsShownBeforeAllIsChosen(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	desk := k.product("Desk")
	for _, vals := range []orm.Values{{}, {"product_id": desk}, {"location_id": k.ref("stock_location_stock")}} {
		made, err := k.env.Model("stock.move").New(vals)
		k.check(err)
		_, err = made.Read()
		k.check(err)
	}
}
