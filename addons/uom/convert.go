package uom

import (
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

var one = decimal.NewFromInt(1)

func inverse(d decimal.Decimal) decimal.Decimal {
	if d.IsZero() {
		return d
	}
	return one.DivRound(d, ratioPlaces)
}

// size is how many reference units make one of the unit, as an exact fraction.
func (u *UoM) size() (num, den decimal.Decimal) {
	if u.Type == Bigger {
		return u.Ratio, one
	}
	return one, u.Factor
}

// fraction is a quantity of unit u in unit to, as an exact fraction.
func (u *UoM) fraction(qty decimal.Decimal, to *UoM) (num, den decimal.Decimal) {
	n, d := u.size()
	tn, td := to.size()
	return qty.Mul(n).Mul(td), d.Mul(tn)
}

// Convert says a quantity of unit u in unit to, rounded to the step of the
// latter. Units of different categories are an error.
func (u *UoM) Convert(qty decimal.Decimal, to *UoM, m Method) (decimal.Decimal, error) {
	if u.ID == to.ID {
		return to.Round(qty, m), nil
	}
	if u.CategoryID.ID != to.CategoryID.ID {
		return decimal.Zero, orm.UserErrorf("A quantity in “%s” cannot be said in “%s”: the two units of measure belong to different categories. Choose a unit of the same category.", u.Name, to.Name)
	}
	num, den := u.fraction(qty, to)
	return step(num, den, to.Rounding, m), nil
}

// ConvertExact is Convert without the rounding, to 24 decimals.
func (u *UoM) ConvertExact(qty decimal.Decimal, to *UoM) (decimal.Decimal, error) {
	if u.ID == to.ID {
		return qty, nil
	}
	if u.CategoryID.ID != to.CategoryID.ID {
		return u.Convert(qty, to, HalfUp)
	}
	num, den := u.fraction(qty, to)
	return quotient(num, den), nil
}

// ConvertPrice turns the price of one unit u into that of one unit to, to 24
// decimals. A price cannot be said in a unit of another category: it stays.
func (u *UoM) ConvertPrice(price decimal.Decimal, to *UoM) decimal.Decimal {
	if u.ID == to.ID || u.CategoryID.ID != to.CategoryID.ID {
		return price
	}
	num, den := to.fraction(price, u)
	return quotient(num, den)
}

// Round brings a quantity to a multiple of the rounding step of the unit.
func (u *UoM) Round(qty decimal.Decimal, m Method) decimal.Decimal {
	return step(qty, one, u.Rounding, m)
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
	return orm.Memo(env, unitKey(id), func() (*UoM, error) { return orm.Get[UoM](env.Sudo(), id) })
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
