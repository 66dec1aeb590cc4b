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
	return env.Sudo().Model("res.company").Browse(company).ValueID("country_id")
}

// placesOf is how many decimals amounts of a currency have, as rounding takes it.
func placesOf(env *orm.Env, currency int64) (int32, error) {
	n, err := base.DecimalPlaces(env, currency)
	return int32(n), err
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// unique sorts ids and drops doubles.
func unique(ids []int64) []int64 {
	slices.Sort(ids)
	return slices.Compact(ids)
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
