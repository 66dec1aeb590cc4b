package orm

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// modelOf is the model whose facet T is.
func modelOf[T any](env *Env) (*Model, error) {
	f := env.u.db.Registry.facets[reflect.TypeFor[T]()]
	if f == nil {
		return nil, fmt.Errorf("orm: %s is no facet of this registry", reflect.TypeFor[T]())
	}
	return env.u.db.Registry.models[f.model], nil
}

// identify is the model and ids of facets that came from the ORM.
func identify[T any](env *Env, recs []*T) (*Model, []int64) {
	f := env.u.db.Registry.facets[reflect.TypeFor[T]()]
	if f == nil {
		panic(fmt.Sprintf("orm: %s is no facet of this registry", reflect.TypeFor[T]()))
	}
	m := env.u.db.Registry.models[f.model]
	ids := make([]int64, len(recs))
	for i, r := range recs {
		id, from := f.identity(reflect.ValueOf(r).Elem())
		ids[i] = id
		if from != nil {
			m = from.model
		}
	}
	return m, ids
}

// identity is the id of a facet and where it comes from, nil for one made by hand.
func (f *facet) identity(v reflect.Value) (int64, *origin) {
	if len(f.binds) == 0 {
		return 0, nil
	}
	return v.FieldByIndex(f.binds[0]).Addr().Interface().(binder).bound()
}

func (f *facet) bindTo(v reflect.Value, o *origin, id int64) {
	for _, at := range f.binds {
		v.FieldByIndex(at).Addr().Interface().(binder).bind(o, id)
	}
}

// IDs are the ids of facets.
func IDs[T any](env *Env, recs []*T) []int64 {
	_, ids := identify(env, recs)
	return ids
}

// StoredIDs are the stored records that facets are or, in a form, stand for, one by
// one; 0 for those that are new. A compute looks other records up by them.
func StoredIDs[T any](env *Env, recs []*T) []int64 {
	m, ids := identify(env, recs)
	out := make([]int64, len(ids))
	for i, id := range ids {
		out[i] = Records{Env: env, Model: m, IDs: []int64{id}}.Origin()
	}
	return out
}

// RecordsOf is the dynamic face of facets.
func RecordsOf[T any](env *Env, recs ...*T) Records {
	m, ids := identify(env, recs)
	return Records{Env: env, Model: m, IDs: ids}
}

// Read loads records by id as facets, in the order of ids, checking that they
// exist and may be read. Each path loads what it leads through: "partner_id"
// the partner, "order_line.product_id" the lines and their products.
func Read[T any](env *Env, ids []int64, paths ...string) ([]*T, error) {
	m, err := modelOf[T](env)
	if err != nil {
		return nil, err
	}
	return readFacets[T](env, m, ids, paths)
}

// Get is Read of one record.
func Get[T any](env *Env, id int64, paths ...string) (*T, error) {
	recs, err := Read[T](env, []int64{id}, paths...)
	if err != nil {
		return nil, err
	}
	return recs[0], nil
}

// Search finds records and reads them as facets.
func Search[T any](env *Env, d Domain, o SearchOptions, paths ...string) ([]*T, error) {
	m, err := modelOf[T](env)
	if err != nil {
		return nil, err
	}
	found, err := Records{Env: env, Model: m}.Search(d, o)
	if err != nil {
		return nil, err
	}
	return readFacets[T](env, m, found.IDs, paths)
}

// First is the first record of a search, nil when there is none.
func First[T any](env *Env, d Domain, order string, paths ...string) (*T, error) {
	recs, err := Search[T](env, d, SearchOptions{Limit: 1, Order: order}, paths...)
	if err != nil || len(recs) == 0 {
		return nil, err
	}
	return recs[0], nil
}

