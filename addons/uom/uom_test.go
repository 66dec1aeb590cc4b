package uom_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

func newEnv(t *testing.T) *orm.Env {
	t.Helper()
	return ormtest.New(t, base.Addon(), uom.Addon())
}

func ref(t *testing.T, env *orm.Env, xmlid string) int64 {
	t.Helper()
	rs, err := env.Ref(xmlid)
	if err != nil {
		t.Fatal(err)
	}
	return rs.ID()
}

func unit(t *testing.T, env *orm.Env, name string) *uom.UoM {
	t.Helper()
	u, err := uom.Get(env, ref(t, env, "uom.product_uom_"+name))
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func dec(s string) decimal.Decimal { return decimal.RequireFromString(s) }

func TestConvert(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	for _, c := range []struct {
		qty, from, to string
		method        uom.Method
		want          string
	}{
		{"1", "dozen", "unit", uom.HalfUp, "12"},
		{"12", "unit", "dozen", uom.Up, "1"}, // exactly one, not a hair more
		{"12", "unit", "dozen", uom.Down, "1"},
		{"13", "unit", "dozen", uom.Up, "1.09"},
		{"13", "unit", "dozen", uom.HalfUp, "1.08"},
		{"13", "unit", "dozen", uom.Down, "1.08"},
		{"-13", "unit", "dozen", uom.Up, "-1.09"},
		{"-13", "unit", "dozen", uom.Down, "-1.08"},
		{"1.005", "unit", "unit", uom.HalfUp, "1.01"},
		{"-1.005", "unit", "unit", uom.HalfUp, "-1.01"},
		{"0", "kgm", "gram", uom.Up, "0"},
		{"1.2345", "kgm", "gram", uom.HalfUp, "1234.5"},
		{"1020000", "gram", "ton", uom.HalfUp, "1.02"},
		{"3", "ton", "gram", uom.Down, "3000000"},
		{"20", "hour", "day", uom.HalfUp, "2.5"},
		{"2", "day", "hour", uom.HalfUp, "16"},
		{"1", "mile", "km", uom.HalfUp, "1.61"},
		{"1", "inch", "cm", uom.HalfUp, "2.54"},
		{"1", "gal", "litre", uom.Up, "3.79"},
		{"1", "cubic_foot", "litre", uom.HalfUp, "28.32"},
		{"1000000000000", "dozen", "unit", uom.HalfUp, "12000000000000"},
	} {
		got, err := uom.Convert(env, dec(c.qty), unit(t, env, c.from).ID, unit(t, env, c.to).ID, c.method)
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(dec(c.want)) {
			t.Errorf("%s %s in %s by method %d: %s, want %s", c.qty, c.from, c.to, c.method, got, c.want)
		}
	}
	if _, err := uom.Convert(env, dec("1"), unit(t, env, "unit").ID, unit(t, env, "kgm").ID, uom.HalfUp); !orm.IsCode(err, orm.CodeUser) {
		t.Errorf("units to kg: %v", err)
	}
	if got, err := uom.Convert(env, dec("1.234"), 0, unit(t, env, "unit").ID, uom.HalfUp); err != nil || !got.Equal(dec("1.234")) {
		t.Errorf("without a unit: %s, %v", got, err)
	}
}

func TestExactConversionGoesThereAndBack(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	dozen, units := unit(t, env, "dozen"), unit(t, env, "unit")
	there, err := units.ConvertExact(dec("7"), dozen)
	if err != nil {
		t.Fatal(err)
	}
	back, err := dozen.Convert(there, units, uom.HalfUp)
	if err != nil {
		t.Fatal(err)
	}
	if there.StringFixed(6) != "0.583333" || !back.Equal(dec("7")) {
		t.Errorf("7 units are %s dozens, which are %s units", there, back)
	}
	if same, err := dozen.ConvertExact(dec("0.333"), dozen); err != nil || !same.Equal(dec("0.333")) {
		t.Errorf("a dozen in dozens: %s, %v", same, err)
	}
	if _, err := dozen.ConvertExact(dec("1"), unit(t, env, "kgm")); err == nil {
		t.Error("a dozen in kg")
	}
}

func TestConvertPrice(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	for _, c := range []struct{ price, from, to, want string }{
		{"1", "unit", "dozen", "12"},
		{"12", "dozen", "unit", "1"},
		{"10", "dozen", "unit", "0.833333333333333333333333"},
		{"5", "kgm", "gram", "0.005"},
		{"100", "day", "hour", "12.5"},
		{"7", "unit", "kgm", "7"}, // another category: it stays
	} {
		got, err := uom.ConvertPrice(env, dec(c.price), unit(t, env, c.from).ID, unit(t, env, c.to).ID)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != c.want {
			t.Errorf("%s a %s is %s a %s, want %s", c.price, c.from, got, c.to, c.want)
		}
	}
}

func TestFactorInverseAndRatioAgree(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	categ := ref(t, env, "uom.product_uom_categ_unit")
	read := func(rs orm.Records) [3]string {
		rows, err := rs.Read("factor", "factor_inv", "ratio")
		if err != nil {
			t.Fatal(err)
		}
		var out [3]string
		for i, f := range []string{"factor", "factor_inv", "ratio"} {
			out[i] = rows[0][f].(decimal.Decimal).Round(8).String()
		}
		return out
	}
	make := func(vals orm.Values) orm.Records {
		vals["name"], vals["category_id"] = "Pack", categ
		rs, err := env.Model("uom.uom").Create(vals)
		if err != nil {
			t.Fatal(err)
		}
		return rs
	}
	for _, c := range []struct {
		vals orm.Values
		want [3]string
	}{
		{orm.Values{"uom_type": "bigger", "factor_inv": 6}, [3]string{"0.16666667", "6", "6"}},
		{orm.Values{"uom_type": "bigger", "ratio": 7}, [3]string{"0.14285714", "7", "7"}},
		{orm.Values{"uom_type": "bigger", "factor": 0.25}, [3]string{"0.25", "4", "4"}},
		{orm.Values{"uom_type": "smaller", "factor": 8}, [3]string{"8", "0.125", "8"}},
		{orm.Values{"uom_type": "smaller", "ratio": 3}, [3]string{"3", "0.33333333", "3"}},
	} {
		if got := read(make(c.vals)); got != c.want {
			t.Errorf("%v: %v, want %v", c.vals, got, c.want)
		}
	}
	pack := make(orm.Values{"uom_type": "bigger", "factor_inv": 6})
	for _, c := range []struct {
		vals orm.Values
		want [3]string
	}{
		{orm.Values{"ratio": 24}, [3]string{"0.04166667", "24", "24"}},
		{orm.Values{"factor_inv": 9}, [3]string{"0.11111111", "9", "9"}},
		{orm.Values{"factor": 0.5}, [3]string{"0.5", "2", "2"}},
		{orm.Values{"uom_type": "smaller", "ratio": 5}, [3]string{"5", "0.2", "5"}},
		{orm.Values{"uom_type": "bigger", "ratio": 5}, [3]string{"0.2", "5", "5"}},
	} {
		if err := pack.Write(c.vals); err != nil {
			t.Fatal(err)
		}
		if got := read(pack); got != c.want {
			t.Errorf("write %v: %v, want %v", c.vals, got, c.want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	units := env.Model("uom.uom")
	categ := ref(t, env, "uom.product_uom_categ_unit")
	reference := units.Browse(ref(t, env, "uom.product_uom_unit"))
	dozen := units.Browse(ref(t, env, "uom.product_uom_dozen"))
	for name, do := range map[string]func() error{
		"a second reference": func() error {
			_, err := units.Create(orm.Values{"name": "Piece", "category_id": categ})
			return err
		},
		"no reference left": func() error {
			return reference.Write(orm.Values{"uom_type": "smaller", "factor": 2})
		},
		"the reference archived": func() error { return reference.Write(orm.Values{"active": false}) },
		"a reference of 2":       func() error { return reference.Write(orm.Values{"factor": 2}) },
		"a ratio of nothing":     func() error { return dozen.Write(orm.Values{"factor_inv": 0}) },
		"a negative ratio":       func() error { return dozen.Write(orm.Values{"ratio": -12}) },
		"no rounding":            func() error { return dozen.Write(orm.Values{"rounding": 0}) },
		"deleting kg":            units.Browse(ref(t, env, "uom.product_uom_kgm")).Unlink,
		"deleting weights":       env.Model("uom.category").Browse(ref(t, env, "uom.product_uom_categ_kgm")).Unlink,
	} {
		err := env.Savepoint(func(*orm.Env) error { return do() })
		if code := orm.CodeOf(err); err == nil || code != orm.CodeUser && code != orm.CodeValidation {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := dozen.Unlink(); err != nil {
		t.Errorf("a dozen may go: %v", err)
	}
	own, err := env.Model("uom.category").Create(orm.Values{"name": "Energy", "uom_ids": []orm.Command{
		orm.CreateLine(orm.Values{"name": "kWh"}), orm.CreateLine(orm.Values{"name": "Wh", "uom_type": "smaller", "factor": 1000})}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := orm.Get[uom.Category](env, own.ID(), "uom_ids", "reference_uom_id")
	if err != nil {
		t.Fatal(err)
	}
	if c.ReferenceID.Rec() == nil || c.ReferenceID.Rec().Name != "kWh" {
		t.Errorf("reference of the category: %+v", c.ReferenceID)
	}
	err = env.Savepoint(func(*orm.Env) error { return units.Browse(c.ReferenceID.ID).Unlink() })
	if !orm.IsCode(err, orm.CodeValidation) {
		t.Errorf("deleting the reference of a category with other units: %v", err)
	}
	if err := units.Browse(c.UoMIDs.IDs()...).Unlink(); err != nil {
		t.Errorf("deleting all units of an own category: %v", err)
	}
}

func TestNameCreateIsASmallerUnit(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	made, err := env.Model("uom.uom").NameCreate("Slice")
	if err != nil {
		t.Fatal(err)
	}
	u, err := uom.Get(env, made.ID)
	if err != nil {
		t.Fatal(err)
	}
	if u.Type != uom.Smaller || u.CategoryID.ID != ref(t, env, "uom.product_uom_categ_unit") {
		t.Errorf("unit from a name: %+v", u)
	}
}

func TestAccess(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	user, err := env.Model("res.users").Create(orm.Values{"name": "Plain", "login": "plain", "group_ids": []orm.Command{orm.SetIDs(ref(t, env, "base.group_user"))}})
	if err != nil {
		t.Fatal(err)
	}
	plain := env.WithUser(user.ID())
	dozen := plain.Model("uom.uom").Browse(ref(t, env, "uom.product_uom_dozen"))
	if name, err := dozen.Value("name"); err != nil || name != "Dozens" {
		t.Errorf("a user reads units: %v, %v", name, err)
	}
	if err := dozen.Write(orm.Values{"name": "12"}); !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("a user changes a unit: %v", err)
	}
}
