package orm

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
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
		v := reflect.ValueOf(r).Elem()
		id, bound := f.identity(v)
		ids[i] = id
		if bound != nil {
			m = bound
		}
	}
	return m, ids
}

func (f *facet) identity(v reflect.Value) (int64, *Model) {
	if len(f.binds) == 0 {
		return 0, nil
	}
	switch r := v.FieldByIndex(f.binds[0]).Addr().Interface().(type) {
	case *Record:
		return r.ID, r.model
	case *Mixin:
		return r.ID, r.model
	}
	return 0, nil
}

func (f *facet) bindTo(v reflect.Value, m *Model, id int64) {
	for _, at := range f.binds {
		v.FieldByIndex(at).Addr().Interface().(binder).bind(m, id)
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
	for i, v := range elems {
		f.bindTo(v, rs.Model, rs.IDs[i])
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
		p := v.FieldByIndex(sl.index).Addr().Interface()
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
		p := v.FieldByIndex(sl.index).Addr().Interface()
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
			v.FieldByIndex(sl.index).Addr().Interface().(manySlot).setManyIDs(lists[rs.IDs[i]])
		}
		return err
	}
	c, err := rs.values([]*Field{field})
	if err != nil {
		return err
	}
	for i, v := range elems {
		ids, _ := c.vals[field.Name][i].([]int64)
		v.FieldByIndex(sl.index).Addr().Interface().(manySlot).setManyIDs(ids)
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

// set stores a value as fetch returns it in a struct field.
func (s *slot) set(v reflect.Value, val any) {
	fv := v.FieldByIndex(s.index)
	if s.ref {
		id, _ := val.(int64)
		fv.Addr().Interface().(refSlot).setRefID(id)
		return
	}
	if s.many {
		ids, _ := val.([]int64)
		fv.Addr().Interface().(manySlot).setManyIDs(ids)
		return
	}
	if val == nil {
		fv.SetZero()
		return
	}
	switch x := val.(type) {
	case string:
		if fv.Kind() == reflect.String {
			fv.SetString(x)
		}
	case int64:
		if fv.CanInt() {
			fv.SetInt(x)
		}
	case float64:
		if fv.CanFloat() {
			fv.SetFloat(x)
		}
	case bool:
		fv.SetBool(x)
	case json.RawMessage:
		fv.SetBytes(x)
	case []byte:
		fv.SetBytes(x)
	default:
		fv.Set(reflect.ValueOf(val))
	}
}

// get is the value of a struct field in the form create and write take.
func (s *slot) get(v reflect.Value) any {
	fv := v.FieldByIndex(s.index)
	switch p := fv.Addr().Interface().(type) {
	case refSlot:
		return orNil(p.refID() == 0, p.refID())
	case manySlot:
		return p.commands()
	case *decimal.Decimal:
		return *p
	case *Date:
		return orNil(p.IsZero(), *p)
	case *Datetime:
		return orNil(p.IsZero(), *p)
	case *JSON:
		return orNil(len(*p) == 0, json.RawMessage(*p))
	case *Binary:
		return orNil(len(*p) == 0, []byte(*p))
	}
	switch fv.Kind() {
	case reflect.String:
		return orNil(fv.Len() == 0, fv.String())
	case reflect.Int, reflect.Int64:
		return fv.Int()
	case reflect.Float64:
		return fv.Float()
	case reflect.Bool:
		return fv.Bool()
	}
	return fv.Interface()
}

// Create stores new records from facets. A zero field counts as not given, so
// that defaults apply; to store an explicit zero use Records.Create. The ids
// are set on the facets, and their columns are read back.
func Create[T any](env *Env, recs ...*T) error {
	m, err := modelOf[T](env)
	if err != nil {
		return err
	}
	f := env.u.db.Registry.facets[reflect.TypeFor[T]()]
	vals := make([]Values, len(recs))
	for i, r := range recs {
		v := reflect.ValueOf(r).Elem()
		vals[i] = Values{}
		for k := range f.slots {
			sl := &f.slots[k]
			if sl.name == "id" || v.FieldByIndex(sl.index).IsZero() {
				continue
			}
			if x := sl.get(v); x != nil {
				vals[i][sl.name] = x
			}
		}
	}
	created, err := Records{Env: env, Model: m}.Create(vals...)
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

// Save writes the named fields of facets. Records whose values are equal are
// written together.
func Save[T any](env *Env, recs []*T, fields ...string) error {
	m, ids := identify(env, recs)
	f := env.u.db.Registry.facets[reflect.TypeFor[T]()]
	type group struct {
		vals Values
		ids  []int64
	}
	groups := map[string]*group{}
	var order []string
	for i, r := range recs {
		v := reflect.ValueOf(r).Elem()
		vals := Values{}
		var key strings.Builder
		for _, name := range fields {
			sl := f.byName[name]
			if sl == nil {
				return fmt.Errorf("orm: %s has no field %q to save", f.typ, name)
			}
			vals[name] = sl.get(v)
			fmt.Fprintf(&key, "%#v|", vals[name])
		}
		g := groups[key.String()]
		if g == nil {
			g = &group{vals: vals}
			groups[key.String()] = g
			order = append(order, key.String())
		}
		g.ids = append(g.ids, ids[i])
	}
	for _, k := range order {
		if err := (Records{Env: env, Model: m, IDs: groups[k].ids}).Write(groups[k].vals); err != nil {
			return err
		}
	}
	return nil
}

// Delete removes the records.
func Delete[T any](env *Env, recs []*T) error {
	if len(recs) == 0 {
		return nil
	}
	return RecordsOf(env, recs...).Unlink()
}
