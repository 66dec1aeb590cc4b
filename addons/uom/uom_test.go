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
		{"7", "unit", "kgm", "7"}, // nothing in common: it stays
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

func TestFactorsMultiplyAlongTheReferences(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	create := func(vals orm.Values) *uom.UoM {
		t.Helper()
		rs, err := env.Model("uom.uom").Create(vals)
		if err != nil {
			t.Fatal(err)
		}
		u, err := uom.Get(env, rs.ID())
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	dozen := ref(t, env, "uom.product_uom_dozen")
	gross := create(orm.Values{"name": "Gross", "relative_factor": 12, "relative_uom_id": dozen})
	great := create(orm.Values{"name": "Great gross", "relative_factor": 12, "relative_uom_id": gross.ID})
	third := create(orm.Values{"name": "Third", "relative_factor": dec("0.333333333333333333333333"), "relative_uom_id": ref(t, env, "uom.product_uom_unit")})
	if gross.Factor.String() != "144" || great.Factor.String() != "1728" || gross.Sequence != 1000 || third.Sequence != 33 || gross.Rounding.Get().String() != "0.01" {
		t.Errorf("gross %s, great gross %s, sequences %d and %d, rounding %s", gross.Factor, great.Factor, gross.Sequence, third.Sequence, gross.Rounding.Get())
	}
	for _, c := range []struct {
		qty      string
		from, to int64
		want     string
	}{
		{"1", great.ID, dozen, "144"},
		{"1728", ref(t, env, "uom.product_uom_unit"), great.ID, "1"},
		{"3", third.ID, ref(t, env, "uom.product_uom_unit"), "1"}, // not a hair more, though it is rounded up
		{"36", third.ID, dozen, "1"},
	} {
		if got, err := uom.Convert(env, dec(c.qty), c.from, c.to, uom.Up); err != nil || !got.Equal(dec(c.want)) {
			t.Errorf("%s of %d in %d: %s, %v, want %s", c.qty, c.from, c.to, got, err, c.want)
		}
	}
	// What a dozen contains reaches all that is measured in dozens, at once.
	if err := env.Model("uom.uom").Browse(dozen).Write(orm.Values{"relative_factor": 13}); err != nil {
		t.Fatal(err)
	}
	if got, err := uom.Convert(env, dec("1"), great.ID, ref(t, env, "uom.product_uom_unit"), uom.HalfUp); err != nil || !got.Equal(dec("1872")) {
		t.Errorf("a great gross of baker's dozens: %s, %v", got, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	units := env.Model("uom.uom")
	piece := ref(t, env, "uom.product_uom_unit")
	dozen := units.Browse(ref(t, env, "uom.product_uom_dozen"))
	for name, do := range map[string]func() error{
		"six of nothing": func() error {
			_, err := units.Create(orm.Values{"name": "Six", "relative_factor": 6})
			return err
		},
		"a unit that holds nothing": func() error { return dozen.Write(orm.Values{"relative_factor": 0}) },
		"a negative unit":           func() error { return dozen.Write(orm.Values{"relative_factor": -12}) },
		"twelve of nothing":         func() error { return dozen.Write(orm.Values{"relative_uom_id": nil}) },
		"a circle":                  func() error { return units.Browse(piece).Write(orm.Values{"relative_uom_id": dozen.ID()}) },
		"deleting kg":               units.Browse(ref(t, env, "uom.product_uom_kgm")).Unlink,
	} {
		err := env.Savepoint(func(*orm.Env) error { return do() })
		if code := orm.CodeOf(err); err == nil || code != orm.CodeUser && code != orm.CodeValidation {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := dozen.Unlink(); err != nil {
		t.Errorf("a dozen may go: %v", err)
	}
}

func TestNameCreate(t *testing.T) {
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
	if u.RelativeUoMID.IsSet() || !u.Factor.Equal(dec("1")) {
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
