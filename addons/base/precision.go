package base

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/orm"
)

// Precision says how many decimals a kind of number has, by name.
type Precision struct {
	orm.Record `orm:"decimal.precision" label:"Decimal Precision" order:"id"`
	Name       string `orm:"name,required" label:"Usage"`
	Digits     int    `orm:"digits,required,default=2" label:"Digits"`
}

// The usages base knows.
const (
	ProductPrice = "Product Price"
	Discount     = "Discount"
	StockWeight  = "Stock Weight"
	Volume       = "Volume"
	ProductUnit  = "Product Unit"
	PaymentTerms = "Payment Terms"
)

func definePrecision(r *orm.Registry) {
	p := orm.Define[Precision](r)
	p.Unique("name_uniq", "name", "Only one value can be defined for each given usage!")
	p.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			ps, err := orm.Read[Precision](rs.Env, rs.IDs)
			if err != nil {
				return err
			}
			for _, p := range ps {
				rs.Env.Forget(precisionKey(p.Name))
			}
			return super(rs, vals)
		}
	})
}

type precisionKey string

// PrecisionDigits is how many decimals a usage has; 2 when it is unknown.
func PrecisionDigits(env *orm.Env, usage string) (int, error) {
	return orm.Memo(env, precisionKey(usage), func() (int, error) {
		p, err := orm.First[Precision](env.Sudo(), orm.Leaf("name", "=", usage), "")
		if err != nil || p == nil {
			return 2, err
		}
		return p.Digits, nil
	})
}

// RoundUsage rounds to the decimals of a usage, halves away from zero.
func RoundUsage(env *orm.Env, v decimal.Decimal, usage string) (decimal.Decimal, error) {
	n, err := PrecisionDigits(env, usage)
	return v.Round(int32(n)), err
}