func readFacets[T any](env *Env, m *Model, ids []int64, paths []string) ([]*T, error) {
	f := env.u.db.Registry.facets[reflect.TypeFor[T]()]
	if f == nil {
		return nil, fmt.Errorf("orm: %s is no facet of this registry", reflect.TypeFor[T]())
	}
	rs := Records{Env: env, Model: m, IDs: ids}
	if err := rs.checkModel(OpRead); err != nil {
		return nil, err
	}
	batch, elems, err := rs.facets(f, opsFor[T]())
	if err != nil {
		return nil, err
	}
	if err := rs.loadPaths(f, elems, paths, true); err != nil {
		return nil, err
	}
	return batch.([]*T), nil
}

// Reload reads the stored columns of facets again, after something else wrote
// on them; loaded relations are dropped.
func Reload[T any](env *Env, recs []*T, paths ...string) error {
	m, ids := identify(env, recs)
	fresh, err := readFacets[T](env, m, ids, paths)
	if err != nil {
		return err
	}
	for i := range recs {
		*recs[i] = *fresh[i]
	}
	return nil
}

// Load fills relations and computes of facets along paths, one statement per
// step whatever the number of records.
func Load[T any](env *Env, recs []*T, paths ...string) error {
	if len(recs) == 0 {
		return nil
	}
	m, ids := identify(env, recs)
	elems := make([]reflect.Value, len(recs))
	for i, r := range recs {
		elems[i] = reflect.ValueOf(r).Elem()
	}
	f := env.u.db.Registry.facets[reflect.TypeFor[T]()]
	return Records{Env: env, Model: m, IDs: ids}.loadPaths(f, elems, paths, true)
}

// facets reads the columns a facet holds.
func (rs Records) facets(f *facet, ops *typeOps) (any, []reflect.Value, error) {
	batch, elems, _, err := rs.facetColumns(f, ops)
	return batch, elems, err
}

// facetsThere is facets of those of the records that exist. It gives the
// columns read, too.
func (rs Records) facetsThere(f *facet, ops *typeOps) (Records, any, []reflect.Value, *columns, error) {
	batch, elems, c, err := rs.facetColumns(f, ops)
	if !IsCode(err, CodeMissing) {
		return rs, batch, elems, c, err
	}
	there, err := rs.Exists()
	if err != nil || len(there.IDs) == 0 {
		return there, nil, nil, nil, err
	}
	batch, elems, c, err = there.facetColumns(f, ops)
	return there, batch, elems, c, err
}

func (rs Records) facetColumns(f *facet, ops *typeOps) (any, []reflect.Value, *columns, error) {
	batch, elems := ops.alloc(len(rs.IDs))
	for _, v := range elems {
		v.Set(f.blank)
	}
	s := rs.Env.newSelect(rs.Model)
	var fields []*Field
	var slots []*slot
	for i := range f.slots {
		sl := &f.slots[i]
		field := rs.Model.Fields[sl.name]
		if field == nil || field.Name == "id" {
			continue
		}
		if _, ok := s.column(s.alias, rs.Model, field); ok {
			fields, slots = append(fields, field), append(slots, sl)
		}
	}
	c, err := rs.fetch(fields)
	if err != nil {
		return nil, nil, nil, err
	}
	for k, field := range fields {
		if field.Kind == SecretKind {
			if err := rs.Env.openSecrets(c.vals[field.Name]); err != nil {
				return nil, nil, nil, err
			}
		}
		col := c.vals[field.Name]
		for i, v := range elems {
			slots[k].set(v, col[i])
		}
	}
	from := &origin{model: rs.Model, read: c}
	for i, v := range elems {
		f.bindTo(v, from, rs.IDs[i])
	}
	return batch, elems, c, nil
}

