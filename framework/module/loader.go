package module

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
)

// Mode says what loading does with records that exist already.
type Mode int

// The modes of loading.
const (
	// Init is a first installation: every record is created or written.
	Init Mode = iota
	// Update is an upgrade: records marked noupdate stay as they are.
	Update
)

// loader carries out the operations of data files on a database. Creations
// are collected in batches until somebody needs their ids.
type loader struct {
	env    *orm.Env
	addon  string
	mode   Mode
	ids    *idIndex
	cache  *expr.Cache
	vars   map[string]any // names of expressions that do not depend on the record
	queue  []*batch
	made   map[*record]int64    // ids of the records of this load
	held   map[*record]bool     // records that were skipped, and their lines with them
	names  map[nameKey]int64    // records found by name
	file   *dataFile            // being loaded
	quoted bool                 // CSV files may be exports, which put a quote before formulas
	report func(string, ...any) // progress and remarks
}

type nameKey struct{ model, name string }

// batch is a set of records of one model that are created together.
type batch struct {
	model   string
	scope   string // contexts and user
	records []*record
	values  []orm.Values
	ids     []*extID // parallel to records, nil without external id
}

func newLoader(env *orm.Env, addon string, mode Mode, ids *idIndex) *loader {
	l := &loader{addon: addon, mode: mode, ids: ids, cache: new(expr.Cache), made: map[*record]int64{}, held: map[*record]bool{},
		names: map[nameKey]int64{}, report: func(string, ...any) {}}
	l.env = env.WithOnlyContext(map[string]any{"install_mode": true, "install_module": addon, "active_test": false, "lang": orm.DefaultLang})
	l.vars = expr.TimeVars(env.Now())
	l.vars["DateTime"] = l.vars["datetime"]
	l.vars["uid"], l.vars["version"] = env.UID(), odooRelease
	l.vars["env"] = envObject{l}
	return l
}

// run carries out the operations of one file.
func (l *loader) run(f *dataFile) error {
	l.file = f
	for _, op := range f.ops {
		var err error
		switch op := op.(type) {
		case *record:
			err = l.record(op)
		case *deletion:
			err = l.deletion(op)
		case *call:
			err = l.topCall(op)
		}
		if err != nil {
			return err
		}
	}
	// A file ends with its records in place, so that an error names the file
	// that caused it.
	return l.flush()
}

func (l *loader) finish() error {
	if err := l.flush(); err != nil {
		return err
	}
	if err := l.env.Flush(); err != nil {
		return fmt.Errorf("addon %s: computing values after its data was loaded: %w", l.addon, err)
	}
	return l.ids.save(l.env)
}

func (l *loader) model(at place, name string) (*orm.Model, error) {
	m, ok := l.env.Registry().Model(name)
	if !ok {
		return nil, at.errorf("model %q does not exist%s", name, expr.DidYouMean(name, modelNames(l.env.Registry())))
	}
	return m, nil
}

func modelNames(r *orm.Registry) []string {
	var names []string
	for _, m := range r.Models() {
		names = append(names, m.Name)
	}
	return names
}

func (l *loader) record(r *record) error {
	if r.model == "" && r.parent != nil { // a line of a CSV file: the field tells
		pm, err := l.model(r.parent.place, r.parent.model)
		if err != nil {
			return err
		}
		f, err := fieldOf(r.place, pm, r.inverse)
		if err != nil {
			return err
		}
		r.model = f.Comodel
	}
	m, err := l.model(r.place, r.model)
	if err != nil {
		return err
	}
	if r.dbID != 0 {
		return l.byDatabaseID(r, m)
	}
	if missing := l.unresolved(r); missing != "" {
		l.held[r] = true
		l.report("record %s is left out: %s is not there", r.id, missing)
		return nil
	}
	if l.comesAlong(r.id) {
		if err := l.flush(); err != nil {
			return err
		}
	}
	known := l.ids.byName[r.id]
	if known != nil {
		if known.model != r.model {
			return r.errorf("the external id belongs to the record %d of %s, not to one of %s; an earlier version of the addon made it: give the new record another id, or delete the old one in a migration before the data is loaded", known.resID, known.model, r.model)
		}
		if known.resID == 0 { // written twice in one file
			if err := l.flush(); err != nil {
				return err
			}
		}
		known.used = true
		for _, f := range m.Delegates { // the ids nameParents gave
			if x := l.ids.byName[r.id+"_"+l.env.Model(f.Comodel).Model.Table]; x != nil {
				x.used = true
			}
		}
		there, err := l.stillThere(m, known)
		if err != nil {
			return err
		}
		if !there {
			l.report("external id %s pointed at a deleted %s", r.id, r.model)
			if _, err := l.env.Exec(orm.SQL("DELETE FROM ir_model_data WHERE id = ?", known.row).Writes("ir.model.data")); err != nil {
				return err
			}
			delete(l.ids.byName, r.id)
			known = nil
		}
	}
	if r.parent != nil && l.held[r.parent] && known == nil {
		l.held[r] = true
		return nil // its parent was left alone, and so are lines without an id
	}
	if known != nil {
		l.made[r] = known.resID
		if l.mode == Update && (r.noupdate || known.noupdate) {
			l.held[r] = true
			return nil
		}
		return l.update(r, m, known)
	}
	if l.mode == Update && (!r.forcecreate && r.noupdate || r.id == "" && r.parent == nil) {
		l.held[r] = true
		return nil
	}
	return l.create(r, m)
}

