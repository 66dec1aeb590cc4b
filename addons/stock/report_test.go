package stock_test

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/report/reporttest"
)

func TestDeliverySlip(t *testing.T) {
	t.Parallel()
	k := newKit(t)
	lamp := k.product("Lampe de bureau")
	k.count(lamp, k.ref("stock_location_stock"), 10)
	be, err := k.env.Ref("base.be")
	k.check(err)
	to := k.create("res.partner", orm.Values{"name": "Atelier Łódź", "street": "Rue du Marché 7", "zip": "1000", "city": "Bruxelles", "country_id": be.ID()})
	dozen, err := k.env.Ref("uom.product_uom_dozen")
	k.check(err)
	paper := k.create("product.product", orm.Values{"name": "Paper", "type": "consu"})
	p := k.confirmed(k.create("stock.picking", orm.Values{"picking_type_id": k.ref("picking_type_out"), "partner_id": to.ID(), "origin": "S00042", "scheduled_date": "2026-03-04 10:00:00", "note": "<p>Ring <b>twice</b>.</p>", "move_ids": []any{
		[]any{0, 0, map[string]any{"product_id": lamp, "product_uom_qty": 5}},
		[]any{0, 0, map[string]any{"product_id": paper.ID(), "product_uom_qty": 2, "product_uom": dozen.ID()}}}}))
	text := func(id int64) string {
		t.Helper()
		pdf, err := stock.DeliverySlip(k.env, id)
		k.check(err)
		again, err := stock.DeliverySlip(k.env, id)
		k.check(err)
		if !bytes.Equal(pdf, again) {
			t.Error("one slip printed twice differs")
		}
		s, err := reporttest.Text(pdf)
		k.check(err)
		return regexp.MustCompile(`/[0-9]{5}`).ReplaceAllString(s, "/#####")
	}
	ormtest.Golden(t, "slip.txt", text(p.ID))
	k.take(p, 3)
	k.check(orm.RecordsOf(k.env, p.MoveIDs.All()[1]).Write(orm.Values{"picked": true}))
	k.in(k.env.WithContext(map[string]any{"skip_backorder": true})).validate(p)
	done := text(p.ID)
	for _, want := range []string{"Delivered", "To be delivered later:", "Lampe de bureau | 2 Units"} {
		if !strings.Contains(done, want) {
			t.Errorf("the slip of a part lacks %q:\n%s", want, done)
		}
	}
	plain := k.user("plain")
	_, err = stock.DeliverySlip(plain.env, p.ID)
	k.refused(err, orm.CodeAccess)
}
