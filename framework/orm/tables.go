package orm

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"fusionsoft.ca/fusion/framework/schema"
)

// SyncSchema brings the tables, columns, indexes, constraints, foreign keys and
// views of the database to what the registry says; see [schema.Sync].
func SyncSchema(e *Env, report func(string)) error {
	if err := e.writeDirty(); err != nil {
		return err
	}
	if err := schema.Sync(e.Context, counted{e.u}, e.description(), report); err != nil {
		return err
	}
	// plans of other shapes of the tables must not be reused
	return e.u.pgx.DeallocateAll(e.Context)
}

// counted is the connection of a unit of work, which counts the statements on it.
type counted struct{ u *unit }

func (c counted) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	c.u.queries++
	return c.u.pgx.Exec(ctx, sql, args...)
}

func (c counted) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	c.u.queries++
	return c.u.pgx.Query(ctx, sql, args...)
}

// description is what the database shall have for the models of the registry.
func (e *Env) description() schema.Description {
	var d schema.Description
	for _, m := range e.u.db.Registry.Models() {
		switch {
		case m.Query != "":
			d.Views = append(d.Views, schema.View{Name: m.Table, Title: m.Name, Query: m.Query})
		case !m.Abstract:
			d.Tables = append(d.Tables, e.table(m))
		}
	}
	return d
}

func (e *Env) table(m *Model) schema.Table {
	t := schema.Table{Name: m.Table, Title: m.Name, Addon: m.Addon}
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		if f.Kind == Many2many && f.Stored {
			link := schema.Link{Name: f.RelTable, Column: f.RelCol, Other: f.RelCocol}
			if co := m.comodel(f); co.Query == "" {
				link.OtherTable = co.Table
			}
			t.Links = append(t.Links, link)
		}
		if !f.column() || name == "id" {
			continue
		}
		t.Columns = append(t.Columns, schema.Column{Name: name, Type: f.columnType(), NotNull: f.notNull(), Addon: f.Addon, Fill: e.filling(f)})
		if f.CompanyDependent {
			continue
		}
		if co := m.comodel(f); f.Kind == Many2one && f.refers(co) {
			t.ForeignKeys = append(t.ForeignKeys, schema.ForeignKey{Column: name, Table: co.Table, OnDelete: f.OnDelete})
		}
		t.Indexes = append(t.Indexes, f.indexes()...)
	}
	for _, c := range m.SQL {
		t.Constraints = append(t.Constraints, schema.Constraint{Name: c.Name, Definition: c.Definition, Message: c.Message})
	}
	return t
}

// refers reports whether a foreign key keeps a many2one from dangling: not where it
// would keep records from being deleted for the sake of a wizard that names them.
func (f *Field) refers(co *Model) bool {
	return co.Query == "" && !co.Abstract && (!f.Model.Transient || co.Transient || f.OnDelete == "cascade" || f.OnDelete == "set null")
}

// columnType is the PostgreSQL type of a field's column.
func (f *Field) columnType() string {
	if f.CompanyDependent {
		return "jsonb"
	}
	switch f.Kind {
	case Char, Selection, Reference:
		if f.Translate {
			return "jsonb"
		}
		return "character varying"
	case Text, HTML, SecretKind:
		if f.Translate {
			return "jsonb"
		}
		return "text"
	case Integer:
		if f.BigInt {
			return "bigint"
		}
		return "integer"
	case Many2one, Many2oneRef:
		return "bigint"
	case Float, Monetary:
		if f.Decimal {
			return "numeric"
		}
		return "double precision"
	case Boolean:
		return "boolean"
	case DateKind:
		return "date"
	case DatetimeKind:
		return "timestamp without time zone"
	case JSONKind:
		return "jsonb"
	}
	return ""
}

func (f *Field) notNull() bool {
	return f.Required && !f.Computed() && f.Kind != SecretKind && !f.CompanyDependent
}

// filling gives the records of before a column the value that new ones get.
func (e *Env) filling(f *Field) func() error {
	switch {
	case f.compute != nil:
		return func() error {
			ids, err := e.queryIDs(sqlf("SELECT id FROM " + quote(f.Model.Table)))
			if err == nil {
				e.markPending(f.compute, ids)
			}
			return err
		}
	case f.Default != nil:
		return func() error {
			v, err := f.Default(e)
			if err != nil {
				return err
			}
			if v, err = f.Parse(v); err != nil {
				return err
			}
			stored, err := e.storable(f, v)
			if err != nil {
				return err
			}
			_, err = e.Exec(SQL("UPDATE ? SET ? = ?", Ident(f.Model.Table), Ident(f.Name), stored).Writes(f.Model.Name, f.Name))
			return err
		}
	}
	return nil
}

// indexes are those of a field's column: declared ones, and those of what it is
// looked up by.
func (f *Field) indexes() []schema.Index {
	m := f.Model
	index := func(suffix string, kind schema.IndexKind) schema.Index {
		i := schema.Index{Name: m.Table + "_" + f.Name + suffix, Column: f.Name, Kind: kind}
		if f.Translate {
			i.Expr = "(" + quote(f.Name) + "->>'" + DefaultLang + "')"
		}
		return i
	}
	switch {
	case f.Name == "parent_path":
		return []schema.Index{index("_index", schema.Prefix)}
	case f.Index == "trigram":
		return []schema.Index{index("_index", schema.Trigram)}
	case f.Index == "btree+trigram":
		return []schema.Index{index("_index", schema.Ordered), index("_trigram", schema.Trigram)}
	case f.Index == "btree_not_null":
		return []schema.Index{index("_index", schema.Filled)}
	case f.Index != "" || f.lookedUp() || f.Name == m.Parent && m.Fields["parent_path"] != nil:
		return []schema.Index{index("_index", schema.Ordered)}
	}
	return nil
}

// lookedUp reports whether a one2many, or a deletion, finds records by the field.
func (f *Field) lookedUp() bool {
	if f.Kind != Many2one {
		return false
	}
	for _, o := range f.ComodelOf().Fields {
		if o.Kind == One2many && o.Comodel == f.Model.Name && o.Inverse == f.Name {
			return true
		}
	}
	return f.OnDelete == "cascade"
}
