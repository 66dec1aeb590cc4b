package stock

import (
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// reservationPlan collects what is to become of the lines of moves: which are made, grow,
// shrink or go, and what that means for the quantities reserved.
type reservationPlan struct {
	env    *orm.Env
	ledger ledger
	create []orm.Values
	made   map[*Move]map[int64]int // location → index in create
	set    []*MoveLine
	left   map[*MoveLine]decimal.Decimal // of lines that change, in the unit of the product
	drop   []int64
	booked map[*Move]decimal.Decimal // in the unit of the product
}

// newReservationPlan starts from moves whose lines, products and locations are loaded.
func newReservationPlan(env *orm.Env, moves []*Move) *reservationPlan {
	p := &reservationPlan{env: env, ledger: ledger{}, made: map[*Move]map[int64]int{}, left: map[*MoveLine]decimal.Decimal{}, booked: map[*Move]decimal.Decimal{}}
	for _, m := range moves {
		for _, l := range m.lines() {
			p.booked[m] = p.booked[m].Add(l.ProductQty)
		}
	}
	return p
}

// planPaths are what newPlan needs of moves.
var planPaths = [...]string{"product_id", "location_id", "move_line_ids.product_id", "move_line_ids.location_id"}

// reservable reports whether the move has to be covered by stock on hand.
func (m *Move) reservable() bool {
	return m.ProductID.Rec().IsStorable && m.LocationID.Rec().reservable()
}

// lines are the loaded lines of the move; one about to be created has none.
func (m *Move) lines() []*MoveLine {
	if m.ID == 0 {
		return nil
	}
	return m.MoveLineIDs.All()
}

// book books a quantity, in the unit of the product, for a move at a location.
func (p *reservationPlan) book(m *Move, location int64, reserve bool, qty decimal.Decimal) error {
	if !qty.IsPositive() {
		return nil
	}
	p.booked[m] = p.booked[m].Add(qty)
	if reserve {
		p.ledger.add(m.ProductID.ID, location, decimal.Zero, qty)
	}
	for _, l := range m.lines() {
		if l.LocationID.ID == location && l.Picked == m.Picked {
			return p.change(l, p.has(l).Add(qty))
		}
	}
	if p.made[m] == nil {
		p.made[m] = map[int64]int{}
	}
	if i, ok := p.made[m][location]; ok {
		p.create[i]["quantity"] = p.create[i]["quantity"].(decimal.Decimal).Add(qty)
		return nil
	}
	p.made[m][location] = len(p.create)
	p.create = append(p.create, orm.Values{
		"move_id": m.ID, "picking_id": orNil(m.PickingID.ID), "company_id": m.CompanyID.ID, "product_id": m.ProductID.ID, "product_uom_id": m.ProductID.Rec().UoMID.ID,
		"quantity": qty, "location_id": location, "location_dest_id": m.DestID.ID, "picked": m.Picked, "date": m.Date,
	})
	return nil
}

// has is what a line has of the product by the plan.
func (p *reservationPlan) has(l *MoveLine) decimal.Decimal {
	if qty, changed := p.left[l]; changed {
		return qty
	}
	return l.ProductQty
}

// change gives a line another quantity, in the unit of the product.
func (p *reservationPlan) change(l *MoveLine, qty decimal.Decimal) error {
	own, err := uom.Convert(p.env, qty, l.ProductID.Rec().UoMID.ID, l.UoMID.ID, uom.HalfUp)
	if err != nil {
		return err
	}
	l.Quantity, p.left[l] = own, qty
	for _, x := range p.set {
		if x == l {
			return nil
		}
	}
	p.set = append(p.set, l)
	return nil
}

// take gives up to qty of a line free, in the unit of the product, and returns
// how much it was.
func (p *reservationPlan) take(m *Move, l *MoveLine, qty decimal.Decimal) (decimal.Decimal, error) {
	qty = decimal.Min(qty, p.has(l))
	p.booked[m] = p.booked[m].Sub(qty)
	if l.reserves() {
		p.ledger.add(l.ProductID.ID, l.LocationID.ID, decimal.Zero, qty.Neg())
	}
	if qty.Equal(p.has(l)) {
		p.left[l] = decimal.Zero
		p.drop = append(p.drop, l.ID)
		return qty, nil
	}
	return qty, p.change(l, p.has(l).Sub(qty))
}

// cover books what is missing from the free supplies the move may draw on.
func (p *reservationPlan) cover(m *Move, supplies []*availableQuant, missing decimal.Decimal) (left decimal.Decimal, err error) {
	for _, s := range supplies {
		if !missing.IsPositive() {
			break
		}
		if !s.Free.IsPositive() || !strings.HasPrefix(s.ParentPath, m.LocationID.Rec().ParentPath) {
			continue
		}
		q := decimal.Min(s.Free, missing)
		if err := p.book(m, s.LocationID, true, q); err != nil {
			return missing, err
		}
		s.Free, missing = s.Free.Sub(q), missing.Sub(q)
	}
	return missing, nil
}

// apply stores the plan.
func (p *reservationPlan) apply() error {
	if _, err := p.ledger.post(p.env); err != nil {
		return err
	}
	env := inBulk(p.env)
	lines := env.Model("stock.move.line")
	if err := lines.Browse(p.drop...).Unlink(); err != nil {
		return err
	}
	for _, vals := range p.create {
		vals["quantity_product_uom"] = vals["quantity"]
	}
	var keep []*MoveLine
	for _, l := range p.set {
		if p.has(l).IsPositive() {
			keep = append(keep, l)
		}
	}
	if len(keep) > 0 {
		if err := orm.Save(env, keep, "quantity"); err != nil {
			return err
		}
	}
	if len(p.create) == 0 {
		return nil
	}
	_, err := lines.Create(p.create...)
	return err
}