// comesAlong reports whether a record that waits will create the one of that
// external id by delegation, see nameParents.
func (l *loader) comesAlong(id string) bool {
	for _, b := range l.queue {
		if m, ok := l.env.Registry().Model(b.model); !ok || len(m.Delegates) == 0 {
			continue
		}
		for _, x := range b.ids {
			if x != nil && strings.HasPrefix(id, x.full()+"_") {
				return true
			}
		}
	}
	return false
}

// unresolved names an external id that a record with forcecreate="0" refers to
// and that does not exist: such a record is left out.
func (l *loader) unresolved(r *record) string {
	if r.forcecreate {
		return ""
	}
	for _, v := range r.fields {
		if v.kind == asRef && v.text != "" && l.ids.byName[v.text] == nil {
			return v.text
		}
	}
	return ""
}

// byDatabaseID writes a record that a CSV file names by its database id.
func (l *loader) byDatabaseID(r *record, m *orm.Model) error {
	if err := l.flush(); err != nil {
		return err
	}
	rs, err := l.env.Model(m.Name).Browse(r.dbID).Exists()
	if err != nil {
		return err
	}
	if rs.Len() == 0 {
		return r.errorf("column .id: there is no %s with the database id %d", m.Name, r.dbID)
	}
	return l.update(r, m, &extID{model: m.Name, resID: r.dbID})
}

// stillThere reports whether the record of an external id exists. Records of
// this load are known to.
func (l *loader) stillThere(m *orm.Model, x *extID) (bool, error) {
	if x.row == 0 {
		return true, nil
	}
	rs, err := l.env.Model(m.Name).Browse(x.resID).Exists()
	return rs.Len() > 0, err
}

// recordEnv is the Env in which a record is created or written.
func (l *loader) recordEnv(r *record) (*orm.Env, error) {
	return l.scopeEnv(r.place, r.scope, map[string]any{"install_filename": r.file})
}

// scopeEnv is the Env of the user and with the contexts of a scope.
func (l *loader) scopeEnv(at place, sc scope, keys map[string]any) (*orm.Env, error) {
	env := l.env.WithContext(keys)
	for _, src := range sc.contexts {
		v, err := l.eval(at, src, nil)
		if err != nil {
			return nil, err
		}
		more, ok := v.(map[string]any)
		if !ok {
			return nil, at.errorf("context= must be a dictionary")
		}
		env = env.WithContext(more)
	}
	if sc.user != "" {
		x, err := l.resolve(at, sc.user)
		if err != nil {
			return nil, err
		}
		if x.model != l.env.Registry().PolicyModels().Users {
			return nil, at.errorf("uid= names %s, which is a %s and not a user", sc.user, x.model)
		}
		env = env.WithUser(x.resID)
	}
	return env, nil
}

func (l *loader) update(r *record, m *orm.Model, known *extID) error {
	vals, langs, err := l.values(r, m)
	if err != nil {
		return err
	}
	env, err := l.recordEnv(r)
	if err != nil {
		return err
	}
	rs := env.Model(m.Name).Browse(known.resID)
	if len(vals) > 0 {
		if err := rs.Write(vals); err != nil {
			return r.errorf("%w", err)
		}
	}
	l.held[r] = l.mode == Update // lines without an id were created with it
	return l.writeLangs(r, rs, langs)
}

func (l *loader) writeLangs(r *record, rs orm.Records, langs map[string]orm.Values) error {
	for lang, vals := range langs {
		env := rs.Env.WithContext(map[string]any{"lang": lang})
		if err := rs.In(env).Write(vals); err != nil {
			return r.errorf("in language %s: %w", lang, err)
		}
	}
	return nil
}

func (l *loader) create(r *record, m *orm.Model) error {
	vals, langs, err := l.values(r, m)
	if err != nil {
		return err
	}
	if r.parent != nil {
		if err := l.flush(); err != nil {
			return err
		}
		f := l.env.Model(r.parent.model).Model.Fields[r.inverse]
		if f == nil || f.Kind != orm.One2many {
			return r.errorf("records can be written only inside a one2many field; %s.%s is none", r.parent.model, r.inverse)
		}
		vals[f.Inverse] = l.made[r.parent]
	}
	b := l.batchFor(r)
	var x *extID
	if r.id != "" {
		x = l.ids.add(r.id, r.model, 0, r.noupdate)
	}
	b.records, b.values, b.ids = append(b.records, r), append(b.values, vals), append(b.ids, x)
	if len(langs) > 0 {
		if err := l.flush(); err != nil {
			return err
		}
		return l.writeLangs(r, l.env.Model(m.Name).Browse(l.made[r]), langs)
	}
	return nil
}

