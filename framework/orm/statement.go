package orm

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// Statement is hand-written SQL that says which models and fields it reads and
// writes, so that the unit of work can store before it what it looks at and
// forget after it what it has changed:
//
//	orm.SQL("SELECT journal_id, count(*) FROM account_move WHERE company_id = ? GROUP BY 1", company).
//		Reads("account.move", "journal_id", "company_id")
//
// A statement that says nothing costs most: everything is stored before it, and
// everything known is forgotten after it. Statements bypass access rights, record
// rules and computed values; they are for what records cannot do, such as locks,
// or not fast enough.
type Statement struct {
	frag    frag
	touches []touch
	says    bool
	err     error
}

// touch is a model that a statement reads or writes; no fields are all of them.
type touch struct {
	model  string
	fields []string
	writes bool
}

// SQL makes a statement of text with a ? for each argument; ?? is a question mark.
// An argument that is a Statement is spliced in, with what it says it touches.
func SQL(text string, args ...any) Statement {
	s := Statement{frag: sqlf(text, slices.Clone(args)...)}
	for i, arg := range args {
		if part, ok := arg.(Statement); ok {
			s.frag.args[i] = part.frag
			s.touches = append(s.touches, part.touches...)
			s.says = s.says || part.says
			if s.err == nil {
				s.err = part.err
			}
		}
	}
	if marks := strings.Count(strings.ReplaceAll(text, "??", ""), "?"); marks != len(args) && s.err == nil {
		s.err = fmt.Errorf("orm: %d arguments for %d question marks (a literal one is ??): %s", len(args), marks, text)
	}
	return s
}

// Script is SQL as it stands in a file: it takes no arguments, and a question mark
// is one.
func Script(text string) Statement { return SQL(strings.ReplaceAll(text, "?", "??")) }

// Ident is a name of a table or column, quoted, to be spliced into a statement.
func Ident(name string) Statement {
	return Statement{frag: sqlf(strings.ReplaceAll(quote(name), "?", "??"))}
}

// Reads says that the statement looks at fields of a model, without names at any
// that is stored.
func (s Statement) Reads(model string, fields ...string) Statement {
	return s.touching(touch{model: model, fields: fields})
}

// Writes says that the statement changes fields of existing records of a model.
// Without names it may also make records and delete some.
func (s Statement) Writes(model string, fields ...string) Statement {
	return s.touching(touch{model: model, fields: fields, writes: true})
}

// NoModels says that the statement touches no table of a model, but catalogs,
// sequences, locks or tables of others.
func (s Statement) NoModels() Statement {
	s.says = true
	return s
}

func (s Statement) touching(t touch) Statement {
	s.touches, s.says = append(slices.Clip(s.touches), t), true
	return s
}

// Exec runs a statement and returns the number of rows it touched. One without
// arguments may be several commands, separated by semicolons.
func (e *Env) Exec(s Statement) (int64, error) {
	after, err := e.prepare(s)
	if err != nil {
		return 0, err
	}
	n, err := e.change(s.frag)
	after()
	return n, err
}

// prepare stores what a statement looks at. The caller calls after behind it.
func (e *Env) prepare(s Statement) (after func(), err error) {
	if s.err != nil {
		return nil, s.err
	}
	if !s.says {
		if err := e.Flush(); err != nil {
			return nil, err
		}
		return e.forgetAll, e.writeDirty() // Flush does nothing while one is under way
	}
	read, written, err := e.touched(s)
	if err != nil {
		return nil, err
	}
	models := map[*Model]bool{}
	waits := false
	for _, fields := range []map[*Model][]*Field{read, written} {
		for m, list := range fields {
			models[m] = true
			waits = waits || m.Query != "" || e.awaits(list) // a query looks at anything
		}
	}
	if waits {
		if err := e.Flush(); err != nil {
			return nil, err
		}
		for m := range e.u.cache.dirty { // of a flush that is under way
			models[m] = true
		}
	}
	sorted := slices.SortedFunc(maps.Keys(models), func(a, b *Model) int { return strings.Compare(a.Name, b.Name) })
	if err := e.writeDirtyOf(sorted); err != nil {
		return nil, err
	}
	return func() {
		e.forgetWritten(written)
		for _, t := range s.touches {
			if t.writes {
				e.accessChanged(e.u.db.Registry.models[t.model])
			}
		}
	}, nil
}

// alter runs a statement of the ORM's own that changes fields of a model's records,
// or without fields deletes some. Nothing is computed before it.
func (e *Env) alter(f frag, m *Model, fields ...*Field) error {
	if err := e.writeDirty(); err != nil {
		return err
	}
	if _, err := e.change(f); err != nil {
		return err
	}
	written := map[*Model][]*Field{m: fields}
	if len(fields) == 0 {
		e.addOverwritten(written, m)
	}
	e.forgetWritten(written)
	return nil
}

