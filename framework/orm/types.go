package orm

import (
	"database/sql/driver"
	"fmt"
	"reflect"
	"time"
)

// Record is the first field of every facet. Its tag names the model:
// `orm:"sale.order,order=date_order desc, id desc"`.
type Record struct {
	ID   int64
	from *origin
}

// ModelName is the technical name of the record's model, "" before it is stored.
func (r *Record) ModelName() string { return r.from.modelName() }

func (r *Record) bind(o *origin, id int64) { r.ID, r.from = id, o }
func (r *Record) bound() (int64, *origin)  { return r.ID, r.from }

// Mixin is the first field of the facet of an abstract model. A facet that
// embeds such a struct inherits its fields, computes, methods and hooks.
type Mixin struct {
	ID   int64
	from *origin
}

// ModelName is the name of the concrete model a mixin's record belongs to.
func (r *Mixin) ModelName() string { return r.from.modelName() }

func (r *Mixin) bind(o *origin, id int64) { r.ID, r.from = id, o }
func (r *Mixin) bound() (int64, *origin)  { return r.ID, r.from }

type binder interface {
	bind(*origin, int64)
	bound() (int64, *origin)
}

// origin is where facets come from: a read, with what it gave, or New.
type origin struct {
	model    *Model
	read     *columns // what the facets held then, or when they were saved last
	defaults Values   // of New
}

func (o *origin) modelName() string {
	if o == nil || o.defaults != nil {
		return ""
	}
	return o.model.Name
}

// Ref is a many2one to the model of facet T. The zero Ref is empty.
type Ref[T any] struct {
	ID     int64
	rec    *T
	loaded bool
	of     *slot
}

// RefTo makes a Ref to a record id; 0 is the empty reference.
func RefTo[T any](id int64) Ref[T] { return Ref[T]{ID: id} }

// IsSet reports whether the reference points at a record.
func (r Ref[T]) IsSet() bool { return r.ID != 0 }

// Rec is the record behind the reference, nil when it is empty. It must have
// been loaded by a path of Read, Search, Load or a compute's dependencies;
// asking for a record that was not is a programming error and panics.
func (r Ref[T]) Rec() *T {
	if r.ID == 0 {
		return nil
	}
	if !r.loaded {
		panic(r.of.notLoaded(fmt.Sprintf("the record, %s %d,", reflect.TypeFor[T](), r.ID), true))
	}
	return r.rec
}

func (r *Ref[T]) refElem() reflect.Type { return reflect.TypeFor[T]() }
func (r *Ref[T]) refID() int64          { return r.ID }
func (r *Ref[T]) setRefID(id int64)     { *r = Ref[T]{ID: id, of: r.of} }
func (r *Ref[T]) setSlot(s *slot)       { r.of = s }
func (r *Ref[T]) setRefRec(rec any) {
	r.loaded = true
	r.rec, _ = rec.(*T)
}

type refSlot interface {
	refElem() reflect.Type
	refID() int64
	setRefID(int64)
	setRefRec(any)
}

// Many is a one2many or many2many to the model of facet T.
type Many[T any] struct {
	ids    []int64
	recs   []*T
	loaded uint8 // 1: ids, 2: records too
	cmds   []Command
	of     *slot
}

// IDs are the ids of the related records, in the comodel's order. Like
// [Ref.Rec] it panics when the field was not loaded.
func (m Many[T]) IDs() []int64 {
	if m.loaded == 0 {
		panic(m.of.notLoaded(fmt.Sprintf("the list of %s", reflect.TypeFor[T]()), false))
	}
	return m.ids
}

// All are the related records. It panics when they were not loaded.
func (m Many[T]) All() []*T {
	if m.loaded < 2 {
		panic(m.of.notLoaded(fmt.Sprintf("the list of %s with its records", reflect.TypeFor[T]()), true))
	}
	return m.recs
}

// Set replaces the related ids, for computes of x2many fields and for Create
// and Save.
func (m *Many[T]) Set(ids ...int64) {
	*m = Many[T]{ids: ids, loaded: 1, cmds: []Command{{Op: CmdSet, IDs: ids}}, of: m.of}
}

// Do queues x2many commands that Create or Save will execute.
func (m *Many[T]) Do(cmds ...Command) { m.cmds = append(m.cmds, cmds...) }

