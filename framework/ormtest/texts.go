package ormtest

import "fusionsoft.ca/fusion/framework/orm"

// Texts runs a query and returns its rows in PostgreSQL's text form, with "" for
// NULL, for tests that compare what is stored. The unit of work forgets nothing.
func Texts(env *orm.Env, query string, args ...any) ([][]string, error) {
	if err := env.Flush(); err != nil {
		return nil, err
	}
	// JSON has the columns in their order, whatever their names and types.
	s := orm.SQL(`SELECT ARRAY(SELECT CASE json_typeof(value) WHEN 'null' THEN '' WHEN 'boolean' THEN left(value::text, 1) ELSE value #>> '{}' END
		FROM json_each(row_to_json(row_)) WITH ORDINALITY ORDER BY ordinality) FROM (?) row_`, orm.SQL(query, args...))
	for _, m := range env.Registry().Models() {
		if !m.Abstract {
			s = s.Reads(m.Name)
		}
	}
	return orm.Rows[[]string](env, s)
}