// awaits reports whether one of the fields, or one from which they follow, waits to
// be computed.
func (e *Env) awaits(fields []*Field) bool {
	if len(e.u.cache.pending) == 0 {
		return false
	}
	seen := map[*compute]bool{}
	var pending func(*compute) bool
	pending = func(c *compute) bool {
		if c == nil || seen[c] {
			return false
		}
		seen[c] = true
		return e.u.cache.pending[c] != nil || slices.ContainsFunc(c.needs, pending)
	}
	return slices.ContainsFunc(fields, func(f *Field) bool { return pending(f.compute) })
}

// touched resolves what a statement says. Who deletes records changes what refers
// to them, too.
func (e *Env) touched(s Statement) (read, written map[*Model][]*Field, err error) {
	read, written = map[*Model][]*Field{}, map[*Model][]*Field{}
	for _, t := range s.touches {
		m := e.u.db.Registry.models[t.model]
		if m == nil {
			return nil, nil, fmt.Errorf("orm: unknown model %q in what a statement touches%s: %s", t.model, expr.DidYouMean(t.model, e.u.db.Registry.names), s.frag.sql)
		}
		fields := make([]*Field, 0, len(t.fields))
		for _, name := range t.fields {
			f := m.Fields[name]
			if f == nil || !f.Stored && !f.X2many() {
				return nil, nil, fmt.Errorf("orm: %s has no stored field %q, which a statement says it touches%s: %s", m.Name, name, expr.DidYouMean(name, m.FieldNames()), s.frag.sql)
			}
			fields = append(fields, f)
		}
		switch {
		case len(fields) > 0 && t.writes:
			written[m] = append(written[m], fields...)
		case len(fields) > 0:
			read[m] = append(read[m], fields...)
		case t.writes:
			e.addOverwritten(written, m)
		default:
			read[m] = append(read[m], m.allStored()...)
		}
	}
	if e.u.db.Verify {
		err = e.u.db.Registry.unsaid(s, read, written)
	}
	return read, written, err
}

func (m *Model) allStored() []*Field {
	var out []*Field
	for _, f := range m.Fields {
		if f.Stored || f.Kind == Many2many {
			out = append(out, f)
		}
	}
	return out
}

// addOverwritten adds all fields of a model, and what the database changes when
// records of it are deleted.
func (e *Env) addOverwritten(written map[*Model][]*Field, m *Model) {
	all := m.allStored()
	if len(written[m]) >= len(all) {
		return
	}
	written[m] = all
	for _, o := range e.u.db.Registry.models {
		for _, f := range o.stored {
			if f.Kind != Many2one || f.Comodel != m.Name || magicFields[f.Name] {
				continue
			}
			if f.OnDelete == "cascade" {
				e.addOverwritten(written, o)
			} else {
				written[o] = append(written[o], f)
			}
		}
	}
}

// forgetWritten forgets what a statement has changed, and what follows from it.
func (e *Env) forgetWritten(written map[*Model][]*Field) {
	c := e.u.cache
	for m, fields := range written {
		c.invalidateAccess()
		whole := len(fields) >= len(m.stored) || e.u.cache.preparing > 0
		if whole {
			e.accessChanged(m)
			c.count -= len(c.rows[m])
			delete(c.rows, m)
		}
		for _, f := range fields {
			if f.Kind == Many2one {
				clear(c.fresh)
				clear(c.refs)
			}
			if whole || !f.cached() {
				continue
			}
			for _, r := range c.rows[m] {
				r.invalidate(f)
			}
		}
	}
}

// forgetAll forgets everything, also what other units of work keep.
func (e *Env) forgetAll() {
	e.u.cache.invalidate()
	clear(e.u.memo)
	e.u.access, e.u.stale = nil, true
}

var sqlName = regexp.MustCompile(`[.\w]+`)

// unsaid finds tables that a statement names and says nothing of. It guesses from
// words, so it is for tests only.
func (r *Registry) unsaid(s Statement, read, written map[*Model][]*Field) error {
	said := map[string]bool{}
	for _, fields := range []map[*Model][]*Field{read, written} {
		for m, list := range fields {
			said[m.Table] = true
			for _, f := range list {
				said[f.RelTable] = true
			}
		}
	}
	text, _ := s.frag.render()
	words := map[string]bool{}
	for _, word := range sqlName.FindAllString(text, -1) {
		if word = strings.TrimPrefix(word, "public."); !said[word] {
			words[word] = true
		}
	}
	for _, m := range r.models {
		if words[m.Table] {
			return fmt.Errorf("orm: a statement does not say that it touches %s: %s", m.Name, text)
		}
		for _, f := range m.Fields {
			if f.Kind == Many2many && !f.Inherited() && words[f.RelTable] {
				return fmt.Errorf("orm: a statement does not say that it touches %s.%s: %s", m.Name, f.Name, text)
			}
		}
	}
	return nil
}
