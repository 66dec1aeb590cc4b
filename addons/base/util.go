package base

import (
	"fusionsoft.ca/fusion/framework/orm"
)

// acyclic refuses records that are their own ancestor along a many2one column.
func acyclic(env *orm.Env, model, field string, ids []int64) (bool, error) {
	if len(ids) == 0 {
		return true, nil
	}
	table, column := orm.Ident(env.Model(model).Model.Table), orm.Ident(field)
	// SQL: recursive.
	n, err := orm.Row[int](env, orm.SQL(`WITH RECURSIVE up(start, at) AS (
			SELECT id, ? FROM ? WHERE id = ANY(?) AND ? IS NOT NULL
			UNION SELECT up.start, t.? FROM ? t JOIN up ON up.at = t.id WHERE t.? IS NOT NULL)
		SELECT count(*) FROM up WHERE start = at`,
		column, table, ids, column, column, table, column).Reads(model, field))
	return n == 0, err
}

func asBool(v any) bool {
	b, _ := v.(bool)
	return b
}
