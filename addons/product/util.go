package product

import (
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// idColumn is the first column of the rows of a query as ids.
func idColumn(rows [][]string) []int64 {
	out := make([]int64, len(rows))
	for i, row := range rows {
		out[i] = orm.CellInt(row[0])
	}
	return out
}

func isNegative(op string) bool { return op == "!=" || strings.HasPrefix(op, "not ") }

// positive is the operator that a negative one denies.
func positive(op string) string {
	if op == "!=" {
		return "="
	}
	return strings.TrimPrefix(op, "not ")
}

// nameOf is the display name of a record, for a message about it.
func nameOf(rs orm.Records) string {
	names, err := rs.In(rs.Env.Sudo()).DisplayNames()
	if err != nil {
		return rs.String()
	}
	return names[rs.ID()]
}
