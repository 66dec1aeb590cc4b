package orm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// columns holds fetched values: one slice per field, in the order of ids.
type columns struct {
	ids   []int64
	index map[int64]int
	vals  map[string][]any
}

func newColumns(ids []int64) *columns {
	c := &columns{ids: ids, index: make(map[int64]int, len(ids)), vals: map[string][]any{}}
	for i, id := range ids {
		c.index[id] = i
	}
	return c
}

// fetch reads the fields that are values in SQL, in one statement at most,
// applying the user's record rules. Every id must exist and be readable.
func (rs Records) fetch(fields []*Field) (*columns, error) {
	if len(rs.IDs) == 0 {
		return newColumns(nil), nil
	}
	if rs.hasNew() {
		return rs.fetchMixed(fields)
	}
	if err := rs.Env.flushFor(fields); err != nil {
		return nil, err
	}
	if c, err := rs.fromCache(fields); c != nil || err != nil {
		return c, err
	}
	return rs.query(fields)
}

// query is fetch from the database.
func (rs Records) query(fields []*Field) (*columns, error) {
	c := newColumns(rs.IDs)
	s := rs.Env.newSelect(rs.Model)
	cols := []frag{{sql: s.alias + ".id"}}
	for _, f := range fields {
		col, ok := s.column(s.alias, rs.Model, f)
		if !ok {
			return nil, fmt.Errorf("orm: %s.%s is not a column", rs.Model.Name, f.Name)
		}
		cols = append(cols, col)
		c.vals[f.Name] = make([]any, len(rs.IDs))
	}
	cond := sqlf("?.id = ANY(?)", sqlf(s.alias), rs.IDs)
	d, ruled, err := rs.accessDomain(OpRead)
	if err != nil {
		return nil, err
	}
	if ruled {
		rules, err := s.unchecked().domain(d)
		if err != nil {
			return nil, err
		}
		cond = sqlf("? AND (?)", cond, rules)
	}
	seen := make([]bool, len(rs.IDs))
	n := 0
	dest := make([][]any, len(fields))
	for i, f := range fields {
		dest[i] = c.vals[f.Name]
	}
	// What the statement looks at must be stored, but for the rows themselves:
	// what of them waits is put in afterwards.
	looked := s.seen.models[1:]
	if ruled {
		looked = s.seen.models
	}
	if err := rs.Env.writeDirtyOf(looked); err != nil {
		return nil, err
	}
	err = rs.Env.stream(sqlf("SELECT ? FROM ? WHERE ?", join(cols, ", "), s.from(), cond), func(row [][]byte) error {
		id, err := strconv.ParseInt(string(row[0]), 10, 64)
		if err != nil {
			return err
		}
		i := c.index[id]
		if !seen[i] {
			seen[i] = true
			n++
		}
		for k, f := range fields {
			v, err := f.decode(row[k+1])
			if err != nil {
				return fmt.Errorf("%s.%s of record %d: %w", rs.Model.Name, f.Name, id, err)
			}
			dest[k][i] = v
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if n < len(c.index) {
		var found []int64
		for id, i := range c.index {
			if seen[i] {
				found = append(found, id)
			}
		}
		return nil, rs.refused(OpRead, found)
	}
	rs.toCache(fields, c, ruled)
	if err := rs.Env.trim(); err != nil {
		return nil, err
	}
	if len(c.index) < len(rs.IDs) { // an id given twice
		for _, col := range dest {
			for i, id := range rs.IDs {
				col[i] = col[c.index[id]]
			}
		}
	}
	return c, nil
}

// values reads any fields, in a number of statements that does not depend on
// the number of records.
func (rs Records) values(fields []*Field) (*columns, error) {
	var direct, rest []*Field
	s := rs.Env.newSelect(rs.Model)
	for _, f := range fields {
		if f.Name == "id" {
			continue
		}
		if _, ok := s.column(s.alias, rs.Model, f); ok {
			direct = append(direct, f)
		} else {
			rest = append(rest, f)
		}
	}
	c := newColumns(rs.IDs)
	// A compute that reads with all rights finds by itself what does not exist.
	if len(direct) > 0 || !rs.Env.su || !slices.ContainsFunc(rest, func(f *Field) bool { return f.Name == "display_name" || f.compute != nil && f.compute.call != nil }) {
		var err error
		if c, err = rs.fetch(direct); err != nil {
			return nil, err
		}
	}
	for _, f := range direct {
		if f.Kind == SecretKind {
			if err := rs.Env.openSecrets(c.vals[f.Name]); err != nil {
				return nil, err
			}
		}
	}
	done := map[*compute]bool{}
	for _, f := range rest {
		if c.vals[f.Name] != nil {
			continue
		}
		if f.compute != nil && f.compute.call != nil && !(f.Stored && f.X2many()) {
			if done[f.compute] {
				continue
			}
			done[f.compute] = true
			vals, err := rs.computed(f.compute)
			if err != nil {
				return nil, err
			}
			for i, cf := range f.compute.fields {
				if !cf.Stored || cf == f {
					c.vals[cf.Name] = vals[i]
				}
			}
			continue
		}
		vals, err := rs.dynamic(f)
		if err != nil {
			return nil, err
		}
		c.vals[f.Name] = vals
	}
	return c, nil
}

// dynamic reads a value that has no Go compute and no column.
func (rs Records) dynamic(f *Field) ([]any, error) {
	out := make([]any, len(rs.IDs))
	switch {
	case f.Name == "display_name":
		names, err := rs.defaultNames()
		if err != nil {
			return nil, err
		}
		for i, id := range rs.IDs {
			out[i] = names[id]
		}
	case len(f.Related) > 0:
		cols, err := rs.related([]*Field{f})
		rs.overrideNew(f, cols[0])
		return cols[0], err
	case f.X2many():
		lists, err := rs.lists(f)
		if err != nil {
			return nil, err
		}
		for i, id := range rs.IDs {
			out[i] = lists[id]
		}
	case f.Kind == BinaryKind:
		return rs.binaries(f)
	default:
		// declared without column or compute: the value is always empty
		for i := range out {
			out[i] = f.empty()
		}
	}
	return out, nil
}

// related follows the paths of related fields, by field. Paths that begin alike
// are walked together. Related values are read with all rights, as in Odoo.
func (rs Records) related(fields []*Field) ([][]any, error) {
	paths := make([][]string, len(fields))
	for i, f := range fields {
		paths[i] = f.Related
	}
	out, err := rs.In(rs.Env.Sudo()).follow(paths)
	for i, f := range fields {
		for k, v := range out[i] {
			if v == (broken{}) {
				out[i][k] = readEmpty(f)
			}
		}
	}
	return out, err
}

// broken stands for the end of a path that breaks off.
type broken struct{}

// follow reads the values at the ends of paths of many2ones.
func (rs Records) follow(paths [][]string) ([][]any, error) {
	out := make([][]any, len(paths))
	var heads []*Field
	for _, p := range paths {
		if f := rs.Model.Fields[p[0]]; !slices.Contains(heads, f) {
			heads = append(heads, f)
		}
	}
	distinct := slices.Clone(rs.IDs)
	slices.Sort(distinct)
	distinct = slices.DeleteFunc(slices.Compact(distinct), func(id int64) bool { return id == 0 })
	c, err := rs.Browse(distinct...).values(heads)
	if err != nil {
		return out, err
	}
	for _, f := range heads {
		col := make([]any, len(rs.IDs))
		next := make([]int64, len(rs.IDs))
		for k, id := range rs.IDs {
			col[k] = broken{}
			if id != 0 {
				col[k] = c.vals[f.Name][c.index[id]]
				next[k], _ = col[k].(int64)
			}
		}
		var at []int
		var tails [][]string
		for i, p := range paths {
			switch {
			case p[0] != f.Name:
			case len(p) == 1:
				out[i] = slices.Clone(col)
			default:
				at, tails = append(at, i), append(tails, p[1:])
			}
		}
		if len(tails) == 0 {
			continue
		}
		ends, err := rs.Env.Model(f.Comodel).Browse(next...).follow(tails)
		if err != nil {
			return out, err
		}
		for i, col := range ends {
			out[at[i]] = col
		}
	}
	return out, nil
}

func readEmpty(f *Field) any {
	if f.X2many() {
		return []int64(nil)
	}
	return f.empty()
}

// lists reads the related ids of a one2many or many2many, in the comodel's
// order, without archived records unless active_test is off.
func (rs Records) lists(f *Field) (map[int64][]int64, error) {
	out := make(map[int64][]int64, len(rs.IDs))
	if len(rs.IDs) == 0 {
		return out, nil
	}
	if rs.hasNew() {
		return rs.listsMixed(f)
	}
	if err := rs.Env.Flush(); err != nil {
		return nil, err
	}
	co := rs.Env.related(f)
	if err := co.checkModel(OpRead); err != nil {
		return nil, err
	}
	if rs.unreferred(f) {
		return out, nil
	}
	s := co.Env.newSelect(co.Model)
	where, err := co.where(s, f.filter, OpRead)
	if err != nil {
		return nil, err
	}
	order, err := s.orderBy(co.Model.order)
	if err != nil {
		return nil, err
	}
	if order.empty() {
		order = frag{sql: s.alias + ".id"}
	}
	var owner frag
	var from frag
	if f.Kind == One2many {
		inv := co.Model.Fields[f.Inverse]
		col, ok := s.column(s.alias, co.Model, inv)
		if !ok {
			return rs.listsByCompute(f, inv)
		}
		owner, from = col, s.from()
		if inv.Kind == Many2oneRef {
			where = sqlf("? AND ?."+quote(inv.ModelField)+" = ?", where, sqlf(s.alias), rs.Model.Name)
		}
	} else {
		owner = frag{sql: "r." + quote(f.RelCol)}
		from = sqlf("? JOIN "+quote(f.RelTable)+" r ON r."+quote(f.RelCocol)+" = ?.id", s.from(), sqlf(s.alias))
	}
	err = rs.Env.eachOf(sqlf("SELECT ?, ?.id FROM ? WHERE ? = ANY(?) AND ? ORDER BY ?", owner, sqlf(s.alias), from, owner, rs.IDs, where, order), func(row [][]byte) error {
		id := cellInt(string(row[0]))
		out[id] = append(out[id], cellInt(string(row[1])))
		return nil
	}, s.seen.models...)
	return out, err
}

func (rs Records) listsByCompute(f, inv *Field) (map[int64][]int64, error) {
	found, err := rs.Env.related(f).Search(And(f.filter, Leaf(inv.Name, "in", rs.IDs)), SearchOptions{})
	if err != nil {
		return nil, err
	}
	c, err := found.values([]*Field{inv})
	if err != nil {
		return nil, err
	}
	out := map[int64][]int64{}
	for i, id := range found.IDs {
		if owner, ok := c.vals[inv.Name][i].(int64); ok {
			out[owner] = append(out[owner], id)
		}
	}
	return out, nil
}

// fieldsNamed resolves names for reading and checks the user's right to each.
// No names means all fields the user may see: lists of records of which he may
// read none are left out.
func (rs Records) fieldsNamed(names []string) ([]*Field, error) {
	var out []*Field
	if len(names) == 0 {
		for _, name := range rs.Model.FieldNames() {
			f := rs.Model.Fields[name]
			ok, err := rs.Env.FieldAllowed(f)
			if err == nil && ok && f.X2many() {
				ok, err = rs.Env.Model(f.Comodel).HasAccess(OpRead)
			}
			if err != nil {
				return nil, err
			}
			if ok {
				out = append(out, f)
			}
		}
		return out, nil
	}
	for _, name := range names {
		f := rs.Model.Fields[name]
		if f == nil {
			return nil, ValueErrorf("Invalid field '%s' on '%s'", name, rs.Model.Name)
		}
		if err := rs.Env.checkField(rs.Model, f, OpRead); err != nil {
			return nil, err
		}
		if !slices.Contains(out, f) {
			out = append(out, f)
		}
	}
	return out, nil
}

// Read returns the fields of the records as Go values, one Values a record,
// in order. Without names it reads all fields.
func (rs Records) Read(names ...string) ([]Values, error) {
	_, rows, err := rs.read(names)
	return rows, err
}

func (rs Records) read(names []string) ([]*Field, []Values, error) {
	if err := rs.checkModel(OpRead); err != nil {
		return nil, nil, err
	}
	fields, err := rs.fieldsNamed(names)
	if err != nil {
		return nil, nil, err
	}
	c, err := rs.values(fields)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range fields {
		if err := rs.Env.hide(f, c.vals[f.Name]); err != nil {
			return nil, nil, err
		}
	}
	rows := make([]Values, len(rs.IDs))
	for i, id := range rs.IDs {
		row := make(Values, len(fields)+1)
		row["id"] = id
		for _, f := range fields {
			if f.Name != "id" {
				row[f.Name] = c.vals[f.Name][i]
			}
		}
		rows[i] = row
	}
	return fields, rows, nil
}

// maxCells is how many values are read, exported or imported for a client at once.
const maxCells = 10_000_000

// CheckCells refuses more values than are given to a client, or taken from one, at once.
func CheckCells(rows, columns int) error {
	if columns > 0 && rows > maxCells/columns {
		return UserErrorf("%d rows of %d columns are too many at once; take fewer of either at a time.", rows, columns)
	}
	return nil
}

// ReadWire is Read in the form of JSON-RPC: false for empty values, a many2one
// as [id, name] (with names false: the id alone). Records that do not exist are
// left out, but where only their ids are asked for: nothing of them is read then.
func (rs Records) ReadWire(fields []string, names bool) ([]Values, error) {
	width := len(fields)
	if width == 0 {
		width = len(rs.Model.Fields)
	}
	if err := CheckCells(len(rs.IDs), min(width, len(rs.Model.Fields))); err != nil {
		return nil, err
	}
	used, rows, err := rs.read(fields)
	if IsCode(err, CodeMissing) {
		var there Records
		if there, err = rs.Exists(); err == nil {
			used, rows, err = there.read(fields)
		}
		if err == nil && len(used) == 1 && used[0].Name == "id" {
			rows = rs.bareIDs()
		}
	}
	if err != nil {
		return nil, err
	}
	for _, f := range used {
		if f.Kind == Many2one && names {
			if err := rs.pairNames(f, rows); err != nil {
				return nil, err
			}
			continue
		}
		if f.Kind == BinaryKind && (rs.Env.Flag("bin_size", false) || rs.Env.Flag("bin_size_"+f.Name, false)) {
			for _, row := range rows {
				if b, ok := row[f.Name].([]byte); ok {
					row[f.Name] = humanSize(len(b))
				} else {
					row[f.Name] = false
				}
			}
			continue
		}
		for _, row := range rows {
			if f.Name != "id" {
				row[f.Name] = f.Wire(row[f.Name])
			}
		}
	}
	return rows, nil
}

func (rs Records) bareIDs() []Values {
	rows := make([]Values, len(rs.IDs))
	for i, id := range rs.IDs {
		rows[i] = Values{"id": id}
	}
	return rows
}

func humanSize(n int) string {
	size, units := float64(n), []string{"bytes", "Kb", "Mb", "Gb"}
	i := 0
	for ; size >= 1024 && i < len(units)-1; i++ {
		size /= 1024
	}
	return fmt.Sprintf("%.2f %s", size, units[i])
}

func (rs Records) pairNames(f *Field, rows []Values) error {
	var ids []int64
	for _, row := range rows {
		if id, ok := row[f.Name].(int64); ok && id != 0 {
			ids = append(ids, id)
		}
	}
	names, err := rs.Env.Sudo().Model(f.Comodel).Browse(ids...).existingNames()
	if err != nil {
		return err
	}
	for _, row := range rows {
		id, _ := row[f.Name].(int64)
		if name, ok := names[id]; ok && id != 0 {
			row[f.Name] = []any{id, name}
		} else {
			row[f.Name] = false
		}
	}
	return nil
}

// DisplayNames are the names of the records by id.
func (rs Records) DisplayNames() (map[int64]string, error) {
	if err := rs.checkModel(OpRead); err != nil {
		return nil, err
	}
	return rs.names()
}

// existingNames is names for ids some of which may not exist.
func (rs Records) existingNames() (map[int64]string, error) {
	ids := slices.Clone(rs.IDs)
	slices.Sort(ids)
	return rs.Browse(slices.Compact(ids)...).names()
}

func (rs Records) names() (map[int64]string, error) {
	f := rs.Model.Fields["display_name"]
	c, err := rs.values([]*Field{f})
	if err != nil {
		return nil, err
	}
	out := make(map[int64]string, len(rs.IDs))
	for i, id := range rs.IDs {
		out[id], _ = c.vals["display_name"][i].(string)
	}
	return out, nil
}

// defaultNames is the display name of models without a compute of their own.
func (rs Records) defaultNames() (map[int64]string, error) {
	out := make(map[int64]string, len(rs.IDs))
	if rs.Model.RecName == "" {
		for _, id := range rs.IDs {
			out[id] = rs.Model.Name + ",New"
			if stored := rs.Browse(id).Origin(); stored != 0 {
				out[id] = rs.Model.Name + "," + strconv.FormatInt(stored, 10)
			}
		}
		return out, nil
	}
	f := rs.Model.Fields[rs.Model.RecName]
	c, err := rs.values([]*Field{f})
	if err != nil {
		return nil, err
	}
	if f.Kind == Many2one {
		var ids []int64
		for _, v := range c.vals[f.Name] {
			if id, ok := v.(int64); ok {
				ids = append(ids, id)
			}
		}
		names, err := rs.Env.Sudo().Model(f.Comodel).Browse(ids...).existingNames()
		if err != nil {
			return nil, err
		}
		for i, id := range rs.IDs {
			ref, _ := c.vals[f.Name][i].(int64)
			out[id] = names[ref]
		}
		return out, nil
	}
	for i, id := range rs.IDs {
		switch v := c.vals[f.Name][i].(type) {
		case nil:
		case string:
			out[id] = v
			if f.Kind == Selection {
				out[id] = f.OptionLabel(v)
			}
		case fmt.Stringer:
			out[id] = v.String()
		default:
			out[id] = fmt.Sprint(v)
		}
	}
	return out, nil
}

func nameSearchBase(rs Records, name string, d Domain, op string, limit int) ([]NamedID, error) {
	if name != "" || (op != "ilike" && op != "like") {
		if len(rs.Model.searchNames) > 0 {
			d = And(d, Leaf("display_name", op, name))
		}
	}
	found, err := rs.Search(d, SearchOptions{Limit: limit})
	if err != nil {
		return nil, err
	}
	names, err := rs.Env.Sudo().Model(rs.Model.Name).Browse(found.IDs...).names()
	if err != nil {
		return nil, err
	}
	out := make([]NamedID, len(found.IDs))
	for i, id := range found.IDs {
		out[i] = NamedID{id, names[id]}
	}
	return out, nil
}

// NameSearch finds records by name: what a many2one's search box shows.
func (rs Records) NameSearch(name string, d Domain, op string, limit int) ([]NamedID, error) {
	if op == "" {
		op = "ilike"
	}
	if err := rs.checkModel(OpRead); err != nil {
		return nil, err
	}
	return rs.Model.ops.nameSearch(rs.Browse(), name, d, op, limit)
}

func nameCreateBase(rs Records, name string) (NamedID, error) {
	if rs.Model.RecName == "" {
		return NamedID{}, UserErrorf("%s cannot be created from a name alone.", rs.Model.Label)
	}
	created, err := rs.Create(Values{rs.Model.RecName: name})
	if err != nil {
		return NamedID{}, err
	}
	names, err := created.DisplayNames()
	return NamedID{created.IDs[0], names[created.IDs[0]]}, err
}

// NameCreate creates a record from its name.
func (rs Records) NameCreate(name string) (NamedID, error) {
	return rs.Model.ops.nameCreate(rs.Browse(), strings.TrimSpace(name))
}
