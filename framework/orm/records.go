package orm

import (
	"fmt"
	"slices"
)

// Records are some records of one model, seen by one Env: the dynamic face of
// the ORM.
type Records struct {
	Env   *Env
	Model *Model
	IDs   []int64
}

// Browse is other records of the same model; nothing is read.
func (rs Records) Browse(ids ...int64) Records {
	return Records{Env: rs.Env, Model: rs.Model, IDs: ids}
}

// In is the same records seen by another Env.
func (rs Records) In(env *Env) Records { return Records{Env: env, Model: rs.Model, IDs: rs.IDs} }

// Len is the number of records.
func (rs Records) Len() int { return len(rs.IDs) }

// ID is the id of the first record, 0 when there is none.
func (rs Records) ID() int64 {
	if len(rs.IDs) == 0 {
		return 0
	}
	return rs.IDs[0]
}

// Exists keeps the records that are still in the database.
func (rs Records) Exists() (Records, error) {
	if rs.hasNew() {
		stored, _ := rs.split()
		there, err := stored.Exists()
		set := idSet(there.IDs)
		for id := range rs.Env.u.news.byModel[rs.Model] {
			set[id] = true
		}
		return rs.Browse(among(rs.IDs, set)...), err
	}
	known := rs.Env.u.cache.rows[rs.Model]
	if !slices.ContainsFunc(rs.IDs, func(id int64) bool { return known[id] == nil }) {
		return rs, nil
	}
	there, err := rs.Env.queryIDs(sqlf("SELECT id FROM "+quote(rs.Model.Table)+" WHERE id = ANY(?)", rs.IDs))
	if err != nil {
		return rs, err
	}
	return rs.Browse(among(rs.IDs, idSet(there))...), nil
}

// idSet is the set of some ids.
func idSet(ids []int64) map[int64]bool {
	set := make(map[int64]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// among are the ids that are in a set, in their order.
func among(ids []int64, set map[int64]bool) []int64 {
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return !set[id] })
}

// without are the ids that are not in a set, in their order.
func without(ids []int64, set map[int64]bool) []int64 {
	return slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return set[id] })
}

// Value reads one field of the first record.
func (rs Records) Value(field string) (any, error) {
	if len(rs.IDs) == 0 {
		return nil, nil
	}
	rows, err := rs.Browse(rs.IDs[0]).Read(field)
	if err != nil {
		return nil, err
	}
	return rows[0][field], nil
}

// ValueID reads a many2one or integer field of the first record, 0 when it is empty.
func (rs Records) ValueID(field string) (int64, error) {
	v, err := rs.Value(field)
	return idOf(v), err
}

// ValueText reads a text field of the first record, "" when it is empty.
func (rs Records) ValueText(field string) (string, error) {
	v, err := rs.Value(field)
	s, _ := v.(string)
	return s, err
}

// Create stores new records and returns them in the order of vals.
func (rs Records) Create(vals ...Values) (Records, error) {
	if rs.Model.Abstract {
		return rs, UserErrorf("%s (%s) cannot be created.", rs.Model.Label, rs.Model.Name)
	}
	if err := rs.notView(); err != nil {
		return rs, err
	}
	if len(vals) == 0 {
		return rs.Browse(), nil
	}
	if err := rs.checkModel(OpCreate); err != nil { // as Write does
		return rs, err
	}
	done, err := rs.Env.beginChange()
	defer done()
	if err != nil {
		return rs, err
	}
	if vals, err = rs.canonicalList(vals, OpCreate); err != nil {
		return rs, err
	}
	return rs.Model.ops.create(rs.Browse(), vals)
}

// Write changes the records.
func (rs Records) Write(vals Values) error {
	if len(rs.IDs) == 0 || len(vals) == 0 {
		return nil
	}
	if err := rs.notView(); err != nil {
		return err
	}
	if rs.hasNew() {
		stored, fresh := rs.split()
		if err := fresh.Assign(vals); err != nil {
			return err
		}
		return stored.Write(vals)
	}
	// Before the model's own reasons against it, which tell what there is. What
	// users may change of themselves is for the model of users to say.
	if rs.Model.hooked && !(rs.Model.Name == rs.Model.registry.PolicyModels().Users && slices.Equal(rs.IDs, []int64{rs.Env.uid})) {
		if err := rs.CheckAccess(OpWrite); err != nil {
			return err
		}
	}
	done, err := rs.Env.beginChange()
	defer done()
	if err != nil {
		return err
	}
	if vals, err = rs.canonical(vals, OpWrite); err != nil {
		return err
	}
	return rs.Model.ops.write(rs, vals)
}

