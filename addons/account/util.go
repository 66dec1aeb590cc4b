package account

import (
	"slices"
	"strconv"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

func companyCountry(env *orm.Env, company int64) (int64, error) {
	if company == 0 {
		return 0, nil
	}
	country, err := env.Sudo().Model("res.company").Browse(company).Value("country_id")
	return orm.AsID(country), err
}

// placesOf is how many decimals amounts of a currency have, as rounding takes it.
func placesOf(env *orm.Env, currency int64) (int32, error) {
	n, err := base.DecimalPlaces(env, currency)
	return int32(n), err
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func keysOf(vals orm.Values) []string {
	out := make([]string, 0, len(vals))
	for k := range vals {
		out = append(out, k)
	}
	return out
}

func touches(vals orm.Values, names ...string) bool {
	for _, n := range names {
		if _, ok := vals[n]; ok {
			return true
		}
	}
	return false
}

// unique sorts ids and drops doubles.
func unique(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.Compact(ids)
}

// listIDs is what an x2many value makes of an empty list; ok is false when it
// creates records or is no list.
func listIDs(v any) (ids []int64, ok bool) {
	switch list := v.(type) {
	case nil:
		return nil, true
	case []int64:
		return list, true
	case []orm.Command:
		for _, c := range list {
			switch c.Op {
			case orm.CmdSet:
				ids = slices.Clone(c.IDs)
			case orm.CmdLink:
				ids = append(ids, c.ID)
			case orm.CmdClear:
				ids = nil
			default:
				return nil, false
			}
		}
		return ids, true
	case []any:
		for _, e := range list {
			cmd, isCmd := e.([]any)
			switch {
			case !isCmd:
				ids = append(ids, orm.AsID(e))
			case len(cmd) == 3 && orm.AsID(cmd[0]) == orm.CmdSet:
				ids = orm.AsIDs(cmd[2])
			case len(cmd) >= 2 && orm.AsID(cmd[0]) == orm.CmdLink:
				ids = append(ids, orm.AsID(cmd[1]))
			case len(cmd) >= 1 && orm.AsID(cmd[0]) == orm.CmdClear:
				ids = nil
			default:
				return nil, false
			}
		}
		return ids, true
	}
	return nil, false
}

// set reports whether a value is given and not empty.
func set(v any) bool { return v != nil && v != false && v != "" }

// asDate reads a day as values carry it; ok is false when it is none.
func asDate(v any) (day orm.Date, ok bool) {
	switch x := v.(type) {
	case nil:
		return day, true
	case bool:
		return day, !x
	case orm.Date:
		return x, true
	case string:
		if x == "" {
			return day, true
		}
		day, err := orm.ParseDate(x)
		return day, err == nil
	}
	return day, false
}

// sortLines puts lines into the order people gave them.
func sortLines(lines []*MoveLine) {
	slices.SortStableFunc(lines, func(a, b *MoveLine) int {
		if a.Sequence != b.Sequence {
			return a.Sequence - b.Sequence
		}
		return int(a.ID - b.ID)
	})
}