func (m *Many[T]) manyElem() reflect.Type  { return reflect.TypeFor[T]() }
func (m *Many[T]) manyIDs() []int64        { return m.ids }
func (m *Many[T]) commands() []Command     { return m.cmds }
func (m *Many[T]) setCommands(c []Command) { m.cmds = c }
func (m *Many[T]) setSlot(s *slot)         { m.of = s }
func (m *Many[T]) setManyIDs(ids []int64)  { *m = Many[T]{ids: ids, loaded: 1, of: m.of} }
func (m *Many[T]) setManyRecs(recs []any) {
	m.loaded = 2
	m.recs = make([]*T, 0, len(recs))
	for _, r := range recs {
		if t, ok := r.(*T); ok {
			m.recs = append(m.recs, t)
		}
	}
}

type manySlot interface {
	manyElem() reflect.Type
	manyIDs() []int64
	commands() []Command
	setCommands([]Command)
	setManyIDs([]int64)
	setManyRecs([]any)
}

// Deferred is a field of a facet that a read gives only when a path names it: a
// computed or related value without a column, or the content of a file. A plain Go
// field could not tell such a value from one that nobody asked for, so Freeze wants
// those fields declared as Deferred; its zero value is “not loaded”.
type Deferred[T any] struct {
	value T
	state deferredState
	of    *slot
}

type deferredState uint8

const (
	notLoaded deferredState = iota
	loaded
	changed // by Set, and not saved
)

// Get is the value. It must have been loaded by a path of Read, Search, Load or a
// compute's dependencies, or been Set; like [Ref.Rec], it panics when it was not.
func (d Deferred[T]) Get() T {
	if d.state == notLoaded {
		panic(d.of.notLoaded(fmt.Sprintf("the value, a %s,", reflect.TypeFor[T]()), false))
	}
	return d.value
}

// Set gives the field a value: in the compute of the field, or before Create or Save.
func (d *Deferred[T]) Set(v T) { d.value, d.state = v, changed }

func (d *Deferred[T]) deferred() (value any, state *deferredState) { return &d.value, &d.state }
func (d *Deferred[T]) setSlot(s *slot) {
	d.of = s
	if b, ok := any(&d.value).(slotBound); ok {
		b.setSlot(s)
	}
}

type deferredSlot interface {
	deferred() (value any, state *deferredState)
}

// slotBound are the values that know of which field of which facet they are, to tell
// whoever reads them before they are loaded.
type slotBound interface{ setSlot(*slot) }

// The x2many operations, numbered as on the wire.
const (
	CmdCreate = 0
	CmdUpdate = 1
	CmdDelete = 2
	CmdUnlink = 3
	CmdLink   = 4
	CmdClear  = 5
	CmdSet    = 6
)

// Command is one x2many operation.
type Command struct {
	Op     int     // one of CmdCreate to CmdSet
	ID     int64   // of the record, for update, delete, unlink and link
	Values Values  // for create and update
	IDs    []int64 // for set
}

// CreateLine makes a command that creates a related record.
func CreateLine(v Values) Command { return Command{Op: CmdCreate, Values: v} }

// UpdateLine makes a command that writes on a related record.
func UpdateLine(id int64, v Values) Command { return Command{Op: CmdUpdate, ID: id, Values: v} }

// DeleteLine makes a command that deletes a related record.
func DeleteLine(id int64) Command { return Command{Op: CmdDelete, ID: id} }

// Link makes a command that adds an existing record.
func Link(id int64) Command { return Command{Op: CmdLink, ID: id} }

// Unlink makes a command that removes the relation, not the record.
func Unlink(id int64) Command { return Command{Op: CmdUnlink, ID: id} }

// SetIDs makes a command that replaces the related records.
func SetIDs(ids ...int64) Command { return Command{Op: CmdSet, IDs: ids} }

const (
	dateLayout     = "2006-01-02"
	datetimeLayout = "2006-01-02 15:04:05"
)

// Date is a calendar day without a time zone; the zero Date is empty (NULL).
type Date struct{ t time.Time }

// NewDate makes a Date.
func NewDate(y int, m time.Month, d int) Date { return Date{time.Date(y, m, d, 0, 0, 0, 0, time.UTC)} }

