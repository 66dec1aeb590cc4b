package base

import (
	"github.com/uptrace/bun"

	"fusionsoft.ca/fusion/framework/orm"
)

// bunIDs is a list of ids as the items of a SQL list; it is never empty, so
// that ARRAY[?] and IN (?) stay valid.
func bunIDs(ids []int64) any {
	if len(ids) == 0 {
		ids = []int64{0}
	}
	return bun.List(ids)
}

// acyclic refuses records that are their own ancestor along a many2one column.
func acyclic(env *orm.Env, table, column string, ids []int64) (bool, error) {
	if len(ids) == 0 {
		return true, nil
	}
	var n int
	err := env.Tx().NewRaw(`WITH RECURSIVE up(start, at) AS (
			SELECT id, ? FROM ? WHERE id IN (?) AND ? IS NOT NULL
			UNION SELECT up.start, t.? FROM ? t JOIN up ON up.at = t.id WHERE t.? IS NOT NULL)
		SELECT count(*) FROM up WHERE start = at`,
		bun.Ident(column), bun.Ident(table), bunIDs(ids), bun.Ident(column), bun.Ident(column), bun.Ident(table), bun.Ident(column)).Scan(env, &n)
	return n == 0, err
}

func asBool(v any) bool {
	b, _ := v.(bool)
	return b
}