// loadPaths fills a facet's relations and non-stored computes. records says
// whether a path that ends in a relation loads its records or just the ids.
func (rs Records) loadPaths(f *facet, elems []reflect.Value, paths []string, records bool) error {
	if len(elems) == 0 || len(paths) == 0 {
		return nil
	}
	var heads []string
	tails := map[string][]string{}
	for _, p := range paths {
		head, tail, _ := strings.Cut(p, ".")
		if !slices.Contains(heads, head) {
			heads = append(heads, head)
		}
		if tail != "" {
			tails[head] = append(tails[head], tail)
		}
	}
	var computed []*Field
	for _, head := range heads {
		field := rs.Model.Fields[head]
		if field == nil {
			return ValueErrorf("Invalid field '%s' on model '%s'", head, rs.Model.Name)
		}
		sl := f.byName[head]
		if sl == nil {
			if records {
				return fmt.Errorf("orm: %s has no field for %s.%s", f.typ, rs.Model.Name, head)
			}
			continue
		}
		if !field.X2many() && !(field.column() || field.Name == "id") {
			computed = append(computed, field)
		}
	}
	if len(computed) > 0 {
		c, err := rs.values(computed)
		if err != nil {
			return err
		}
		for _, field := range computed {
			for i, v := range elems {
				f.byName[field.Name].set(v, c.vals[field.Name][i])
			}
		}
	}
	for _, head := range heads {
		sl := f.byName[head]
		if sl == nil || !(sl.ref || sl.many) {
			continue
		}
		if err := rs.loadRelation(sl, elems, tails[head], records); err != nil {
			return err
		}
	}
	return nil
}

