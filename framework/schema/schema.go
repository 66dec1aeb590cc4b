// Package schema brings the tables, columns, keys, indexes and views of a PostgreSQL
// database to a description of them, without losing data.
//
// It knows PostgreSQL and nothing of models: who wants tables describes them as a
// [Description] (orm does that of the models of a registry), and [Sync] reads from
// the catalogs what there is, makes what is missing and changes what differs.
//
//	models → Description ┐
//	                     ├ Sync → ALTER TABLE …, what it leaves to migrations is reported
//	catalogs of the database ┘
//
// What PostgreSQL spells otherwise than it was declared (constraints, indexes, views)
// is compared by the declaration, which is kept as the comment of each.
package schema

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Conn is the connection in whose transaction [Sync] works: a *pgx.Conn, a pgx.Tx.
type Conn interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Description is what a database shall have. What else it has is left alone.
type Description struct {
	Tables []Table
	Views  []View // each after those that it reads
}

// Table has a primary key id, and what is said here.
type Table struct {
	Name        string
	Title       string // what messages call it, such as the model whose table it is
	Addon       string // whose migrations correct rows that break a constraint
	Columns     []Column
	ForeignKeys []ForeignKey
	Links       []Link
	Constraints []Constraint
	Indexes     []Index
}

// column finds a column by name.
func (t Table) column(name string) (Column, bool) {
	for _, c := range t.Columns {
		if c.Name == name {
			return c, true
		}
	}
	return Column{}, false
}

// Column is a column other than the id.
type Column struct {
	Name    string
	Type    string // as format_type spells it, without a length
	NotNull bool
	Addon   string // whose migrations change its type
	// Fill gives the rows of a table that gets the column a value; nil leaves it NULL.
	Fill func() error
}

// ForeignKey has a column refer to the id of a table.
type ForeignKey struct {
	Column   string
	Table    string
	OnDelete string // such as "set null"
}

// Link is a table of pairs of ids, which links rows of the table that has it with
// those of another. Both may describe it.
type Link struct {
	Name   string
	Column string // refers to the table that has the link
	Other  string // refers to OtherTable
	// OtherTable is "" where there is nothing to refer to, as of a view.
	OtherTable string
}

// Constraint is a UNIQUE, CHECK or EXCLUDE constraint.
type Constraint struct {
	Name       string
	Definition string
	Message    string // what users read who break it
}

// Index is an index of a column.
type Index struct {
	Name   string
	Column string
	Expr   string // what of the column is indexed, in parentheses of its own; "" is the column itself
	Kind   IndexKind
}

// IndexKind says what an index is to be good for.
type IndexKind int

// The kinds of indexes.
const (
	Ordered IndexKind = iota // =, <, >, ORDER BY
	Filled                   // the same, where most rows are NULL
	Prefix                   // LIKE 'text%'
	Trigram                  // LIKE '%text%'; reported where PostgreSQL's extension is missing
)

// View is a view with its query.
type View struct {
	Name  string
	Title string // what messages call it
	Query string
}

// Statements make the view.
func (v View) Statements() []string {
	name := quote(v.Name)
	return []string{"CREATE VIEW " + name + " AS " + v.Query, "COMMENT ON VIEW " + name + " IS " + literal(v.Query)}
}

// Ident is the name that something described by a name of any length has in the
// database: PostgreSQL's 63 bytes, still unique.
func Ident(name string) string {
	if len(name) <= 63 {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:54] + "_" + hex.EncodeToString(sum[:4])
}

func quote(ident string) string { return `"` + strings.ReplaceAll(ident, `"`, `""`) + `"` }

func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