// Unlink deletes the records.
func (rs Records) Unlink() error {
	if len(rs.IDs) == 0 {
		return nil
	}
	if err := rs.notView(); err != nil {
		return err
	}
	// Before the model's own reasons against it, which tell what there is.
	if err := rs.CheckAccess(OpUnlink); err != nil {
		return err
	}
	return rs.Model.ops.unlink(rs)
}

// notView refuses to change the records of a SQL view.
func (rs Records) notView() error {
	if rs.Model.Query == "" {
		return nil
	}
	return UserErrorf("%s (%s) is a view of other records: it can only be read.", rs.Model.Label, rs.Model.Name)
}

// Copy duplicates the records, one after another, with some values replaced.
func (rs Records) Copy(overrides Values) (Records, error) {
	if err := rs.notView(); err != nil {
		return rs, err
	}
	overrides, err := rs.canonical(overrides, OpCreate)
	if err != nil {
		return rs, err
	}
	return rs.Model.ops.copy(rs, overrides)
}

// DefaultGet are the values a new record starts with, in the form that hooks get,
// without those of fields that are not the user's to see.
func (rs Records) DefaultGet(fields ...string) (Values, error) {
	vals, err := rs.defaults(fields)
	if err != nil {
		return nil, err
	}
	for name := range vals {
		if ok, err := rs.Env.FieldAllowed(rs.Model.Fields[name]); err != nil {
			return nil, err
		} else if !ok {
			delete(vals, name)
		}
	}
	return vals, nil
}

// defaults are the values a new record starts with. What the program has chosen for
// a field goes into records of users as well who may not see the field.
func (rs Records) defaults(fields []string) (Values, error) {
	if err := rs.Env.CheckCompanies(); err != nil {
		return nil, err
	}
	return canonicalDefaults(rs.Model.ops.defaults)(rs.Browse(), fields)
}

// One makes sure that there is exactly one record.
func (rs Records) One() error {
	if len(rs.IDs) != 1 {
		return ValueErrorf("Expected singleton: %s", recordRepr(rs.Model.Name, rs.IDs))
	}
	return nil
}

func (rs Records) String() string { return recordRepr(rs.Model.Name, rs.IDs) }

// Ref finds the record of an external id "module.name". It is an error when
// there is none. One in the name of an addon that somebody else gave does not
// count.
func (e *Env) Ref(xmlid string) (Records, error) {
	rs, ok, err := e.FindRef(xmlid)
	if err != nil {
		return rs, err
	}
	if !ok {
		return rs, ValueErrorf("External ID not found in the system: %s", xmlid)
	}
	return rs, nil
}

// FindRef is Ref for external ids that may be unknown.
func (e *Env) FindRef(xmlid string) (rs Records, ok bool, err error) {
	module, name, found := cutDot(xmlid)
	if !found {
		return rs, false, ValueErrorf("External ID %q must be module.name", xmlid)
	}
	err = e.each(sqlf("SELECT model, res_id, create_uid FROM ir_model_data WHERE module = ? AND name = ?", module, name), func(row [][]byte) error {
		if !e.u.db.Registry.made(module, cellInt(string(row[2]))) {
			return nil
		}
		m := e.u.db.Registry.models[string(row[0])]
		if m == nil {
			return fmt.Errorf("external id %s is of model %s, which is not installed", xmlid, row[0])
		}
		rs, ok = Records{Env: e, Model: m, IDs: []int64{cellInt(string(row[1]))}}, true
		return nil
	})
	return rs, ok, err
}

func cutDot(s string) (before, after string, ok bool) {
	for i := range len(s) {
		if s[i] == '.' {
			return s[:i], s[i+1:], true
		}
	}
	return s, "", false
}
