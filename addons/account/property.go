package account

import (
	"encoding/json"
	"fmt"

	"fusion/framework/orm"
)

// Property fields hold one value per company. The values of a record are kept
// in its column account_properties as {"field": {"company id": record id}}.
type propertyValues map[string]map[string]int64

func (p propertyValues) get(field string, company int64) int64 {
	return p[field][itoa(company)]
}

func parseProperties(raw []byte) propertyValues {
	p := propertyValues{}
	if len(raw) > 0 {
		// The column is written by storeProperty only; what cannot be read counts as unset.
		if json.Unmarshal(raw, &p) != nil {
			return propertyValues{}
		}
	}
	return p
}

// readProperty gives the value a record itself has for a company, 0 when unset.
func readProperty(env *orm.Env, table string, ids []int64, field string, company int64) (map[int64]int64, error) {
	rows, err := env.Query(fmt.Sprintf(`SELECT id, account_properties->?->>? FROM %q WHERE id = ANY(?)`, table), field, itoa(company), ids)
	if err != nil {
		return nil, err
	}
	out := make(map[int64]int64, len(rows))
	for _, row := range rows {
		if row[1] != "" {
			out[atoi(row[0])] = atoi(row[1])
		}
	}
	return out, nil
}

// storeProperty sets the value of records for a company; 0 clears it.
func storeProperty(env *orm.Env, table string, ids []int64, field string, company, value int64) error {
	raw := "null"
	if value != 0 {
		raw = itoa(value)
	}
	_, err := env.Exec(fmt.Sprintf(`UPDATE %q SET account_properties = COALESCE(account_properties, '{}'::jsonb)
		|| jsonb_build_object(?::text, COALESCE(account_properties->?, '{}'::jsonb) || jsonb_build_object(?::text, ?::jsonb)) WHERE id = ANY(?)`, table),
		field, field, itoa(company), raw, ids)
	return err
}

// searchProperty answers a domain leaf on a property. fallback is what records
// without a value of their own count as having.
func searchProperty(table, field string, fallback func(*orm.Env) (int64, error)) func(*orm.Env, string, any) (orm.Domain, error) {
	return func(env *orm.Env, op string, value any) (orm.Domain, error) {
		books, err := booksOf(env, env.Company())
		if err != nil {
			return nil, err
		}
		byDefault, err := fallback(env)
		if err != nil {
			return nil, err
		}
		var wanted []int64
		switch v := value.(type) {
		case nil, bool:
			wanted = []int64{0}
		case []int64:
			wanted = v
		case []any:
			for _, x := range v {
				wanted = append(wanted, asInt(x))
			}
		default:
			wanted = []int64{asInt(v)}
		}
		negative := op == "!=" || op == "not in"
		if !negative && op != "=" && op != "in" {
			return nil, orm.UserErrorf("%s can be searched with =, !=, in and not in only.", field)
		}
		rows, err := env.Query(fmt.Sprintf(`SELECT id FROM %q WHERE COALESCE((account_properties->?->>?)::bigint, ?) = ANY(?)`, table),
			field, itoa(books), byDefault, wanted)
		if err != nil {
			return nil, err
		}
		ids := make([]int64, len(rows))
		for i, row := range rows {
			ids[i] = atoi(row[0])
		}
		if negative {
			return orm.Leaf("id", "not in", ids), nil
		}
		return orm.Leaf("id", "in", ids), nil
	}
}