func (l *loader) batchFor(r *record) *batch {
	scope := r.user + "\x00" + strings.Join(r.contexts, "\x00")
	for _, b := range l.queue {
		if b.model == r.model && b.scope == scope {
			return b
		}
	}
	b := &batch{model: r.model, scope: scope}
	l.queue = append(l.queue, b)
	return b
}

// flush creates the records that wait, model by model in the order in which
// the files name them first.
func (l *loader) flush() error {
	queue := l.queue
	l.queue = nil
	for _, b := range queue {
		if err := l.createBatch(b); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) createBatch(b *batch) error {
	first := b.records[0]
	env, err := l.recordEnv(first)
	if err != nil {
		return err
	}
	var made orm.Records
	err = env.Savepoint(func(e *orm.Env) error {
		made, err = e.Model(b.model).Create(b.values...)
		return err
	})
	if err != nil {
		return l.blame(env, b, err)
	}
	if len(made.IDs) != len(b.records) {
		return first.errorf("creating %d records of %s gave %d; its create must return one per value", len(b.records), b.model, len(made.IDs))
	}
	for i, r := range b.records {
		l.made[r] = made.IDs[i]
		if b.ids[i] != nil {
			b.ids[i].resID = made.IDs[i]
		}
	}
	if err := l.nameParents(env, b, made); err != nil {
		return err
	}
	// Hooks may look up external ids, so those of existing records are stored.
	return l.ids.save(env)
}

// blame finds the record of a failed batch that is at fault.
func (l *loader) blame(env *orm.Env, b *batch, err error) error {
	if len(b.records) == 1 {
		return b.records[0].errorf("%w", err)
	}
	for i, r := range b.records {
		one := env.Savepoint(func(e *orm.Env) error {
			_, err := e.Model(b.model).Create(b.values[i])
			return err
		})
		if one != nil {
			return r.errorf("%w", one)
		}
	}
	return b.records[0].errorf("creating this record and %d more of %s: %w", len(b.records)-1, b.model, err)
}

// nameParents gives external ids to the records that were created along by
// delegation, as the contact of a user, named after both.
func (l *loader) nameParents(env *orm.Env, b *batch, made orm.Records) error {
	if len(made.Model.Delegates) == 0 {
		return nil
	}
	var names []string
	for _, f := range made.Model.Delegates {
		names = append(names, f.Name)
	}
	rows, err := env.Model(b.model).Browse(made.IDs...).Read(names...)
	if err != nil {
		return err
	}
	for i, r := range b.records {
		if r.id == "" {
			continue
		}
		for _, f := range made.Model.Delegates {
			full := r.id + "_" + env.Model(f.Comodel).Model.Table
			if id := idOf(rows[i][f.Name]); id != 0 && l.ids.byName[full] == nil {
				l.ids.add(full, f.Comodel, id, r.noupdate)
			}
		}
	}
	return nil
}

// idOf reads a many2one as Read returns it.
func idOf(v any) int64 {
	switch x := v.(type) {
	case int64:
		return x
	case []any:
		if len(x) > 0 {
			return idOf(x[0])
		}
	case orm.NamedID:
		return x.ID
	}
	return 0
}

// resolve finds the record of an external id, after creating it if it waits.
func (l *loader) resolve(at place, full string) (*extID, error) {
	x := l.ids.byName[full]
	if x == nil {
		return nil, at.errorf("external id %q does not exist (yet)%s", full, l.ids.suggest(full))
	}
	if x.resID == 0 {
		if err := l.flush(); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func (l *loader) deletion(d *deletion) error {
	m, err := l.model(d.place, d.model)
	if err != nil {
		return err
	}
	if err := l.flush(); err != nil {
		return err
	}
	rs := l.env.Model(m.Name)
	if d.search != "" {
		dom, err := l.domain(d.place, d.search)
		if err != nil {
			return err
		}
		if rs, err = rs.Search(dom, orm.SearchOptions{}); err != nil {
			return d.errorf("search=%q: %w", d.search, err)
		}
	}
	if x := l.ids.byName[d.id]; x != nil { // else it is gone already
		if x.model != d.model {
			return d.errorf("the external id belongs to %s, not to %s", x.model, d.model)
		}
		if !slices.Contains(rs.IDs, x.resID) {
			rs = rs.Browse(append(slices.Clone(rs.IDs), x.resID)...)
		}
	}
	return l.unlink(d.place, rs)
}

// unlink deletes records and forgets their external ids.
func (l *loader) unlink(at place, rs orm.Records) error {
	rs, err := rs.Exists()
	if err != nil {
		return err
	}
	if err := rs.Unlink(); err != nil {
		return at.errorf("%w", err)
	}
	return l.ids.forget(l.env, rs.Model.Name, rs.IDs)
}
