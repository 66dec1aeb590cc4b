package stock

import (
	"fmt"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/orm"
)

// quantity is how much there is of a product, in its own unit.
type quantity struct{ onHand, reserved, incoming, outgoing decimal.Decimal }

func (q quantity) free() decimal.Decimal { return q.onHand.Sub(q.reserved) }

func (q quantity) forecast() decimal.Decimal { return q.onHand.Add(q.incoming).Sub(q.outgoing) }

// quantities finds, in one statement, how much there is of products; key is the
// column of product_product the ids are of. With nil ids it looks at all
// products, and products without stock and open moves are missing.
func quantities(env *orm.Env, key string, ids []int64) (map[int64]quantity, error) {
	out := map[int64]quantity{}
	if ids != nil && len(ids) == 0 {
		return out, nil
	}
	here, args, err := stockLocations(env)
	if err != nil {
		return nil, err
	}
	from, to, err := period(env)
	if err != nil {
		return nil, err
	}
	of := func(alias string) string {
		switch {
		case ids == nil:
			return "TRUE"
		case key == "id":
			args = append(args, ids)
			return alias + ".product_id = ANY(?)"
		}
		args = append(args, ids)
		return alias + ".product_id IN (SELECT id FROM product_product WHERE " + key + " = ANY(?))"
	}
	// What is open counts by when it is planned; the past is what is there now,
	// with what was done since taken back.
	planned, past := "", ""
	crosses := ` m LEFT JOIN here s ON s.id = m.location_id LEFT JOIN here d ON d.id = m.location_dest_id
			WHERE (s.id IS NULL) <> (d.id IS NULL) AND `
	sql := `WITH here AS MATERIALIZED (` + here + `)
		SELECT p.` + key + ` AS of, COALESCE(sum(x.on_hand), 0) AS on_hand, COALESCE(sum(x.reserved), 0) AS reserved, COALESCE(sum(x.incoming), 0) AS incoming, COALESCE(sum(x.outgoing), 0) AS outgoing FROM (
			SELECT q.product_id, q.quantity AS on_hand, q.reserved_quantity AS reserved, 0::numeric AS incoming, 0::numeric AS outgoing
			FROM stock_quant q WHERE q.location_id IN (SELECT id FROM here) AND ` + of("q") + `
			UNION ALL
			SELECT m.product_id, 0, 0, CASE WHEN s.id IS NULL AND d.id IS NOT NULL THEN m.product_qty ELSE 0 END, CASE WHEN s.id IS NOT NULL AND d.id IS NULL THEN m.product_qty ELSE 0 END
			FROM stock_move` + crosses + `m.state IN ('waiting', 'confirmed', 'partially_available', 'assigned') AND ` + of("m")
	if !from.IsZero() {
		planned += " AND m.date >= ?"
		args = append(args, from)
	}
	if !to.IsZero() {
		planned += " AND m.date <= ?"
		args = append(args, to)
	}
	if !to.IsZero() && to.Time().Before(env.Now()) {
		past = `
			UNION ALL
			SELECT m.product_id, CASE WHEN d.id IS NULL THEN m.quantity_product_uom ELSE -m.quantity_product_uom END, 0, 0, 0
			FROM stock_move_line` + crosses + of("m") + ` AND EXISTS (SELECT FROM stock_move v WHERE v.id = m.move_id AND v.state = 'done' AND v.date > ?)`
		args = append(args, to)
	}
	sql += planned + past + `
		) x JOIN product_product p ON p.id = x.product_id GROUP BY 1`
	type sums struct {
		Of                                   int64
		OnHand, Reserved, Incoming, Outgoing decimal.Decimal
	}
	// SQL: sums of quants and moves of many products, which pages of lists show.
	rows, err := orm.Rows[sums](env, orm.SQL(sql, args...).Reads("stock.quant").Reads("stock.move").Reads("stock.move.line").
		Reads("stock.location").Reads("stock.warehouse").Reads("product.product", "product_tmpl_id"))
	for _, row := range rows {
		out[row.Of] = quantity{row.OnHand, row.Reserved, row.Incoming, row.Outgoing}
	}
	return out, err
}

