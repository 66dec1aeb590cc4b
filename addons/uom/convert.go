package uom

import (
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/orm"
)

// Method says how a converted quantity is brought to a multiple of the
// rounding step of its unit.
type Method int

// The rounding methods. Up and Down mean away from zero and towards zero.
const (
	HalfUp Method = iota
	Up
	Down
)

// ratioPlaces is the scale of a quotient that does not come out even.
const ratioPlaces = 24

var (
	one = decimal.NewFromInt(1)
	// nearlyOne is how far the product of a number and its inverse may be off one
	// when the inverse was kept as a 64-bit float.
	nearlyOne = decimal.New(1, -14)
)

// size is how many root units make one of the unit, as a fraction. A factor that
// was kept as the inverse of a short number, as that of a third, is that fraction
// exactly, so that three thirds are one.
func (u *UoM) size() (num, den decimal.Decimal) {
	if u.Factor.LessThan(one) && u.Factor.IsPositive() {
		times := one.DivRound(u.Factor, ratioPlaces/2)
		if off := times.Mul(u.Factor).Sub(one).Abs(); !off.IsZero() && off.LessThan(nearlyOne) {
			return one, times
		}
	}
	return u.Factor, one
}

// fraction is a quantity of unit u in unit to, as a fraction.
func (u *UoM) fraction(qty decimal.Decimal, to *UoM) (num, den decimal.Decimal) {
	n, d := u.size()
	tn, td := to.size()
	return qty.Mul(n).Mul(td), d.Mul(tn)
}

// root is the unit that the chain of reference units ends at.
func (u *UoM) root() string {
	id, _, _ := strings.Cut(u.ParentPath, "/")
	return id
}

// Comparable says whether quantities can be converted between two units.
func (u *UoM) Comparable(to *UoM) bool { return u.ID == to.ID || u.root() == to.root() }

// Convert says a quantity of unit u in unit to, rounded to the step of the
// latter. Units without a common reference are an
// error.
func (u *UoM) Convert(qty decimal.Decimal, to *UoM, m Method) (decimal.Decimal, error) {
	if u.ID == to.ID {
		return to.Round(qty, m), nil
	}
	if !u.Comparable(to) {
		return decimal.Zero, orm.UserErrorf("A quantity in “%s” cannot be said in “%s”: the two units of measure have no reference unit in common. Choose a unit that is measured by the same.", u.Name, to.Name)
	}
	num, den := u.fraction(qty, to)
	return step(num, den, to.Rounding.Get(), m), nil
}

// ConvertExact is Convert without the rounding, to 24 decimals.
func (u *UoM) ConvertExact(qty decimal.Decimal, to *UoM) (decimal.Decimal, error) {
	if u.ID == to.ID {
		return qty, nil
	}
	if !u.Comparable(to) {
		return u.Convert(qty, to, HalfUp)
	}
	num, den := u.fraction(qty, to)
	return quotient(num, den), nil
}

// ConvertPrice turns the price of one unit u into that of one unit to, to 24
// decimals. A price cannot be said in a unit without a common reference: it stays.
func (u *UoM) ConvertPrice(price decimal.Decimal, to *UoM) decimal.Decimal {
	if u.ID == to.ID || !u.Comparable(to) {
		return price
	}
	num, den := to.fraction(price, u)
	return quotient(num, den)
}

// Round brings a quantity to a multiple of the rounding step of the unit.
func (u *UoM) Round(qty decimal.Decimal, m Method) decimal.Decimal {
	return step(qty, one, u.Rounding.Get(), m)
}

// quotient divides, exactly where the result has at most 24 decimals, and drops
// the zeros at the end.
func quotient(num, den decimal.Decimal) decimal.Decimal {
	q := num.DivRound(den, ratioPlaces)
	if short := q.Round(ratioPlaces / 2); short.Mul(den).Equal(num) {
		return short
	}
	return q
}

// step brings num/den to a multiple of a step. The comparison is exact, so that
// 12 units are one dozen when rounded up, too.
func step(num, den, rounding decimal.Decimal, m Method) decimal.Decimal {
	if rounding.Sign() <= 0 {
		return quotient(num, den)
	}
	unit := den.Mul(rounding)
	count, rest := num.QuoRem(unit, 0)
	up := false
	switch m {
	case Up:
		up = !rest.IsZero()
	case HalfUp:
		up = rest.Abs().Mul(decimal.NewFromInt(2)).GreaterThanOrEqual(unit.Abs())
	}
	if up {
		count = count.Add(decimal.NewFromInt(int64(num.Sign() * unit.Sign())))
	}
	return count.Mul(rounding)
}

type unitKey int64

// Get reads a unit, once a unit of work.
func Get(env *orm.Env, id int64) (*UoM, error) {
	return orm.Memo(env, unitKey(id), func() (*UoM, error) { return orm.Get[UoM](env.Sudo(), id, "rounding") })
}

// Convert says a quantity of one unit, by id, in another, as [UoM.Convert] does.
// Without a unit on either side, or without a quantity, it stays as it is.
func Convert(env *orm.Env, qty decimal.Decimal, from, to int64, m Method) (decimal.Decimal, error) {
	if from == 0 || to == 0 || qty.IsZero() {
		return qty, nil
	}
	a, b, err := pair(env, from, to)
	if err != nil {
		return qty, err
	}
	return a.Convert(qty, b, m)
}

// ConvertPrice turns a price for one unit, by id, into one for another, as
// [UoM.ConvertPrice] does. Without a unit on either side it stays as it is.
func ConvertPrice(env *orm.Env, price decimal.Decimal, from, to int64) (decimal.Decimal, error) {
	if from == 0 || to == 0 || from == to || price.IsZero() {
		return price, nil
	}
	a, b, err := pair(env, from, to)
	if err != nil {
		return price, err
	}
	return a.ConvertPrice(price, b), nil
}

func pair(env *orm.Env, from, to int64) (a, b *UoM, err error) {
	if a, err = Get(env, from); err != nil {
		return nil, nil, err
	}
	b, err = Get(env, to)
	return a, b, err
}
