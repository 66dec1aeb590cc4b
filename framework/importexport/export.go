package importexport

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// Export reads paths of fields as rows for a spreadsheet, columns as Load takes
// them: a record takes as many rows as the longest of its lists whose fields
// are asked for. Links to records are shown by name, a many2many as one text.
func Export(rs orm.Records, columns []string) ([][]any, error) {
	if err := rs.CheckAccess(orm.OpRead); err != nil {
		return nil, err
	}
	if err := orm.CheckCells(len(rs.IDs), len(columns)); err != nil {
		return nil, err
	}
	paths := make([][]string, len(columns))
	for i, c := range columns {
		if paths[i] = columnPath(c); len(paths[i]) > maxSteps {
			return nil, orm.UserErrorf("The column has %d steps; at most %d are accepted.", len(paths[i]), maxSteps)
		}
	}
	byID, err := exportRows(rs, paths)
	if err != nil {
		return nil, err
	}
	var out [][]any
	for _, id := range rs.IDs {
		out = append(out, byID[id]...)
		if err := orm.CheckCells(len(out), len(columns)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// maxSteps is how long the path of a column may be.
const maxSteps = 40

var (
	databaseID = regexp.MustCompile(`([^/])\.id$`)
	externalID = regexp.MustCompile(`([^/]):id$`)
)

// columnPath takes a column apart: "country_id/code", "country_id.code" and, for
// ids, "country_id/id", "country_id:id", "country_id/.id" and "country_id.id".
func columnPath(column string) []string {
	column = externalID.ReplaceAllString(databaseID.ReplaceAllString(column, "$1/.id"), "$1/id")
	var path []string
	for _, part := range strings.Split(column, "/") {
		if strings.HasPrefix(part, ".") {
			path = append(path, part)
		} else {
			path = append(path, strings.Split(part, ".")...)
		}
	}
	return path
}

// exportRows are the rows of each record. A nil path is a column of others.
func exportRows(rs orm.Records, paths [][]string) (map[int64][][]any, error) {
	rs.IDs = distinct(rs.IDs)
	out := make(map[int64][][]any, len(rs.IDs))
	for _, id := range rs.IDs {
		row := make([]any, len(paths))
		for i := range row {
			row[i] = ""
		}
		out[id] = [][]any{row}
	}
	done := map[string]bool{}
	for i, path := range paths {
		if len(path) == 0 || path[0] == "" || done[path[0]] {
			continue
		}
		switch name := path[0]; name {
		case ".id":
			for _, id := range rs.IDs {
				out[id][0][i] = strconv.FormatInt(id, 10)
			}
		case "id":
			names, err := ensureExternalIDs(rs)
			if err != nil {
				return nil, err
			}
			for _, id := range rs.IDs {
				if len(names[id]) > 0 {
					out[id][0][i] = names[id][0]
				}
			}
		default:
			f := rs.Model.Fields[name]
			if f == nil {
				return nil, orm.ValueErrorf("Invalid field '%s' on model '%s'", name, rs.Model.Name)
			}
			if !f.Relational() {
				if err := exportScalar(rs, f, i, out); err != nil {
					return nil, err
				}
				continue
			}
			done[name] = true
			if err := exportRelation(rs, f, paths, i, out); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

func exportScalar(rs orm.Records, f *orm.Field, at int, out map[int64][][]any) error {
	rows, err := rs.ReadWire([]string{f.Name}, false)
	if err != nil {
		return err
	}
	opts := map[string]string{}
	if f.Kind == orm.Selection {
		list, err := rs.Env.Options(f)
		if err != nil {
			return err
		}
		for _, o := range list {
			opts[o.Value] = o.Label
		}
	}
	for _, row := range rows {
		v := row[f.Name]
		if v == false && f.Kind != orm.Boolean {
			v = ""
		}
		if s, ok := v.(string); ok && f.Kind == orm.Selection {
			v = opts[s]
		}
		id, _ := row["id"].(int64)
		out[id][0][at] = v
	}
	return nil
}

// exportRelation fills the columns that go through a relation.
func exportRelation(rs orm.Records, f *orm.Field, paths [][]string, first int, out map[int64][][]any) error {
	rows, err := rs.Read(f.Name)
	if err != nil {
		return err
	}
	targets := map[int64][]int64{}
	var all []int64
	seen := map[int64]bool{}
	for i, id := range rs.IDs {
		switch v := rows[i][f.Name].(type) {
		case int64:
			targets[id] = []int64{v}
		case []int64:
			targets[id] = v
		}
		for _, t := range targets[id] {
			if t != 0 && !seen[t] {
				seen[t] = true
				all = append(all, t)
			}
		}
	}
	co := rs.Env.Model(f.Comodel).Browse(all...)
	sub := make([][]string, len(paths))
	for i, p := range paths {
		if len(p) == 0 || p[0] != f.Name {
			continue
		}
		if sub[i] = p[1:]; len(sub[i]) == 0 {
			sub[i] = []string{"display_name"}
		}
	}
	if f.Kind == orm.Many2many {
		return exportLinks(rs, co, sub, first, targets, out)
	}
	if f.Kind == orm.Many2one {
		co.Env = rs.Env.Sudo() // names of linked records are shown; anything else needs the right
		for _, p := range sub {
			if len(p) > 0 && p[0] != "display_name" && p[0] != "id" && p[0] != ".id" {
				co.Env = rs.Env
			}
		}
	}
	lines, err := exportRows(co, sub)
	if err != nil {
		return err
	}
	for _, id := range rs.IDs {
		var more [][]any
		for k, t := range targets[id] {
			for n, line := range lines[t] {
				if k == 0 && n == 0 {
					for i := range sub {
						if len(sub[i]) > 0 {
							out[id][0][i] = line[i]
						}
					}
					continue
				}
				more = append(more, line)
			}
		}
		out[id] = append(out[id], more...)
	}
	return nil
}

// exportLinks writes the records of a many2many into one cell: by external id
// when that is asked for, else by name.
func exportLinks(rs, co orm.Records, sub [][]string, first int, targets map[int64][]int64, out map[int64][][]any) error {
	at, byID := first, false
	for i, p := range sub {
		if len(p) == 1 && p[0] == "id" {
			at, byID = i, true
		}
	}
	labels := map[int64]string{}
	if byID {
		names, err := ensureExternalIDs(co)
		if err != nil {
			return err
		}
		for id, list := range names {
			labels[id] = list[0]
		}
	} else {
		var err error
		if labels, err = co.DisplayNames(); err != nil {
			return err
		}
	}
	for _, id := range rs.IDs {
		var parts []string
		for _, t := range targets[id] {
			parts = append(parts, labels[t])
		}
		out[id][0][at] = strings.Join(parts, ",")
	}
	return nil
}

// distinct are the ids without those that come again.
func distinct(ids []int64) []int64 {
	seen := make(map[int64]bool, len(ids))
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
}

// ensureExternalIDs are the external ids of the records; those without one get
// it, so that what is exported can be loaded again.
func ensureExternalIDs(rs orm.Records) (map[int64][]string, error) {
	names, err := ExternalIDs(rs)
	if err != nil || !named(rs.Env) {
		return names, err
	}
	var fresh []orm.Values
	for _, id := range rs.IDs {
		if len(names[id]) == 0 {
			name := fmt.Sprintf("%s_%d_%08x", rs.Model.Table, id, rand.Uint32())
			names[id] = []string{"__export__." + name}
			fresh = append(fresh, orm.Values{"module": "__export__", "name": name, "model": rs.Model.Name, "res_id": id, "noupdate": false})
		}
	}
	if len(fresh) == 0 {
		return names, nil
	}
	_, err = rs.Env.Sudo().Model("ir.model.data").Create(fresh...)
	return names, err
}

// ExternalIDs are the external ids of the records, the oldest first. Records
// without one are missing.
func ExternalIDs(rs orm.Records) (map[int64][]string, error) {
	out := map[int64][]string{}
	if !named(rs.Env) || len(rs.IDs) == 0 {
		return out, nil
	}
	rows, err := orm.Rows[struct {
		ResID int64
		XMLID string `sql:"xmlid"`
	}](rs.Env, orm.SQL("SELECT res_id, module || '.' || name AS xmlid FROM ir_model_data WHERE model = ? AND res_id = ANY(?) ORDER BY id", rs.Model.Name, rs.IDs).
		Reads("ir.model.data", "module", "name", "model", "res_id"))
	for _, r := range rows {
		out[r.ResID] = append(out[r.ResID], r.XMLID)
	}
	return out, err
}

// named reports whether records have external ids at all, which base brings.
func named(env *orm.Env) bool {
	_, ok := env.Registry().Model("ir.model.data")
	return ok
}
