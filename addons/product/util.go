package product

import (
	"fmt"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

func isNegative(op string) bool { return op == "!=" || strings.HasPrefix(op, "not ") }

// positive is the operator that a negative one denies.
func positive(op string) string {
	if op == "!=" {
		return "="
	}
	return strings.TrimPrefix(op, "not ")
}

// nameOf is what a record is called in a message about it, its id to who may not
// read it.
func nameOf(rs orm.Records) string {
	names, err := rs.NamesForUser()
	if err != nil {
		return rs.String()
	}
	return names[rs.ID()]
}

// namesOf lists up to five records for a message as nameOf calls them.
func namesOf(rs orm.Records) string {
	const most = 5
	var out []string
	for i, id := range rs.IDs {
		if i == most {
			out = append(out, fmt.Sprintf("%d more", rs.Len()-most))
			break
		}
		out = append(out, nameOf(rs.Browse(id)))
	}
	return strings.Join(out, ", ")
}