// DateOf is the calendar day of t in t's own zone.
func DateOf(t time.Time) Date { return NewDate(t.Year(), t.Month(), t.Day()) }

// ParseDate reads YYYY-MM-DD; a longer datetime text is cut.
func ParseDate(s string) (Date, error) {
	if len(s) > 10 {
		s = s[:10]
	}
	t, err := time.Parse("2006-1-2", s) // one digit for a month or day will do
	if err == nil && t.Year() == 0 {
		err = fmt.Errorf("%q is no date: there is no year 0", s)
	}
	return Date{t}, err
}

// IsZero reports whether the date is empty.
func (d Date) IsZero() bool { return d.t.IsZero() }

// Time is the date at midnight UTC.
func (d Date) Time() time.Time { return d.t }

// AddDays moves the date.
func (d Date) AddDays(n int) Date { return Date{d.t.AddDate(0, 0, n)} }

// Before reports whether d is earlier than o.
func (d Date) Before(o Date) bool { return d.t.Before(o.t) }

// String is YYYY-MM-DD, "" when empty.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.t.Format(dateLayout)
}

// Value implements driver.Valuer.
func (d Date) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil
	}
	return d.String(), nil
}

// Scan implements sql.Scanner; NULL is the empty date.
func (d *Date) Scan(v any) (err error) {
	*d = Date{}
	switch v := v.(type) {
	case nil:
	case time.Time:
		*d = DateOf(v)
	case string:
		*d, err = ParseDate(v)
	default:
		err = fmt.Errorf("a date cannot be read from %T", v)
	}
	return err
}

// Datetime is an instant in UTC with second precision on the wire; the zero
// Datetime is empty (NULL).
type Datetime struct{ t time.Time }

// DatetimeOf converts an instant, to UTC and microseconds.
func DatetimeOf(t time.Time) Datetime {
	if t.IsZero() {
		return Datetime{}
	}
	return Datetime{t.UTC().Truncate(time.Microsecond)}
}

// ParseDatetime reads the wire format, also with T, fraction, Z, or a bare date.
func ParseDatetime(s string) (Datetime, error) {
	for _, layout := range []string{datetimeLayout, "2006-01-02 15:04:05.999999", "2006-01-02T15:04:05", time.RFC3339Nano, dateLayout, "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, s); err == nil && t.UTC().Year() > 0 && t.UTC().Year() < 10000 {
			return Datetime{t.UTC()}, nil
		}
	}
	return Datetime{}, fmt.Errorf("%q is not a datetime (YYYY-MM-DD HH:MM:SS)", s)
}

// IsZero reports whether the datetime is empty.
func (d Datetime) IsZero() bool { return d.t.IsZero() }

// Time is the instant in UTC.
func (d Datetime) Time() time.Time { return d.t }

// String is YYYY-MM-DD HH:MM:SS, "" when empty.
func (d Datetime) String() string {
	if d.IsZero() {
		return ""
	}
	return d.t.Format(datetimeLayout)
}

// Value implements driver.Valuer.
func (d Datetime) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil
	}
	return d.t.Format("2006-01-02 15:04:05.999999"), nil
}

// Scan implements sql.Scanner; NULL is the empty datetime.
func (d *Datetime) Scan(v any) (err error) {
	*d = Datetime{}
	switch v := v.(type) {
	case nil:
	case time.Time:
		*d = DatetimeOf(v)
	case string:
		*d, err = ParseDatetime(v)
	default:
		err = fmt.Errorf("a datetime cannot be read from %T", v)
	}
	return err
}

// Secret is a text that is encrypted at rest and masked wherever it is printed.
type Secret string

// String hides the secret from fmt and logs; use Reveal where it is needed.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "********"
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// MarshalJSON hides the secret from JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// Reveal returns the secret in clear.
func (s Secret) Reveal() string { return string(s) }

// Binary is a file content kept as an attachment.
type Binary []byte

// JSON is any JSON value, stored as jsonb.
type JSON []byte

// Option is one entry of a selection: the stored value and its label.
type Option struct{ Value, Label string }

// Selector is implemented by named string types that are selections.
type Selector interface{ Options() []Option }