func (rs Records) loadRelation(sl *slot, elems []reflect.Value, tails []string, records bool) error {
	field := rs.Model.Fields[sl.name]
	if sl.many {
		if err := rs.loadIDs(field, sl, elems); err != nil {
			return err
		}
	}
	if !records && len(tails) == 0 {
		return nil
	}
	var ids []int64
	var elem reflect.Type
	for _, v := range elems {
		p := sl.at(v).Addr().Interface()
		if sl.ref {
			elem = p.(refSlot).refElem()
			if id := p.(refSlot).refID(); id != 0 {
				ids = append(ids, id)
			}
		} else {
			elem = p.(manySlot).manyElem()
			ids = append(ids, p.(manySlot).manyIDs()...)
		}
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	reg := rs.Env.u.db.Registry
	cf := reg.facets[elem]
	co := rs.Env.Model(field.Comodel).Browse(ids...)
	_, celems, err := co.facets(cf, reg.opsOf(elem))
	if err != nil {
		return err
	}
	if err := co.loadPaths(cf, celems, tails, records); err != nil {
		return err
	}
	byID := make(map[int64]any, len(ids))
	for i, id := range ids {
		byID[id] = celems[i].Addr().Interface()
	}
	for _, v := range elems {
		p := sl.at(v).Addr().Interface()
		if sl.ref {
			p.(refSlot).setRefRec(byID[p.(refSlot).refID()])
			continue
		}
		m := p.(manySlot)
		list := make([]any, 0, len(m.manyIDs()))
		for _, id := range m.manyIDs() {
			list = append(list, byID[id])
		}
		m.setManyRecs(list)
	}
	return nil
}

func (rs Records) loadIDs(field *Field, sl *slot, elems []reflect.Value) error {
	if len(field.Related) == 0 && (field.compute == nil || field.Stored) {
		// A plain list: the records themselves have just been read.
		lists, err := rs.lists(field)
		for i, v := range elems {
			sl.at(v).Addr().Interface().(manySlot).setManyIDs(lists[rs.IDs[i]])
		}
		return err
	}
	c, err := rs.values([]*Field{field})
	if err != nil {
		return err
	}
	for i, v := range elems {
		ids, _ := c.vals[field.Name][i].([]int64)
		sl.at(v).Addr().Interface().(manySlot).setManyIDs(ids)
	}
	return nil
}

// opsOf makes batches of a facet type known only by reflection.
func (r *Registry) opsOf(t reflect.Type) *typeOps {
	return &typeOps{typ: t, alloc: func(n int) (any, []reflect.Value) {
		block := reflect.MakeSlice(reflect.SliceOf(t), n, n)
		elems := make([]reflect.Value, n)
		for i := range n {
			elems[i] = block.Index(i)
		}
		return nil, elems
	}}
}

// New is a facet of a record that is not stored yet, with its defaults filled in.
// Change what should be otherwise and hand it to Create, which stores what stands in
// it, false and 0 included.
func New[T any](env *Env) (*T, error) {
	m, err := modelOf[T](env)
	if err != nil {
		return nil, err
	}
	f := env.u.db.Registry.facets[reflect.TypeFor[T]()]
	var names []string
	for _, sl := range f.slots {
		if sl.name != "id" {
			names = append(names, sl.name)
		}
	}
	defaults, err := Records{Env: env, Model: m}.DefaultGet(names...)
	if err != nil {
		return nil, err
	}
	rec := new(T)
	v := reflect.ValueOf(rec).Elem()
	v.Set(f.blank)
	for name, x := range defaults {
		sl := f.byName[name]
		if sl == nil {
			continue // which a hook has added: the record is stored with it all the same
		}
		if cmds, ok := x.([]Command); ok {
			sl.at(v).Addr().Interface().(manySlot).setCommands(cmds)
		} else {
			sl.set(v, x)
		}
	}
	f.bindTo(v, &origin{model: m, defaults: defaults}, 0)
	return rec, nil
}

// Create stores new records from facets. Of one that New has made it stores what
// stands in it. In one made by hand (&Task{…}) a field that is left empty is not
// given; when its model has a default for it, which the empty value might mean or not,
// Create refuses it. Computed fields that are left empty are computed; to store an
// explicit zero in one, use Records.Create. The ids are set on the facets, and their
// columns are read back.
func Create[T any](env *Env, recs ...*T) error {
	m, err := modelOf[T](env)
	if err != nil {
		return err
	}
	f := env.u.db.Registry.facets[reflect.TypeFor[T]()]
	rs := Records{Env: env, Model: m}
	vals := make([]Values, len(recs))
	for i, r := range recs {
		if vals[i], err = rs.newValues(f, reflect.ValueOf(r).Elem()); err != nil {
			return err
		}
	}
	created, err := rs.Create(vals...)
	if err != nil {
		return err
	}
	fresh, err := readFacets[T](env.Sudo(), m, created.IDs, nil)
	if err != nil {
		return err
	}
	for i := range recs {
		*recs[i] = *fresh[i]
	}
	return nil
}

// newValues are the values of a facet to be stored as a new record.
func (rs Records) newValues(f *facet, v reflect.Value) (Values, error) {
	id, from := f.identity(v)
	if id != 0 {
		return nil, fmt.Errorf("orm: Create of %s %d, which is stored already: use Save, or New for another", f.typ, id)
	}
	vals := Values{}
	var doubtful []string
	for k := range f.slots {
		sl := &f.slots[k]
		field := rs.Model.Fields[sl.name]
		switch {
		case sl.name == "id":
		case !sl.empty(v):
			if from != nil && rs.ignores(field) && from.defaults.Has(sl.name) {
				continue // who may not give it has the default all the same
			}
			if x := sl.get(v); x != nil || from != nil || sl.deferred {
				vals[sl.name] = x
			}
		case from != nil:
			if from.defaults.IsSet(sl.name) {
				vals[sl.name] = sl.get(v) // it was cleared
			}
		case field.hasDefault():
			doubtful = append(doubtful, fmt.Sprintf("%s (%s)", sl.origin, sl.name))
		}
	}
	if len(doubtful) > 0 {
		return nil, fmt.Errorf("orm: Create of a %s made by hand, in which %s may mean the default or nothing: begin with orm.New, which fills the defaults in", f.typ, strings.Join(doubtful, ", "))
	}
	return vals, nil
}

// hasDefault reports whether a new record gets more than the empty value when nobody
// says what the field is.
func (f *Field) hasDefault() bool {
	if f.inherited != nil && f.Default == nil {
		return f.inherited.hasDefault()
	}
	return f.Default != nil && !f.defaultEmpty
}

// Save writes what was changed in facets since they were read: the named fields, or
// all that changed when none is named. It refuses facets with a change that the names
// leave out, which would get lost. Records whose values are equal are written
// together.
func Save[T any](env *Env, recs []*T, fields ...string) error {
	m, ids := identify(env, recs)
	f := env.u.db.Registry.facets[reflect.TypeFor[T]()]
	for _, name := range fields {
		if f.byName[name] == nil {
			return fmt.Errorf("orm: %s has no field %q to save", f.typ, name)
		}
	}
	type group struct {
		vals Values
		recs []reflect.Value
		ids  []int64
	}
	groups := map[string]*group{}
	var order []*group
	was := reflect.New(f.typ).Elem()
	for i, r := range recs {
		v := reflect.ValueOf(r).Elem()
		if ids[i] == 0 {
			return fmt.Errorf("orm: Save of a %s that is not stored: use Create", f.typ)
		}
		names := fields
		for _, sl := range f.changes(v, was) {
			switch {
			case len(fields) == 0:
				names = append(names, sl.name)
			case !slices.Contains(fields, sl.name):
				return fmt.Errorf("orm: Save of %s %d would lose %s, which was changed too: name %q as well, or no field to save all that changed", f.typ, ids[i], sl.origin, sl.name)
			}
		}
		if len(names) == 0 {
			continue
		}
		vals := Values{}
		var key strings.Builder
		for _, name := range names {
			vals[name] = f.byName[name].get(v)
			fmt.Fprintf(&key, "%s=%#v|", name, vals[name])
		}
		g := groups[key.String()]
		if g == nil {
			g = &group{vals: vals}
			groups[key.String()] = g
			order = append(order, g)
		}
		g.recs, g.ids = append(g.recs, v), append(g.ids, ids[i])
	}
	for _, g := range order {
		if err := (Records{Env: env, Model: m, IDs: g.ids}).Write(g.vals); err != nil {
			return err
		}
		for _, v := range g.recs {
			f.saved(v, g.vals)
		}
	}
	return nil
}

// changes are the slots of a facet that hold something else than what was read or
// saved last. The facet was is for its use.
func (f *facet) changes(v, was reflect.Value) []*slot {
	id, from := f.identity(v)
	var out []*slot
	for i := range f.slots {
		sl := &f.slots[i]
		if sl.name == "id" {
			continue
		}
		if sl.state(v) == notLoaded {
			continue
		}
		if from.holds(sl.name) {
			sl.set(was, from.read.vals[sl.name][from.read.index[id]])
		} else if sl.deferred {
			if sl.state(v) == changed {
				out = append(out, sl)
			}
			continue
		} else {
			sl.at(was).SetZero()
		}
		if !sl.same(v, was) {
			out = append(out, sl)
		}
	}
	return out
}

// holds reports whether a field's value when it was read is known.
func (o *origin) holds(name string) bool {
	return o != nil && o.read != nil && o.read.vals[name] != nil
}

// saved notes that values of a facet have been written.
func (f *facet) saved(v reflect.Value, vals Values) {
	id, from := f.identity(v)
	for name, x := range vals {
		sl := f.byName[name]
		switch {
		case sl.many:
			sl.at(v).Addr().Interface().(manySlot).setCommands(nil)
		case from.holds(name):
			from.read.vals[name][from.read.index[id]] = x
		}
		if sl.deferred {
			sl.set(v, x)
		}
	}
}

// Delete removes the records.
func Delete[T any](env *Env, recs []*T) error {
	if len(recs) == 0 {
		return nil
	}
	return RecordsOf(env, recs...).Unlink()
}