// period is the time that the context keys from_date and to_date name.
func period(env *orm.Env) (from, to orm.Datetime, err error) {
	for key, at := range map[string]*orm.Datetime{"from_date": &from, "to_date": &to} {
		switch v := env.Key(key).(type) {
		case nil, bool:
		case orm.Datetime:
			*at = v
		case string:
			if *at, err = orm.ParseDatetime(v); err != nil {
				return from, to, orm.UserErrorf("The context key %s is no date: %s.", key, v)
			}
		default:
			return from, to, orm.UserErrorf("The context key %s is no date: %v.", key, v)
		}
	}
	return from, to, nil
}

// stockLocations is the statement that lists the locations whose stock counts: those in
// and below the locations and warehouses of the context, else all of the
// companies one works for.
func stockLocations(env *orm.Env) (sql string, args []any, err error) {
	below := "SELECT DISTINCT l.id FROM stock_location l JOIN stock_location top ON l.parent_path LIKE top.parent_path || '%' WHERE "
	key := "warehouse_id"
	if env.Key(key) == nil {
		key = "warehouse"
	}
	warehouses, chosen := env.KeyIDs(key), isSet(env.Key(key))
	location := env.Key("location")
	within := "top.id IN (SELECT view_location_id FROM stock_warehouse WHERE id = ANY(?))"
	switch {
	case isSet(location):
		cond, arg := "top.id = ANY(?)", any(env.KeyIDs("location"))
		if name, ok := location.(string); ok {
			cond, arg = "top.complete_name ILIKE ?", "%"+strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(name)+"%"
		} else if len(env.KeyIDs("location")) == 0 {
			return "", nil, orm.UserErrorf("The context names no location: %v is neither an id, a list of ids nor a name.", location)
		}
		sql, args = below+cond, []any{arg}
		if chosen {
			sql = "SELECT DISTINCT l.id FROM stock_location l JOIN (" + sql + ") w ON w.id = l.id JOIN stock_location top ON l.parent_path LIKE top.parent_path || '%' WHERE " + within
			args = append(args, warehouses)
		}
	case chosen:
		sql, args = below+within, []any{warehouses}
	default:
		sql, args = below+"top.id IN (SELECT view_location_id FROM stock_warehouse WHERE active AND company_id = ANY(?))", []any{env.Companies()}
	}
	return sql, args, nil
}

func isSet(v any) bool {
	return v != nil && v != false && v != "" && v != 0 && v != int64(0) && v != 0.0
}

// searchQuantity finds the products one of whose quantities compares to a
// value. Products that are not known to the stock have none of it.
func searchQuantity(field, key string, pick func(quantity) decimal.Decimal) func(*orm.Env, string, any) (orm.Domain, error) {
	return func(env *orm.Env, op string, value any) (orm.Domain, error) {
		holds, err := comparison(field, op, value)
		if err != nil {
			return nil, err
		}
		found, err := quantities(env, key, nil)
		if err != nil {
			return nil, err
		}
		zero := holds(decimal.Zero)
		ids := []int64{}
		for id, q := range found {
			if holds(pick(q)) != zero {
				ids = append(ids, id)
			}
		}
		if zero {
			return orm.Leaf("id", "not in", ids), nil
		}
		return orm.Leaf("id", "in", ids), nil
	}
}

func comparison(field, op string, value any) (func(decimal.Decimal) bool, error) {
	if value == false {
		value = 0
	}
	v, err := decimal.NewFromString(fmt.Sprint(value))
	if err != nil {
		return nil, orm.UserErrorf("%s is a number: it cannot be compared to %v.", field, value)
	}
	switch op {
	case "=":
		return v.Equal, nil
	case "!=":
		return func(q decimal.Decimal) bool { return !q.Equal(v) }, nil
	case "<":
		return func(q decimal.Decimal) bool { return q.LessThan(v) }, nil
	case "<=":
		return func(q decimal.Decimal) bool { return q.LessThanOrEqual(v) }, nil
	case ">":
		return func(q decimal.Decimal) bool { return q.GreaterThan(v) }, nil
	case ">=":
		return func(q decimal.Decimal) bool { return q.GreaterThanOrEqual(v) }, nil
	}
	return nil, orm.UserErrorf("%s can be searched with =, !=, <, <=, > and >= only.", field)
}
