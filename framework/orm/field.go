package orm

import (
	"slices"
	"strings"
)

// Kind is the type of a field, named as Odoo names it on the wire.
type Kind string

// The kinds of fields.
const (
	Char         Kind = "char"
	Text         Kind = "text"
	HTML         Kind = "html"
	Integer      Kind = "integer"
	Float        Kind = "float"
	Monetary     Kind = "monetary"
	Boolean      Kind = "boolean"
	DateKind     Kind = "date"
	DatetimeKind Kind = "datetime"
	Selection    Kind = "selection"
	Many2one     Kind = "many2one"
	One2many     Kind = "one2many"
	Many2many    Kind = "many2many"
	Reference    Kind = "reference"
	Many2oneRef  Kind = "many2one_reference"
	BinaryKind   Kind = "binary"
	JSONKind     Kind = "json"
	SecretKind   Kind = "secret"
)

// Field is one field of a model, merged from all its declarations. Read-only
// after Freeze.
type Field struct {
	Name   string
	Kind   Kind
	Label  string
	Help   string
	Model  *Model // the model that holds it
	Addon  string // the addon that declared it first
	Origin string // Go type and field, for error messages

	Stored   bool // has a column (or, for many2many, a table)
	Required bool
	Readonly bool
	Copy     bool
	Index    string // "", "btree", "btree_not_null", "trigram", "btree+trigram"
	Groups   []string
	System   SystemAccess // what of it only the system does
	Tracking bool
	Validate string // go-playground/validator rules for one value

	Translate    bool
	Size         int
	Digits       int    // decimals of a float kept as NUMERIC; -1 when not fixed
	MinDigits    int    // decimals shown at least of one that is kept as given
	Decimal      bool   // NUMERIC in the database, decimal.Decimal in Go
	BigInt       bool   // 64-bit integer
	Currency     string // field holding the currency of a monetary
	Options      []Option
	Comodel      string
	Inverse      string // one2many: the many2one at the other side
	RelTable     string // many2many
	RelCol       string
	RelCocol     string
	OnDelete     string
	Delegate     bool
	CheckCompany bool
	Domain       string   // expression; of a list, one without names restricts what the list holds
	ModelField   string   // many2one_reference: field holding the model's name
	SentTo       []string // of a secret: the fields with the address it is sent to
	Aggregator   string
	Image        bool
	Plain        bool // a file that clients write, and read where it is text, as it is
	// CompanyDependent fields hold one value per company, and for companies
	// without one the default set in ir.default.
	CompanyDependent bool

	Related []string // path, when the field is related
	Default func(*Env) (any, error)

	compute   *compute
	inverse   *inverseFn
	writeOnly bool // reads as an empty text
	search    func(env *Env, op string, value any) (Domain, error)
	options   func(*Env) ([]Option, error) // of a selection whose values are other records'
	inherited *Field                       // the field of the delegated-to model this one stands for
	filter    Domain                       // of a list: what its Domain says of every record
	context   map[string]any               // of a list: how its records are looked at
	mirrors   []*Field                     // many2many: the fields of the comodel over the same table
	defaultOn bool
	// defaultEmpty says that the default is what an untouched Go field holds.
	defaultEmpty bool
	at           int // of a column: its place among those of the model
}

// Computed reports whether the value comes from a compute or a related path.
func (f *Field) Computed() bool { return f.compute != nil || len(f.Related) > 0 }

// Relational reports whether the field points at records of another model.
func (f *Field) Relational() bool {
	return f.Kind == Many2one || f.Kind == One2many || f.Kind == Many2many
}

// X2many reports whether the value is a list of records.
func (f *Field) X2many() bool { return f.Kind == One2many || f.Kind == Many2many }

// Textual reports whether the value is a text.
func (f *Field) Textual() bool {
	switch f.Kind {
	case Char, Text, HTML, Selection, Reference, SecretKind:
		return true
	}
	return false
}

// HasDefault reports whether the program says what the field of a new record is.
func (f *Field) HasDefault() bool {
	return f.Default != nil || f.inherited != nil && f.inherited.HasDefault()
}

// Inherited reports whether the field is another model's, by delegation.
func (f *Field) Inherited() bool { return f.inherited != nil }

// Searchable reports whether domains may use the field.
func (f *Field) Searchable() bool {
	return f.inTable() || f.search != nil || len(f.Related) > 0 || f.Name == "display_name"
}

// Writable reports whether a client may set the field: a readonly compute
// without inverse can't be.
func (f *Field) Writable() bool {
	return f.inverse != nil || !f.Computed() || !f.Readonly
}

// inTable reports whether the value is kept in a table: in a column, or as the
// other side of a relation.
func (f *Field) inTable() bool {
	if f.Kind == One2many {
		return !f.Computed()
	}
	return f.Stored
}

// column reports whether the value sits in a column of the model's own table.
func (f *Field) column() bool {
	return f.Stored && !f.X2many() && f.Kind != BinaryKind
}

// OptionLabel is the label of a selection value, the value itself when unknown.
func (f *Field) OptionLabel(value string) string {
	for _, o := range f.Options {
		if o.Value == value {
			return o.Label
		}
	}
	return value
}

func (f *Field) hasOption(v string) bool {
	return slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == v })
}

func (f *Field) clone(m *Model) *Field {
	c := *f
	c.Model = m
	c.Options = slices.Clone(f.Options)
	c.Groups = slices.Clone(f.Groups)
	return &c
}

// merge lets a later declaration of the same field change what it names.
func (f *Field) merge(o *Field, set map[string]bool) {
	for attr := range set {
		switch attr {
		case "label":
			f.Label = o.Label
		case "help":
			f.Help = o.Help
		case "required":
			f.Required = o.Required
		case "readonly":
			f.Readonly = o.Readonly
		case "copy":
			f.Copy = o.Copy
		case "index":
			f.Index = o.Index
		case "groups":
			f.Groups = o.Groups
		case "system":
			f.System = o.System
		case "tracking":
			f.Tracking = o.Tracking
		case "validate":
			f.Validate = o.Validate
		case "default":
			f.Default, f.defaultOn, f.defaultEmpty = o.Default, true, o.defaultEmpty
		case "store":
			f.Stored = o.Stored
		case "options":
			for _, x := range o.Options {
				if !f.hasOption(x.Value) {
					f.Options = append(f.Options, x)
				}
			}
		case "domain":
			f.Domain = o.Domain
		case "context":
			f.context = o.context
		case "company_dependent":
			f.CompanyDependent = o.CompanyDependent
		case "related":
			f.Related, f.Stored = o.Related, o.Stored
		case "ondelete":
			f.OnDelete = o.OnDelete
		case "sent_to":
			f.SentTo = o.SentTo
		}
	}
}

// labelFromName turns "default_warehouse_id" into "Default Warehouse".
func labelFromName(name string) string {
	name = strings.TrimSuffix(strings.TrimSuffix(name, "_ids"), "_id")
	words := strings.Fields(strings.ReplaceAll(name, "_", " "))
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}
