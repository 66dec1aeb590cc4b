package product

import (
	"strconv"
	"strings"

	"fusion/framework/orm"
)

// atoi reads an id of a query; NULL, which Query returns as "", is 0.
func atoi(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// idColumn is the first column of the rows of a query as ids.
func idColumn(rows [][]string) []int64 {
	out := make([]int64, len(rows))
	for i, row := range rows {
		out[i] = atoi(row[0])
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
