package mail

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Tracking is a change of one field, told by a message. Which columns hold the
// values depends on the kind of the field.
type Tracking struct {
	orm.Record  `orm:"mail.tracking.value" label:"Mail Tracking Value" order:"id desc" rec:"field_id"`
	FieldID     orm.Ref[base.IrField]  `orm:"field_id,readonly,index,ondelete=set_null" label:"Field"`
	FieldInfo   orm.JSON               `orm:"field_info" label:"Removed field information"`
	OldInteger  int64                  `orm:"old_value_integer,readonly" label:"Old Value Integer"`
	OldFloat    float64                `orm:"old_value_float,readonly" label:"Old Value Float"`
	OldChar     string                 `orm:"old_value_char,readonly" label:"Old Value Char"`
	OldText     string                 `orm:"old_value_text,text,readonly" label:"Old Value Text"`
	OldDatetime orm.Datetime           `orm:"old_value_datetime,readonly" label:"Old Value DateTime"`
	NewInteger  int64                  `orm:"new_value_integer,readonly" label:"New Value Integer"`
	NewFloat    float64                `orm:"new_value_float,readonly" label:"New Value Float"`
	NewChar     string                 `orm:"new_value_char,readonly" label:"New Value Char"`
	NewText     string                 `orm:"new_value_text,text,readonly" label:"New Value Text"`
	NewDatetime orm.Datetime           `orm:"new_value_datetime,readonly" label:"New Value Datetime"`
	CurrencyID  orm.Ref[base.Currency] `orm:"currency_id,readonly,ondelete=set_null" label:"Currency"`
	MessageID   orm.Ref[Message]       `orm:"mail_message_id,required,index,ondelete=cascade" label:"Message ID"`
}

func defineTracking(r *orm.Registry) { orm.Define[Tracking](r) }

// trackedFields are the fields of a model whose changes a write of vals may
// bring: those written, and stored computes, which may follow.
func trackedFields(m *orm.Model, vals orm.Values) []*orm.Field {
	var out []*orm.Field
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		if !f.Tracking || f.Kind == orm.SecretKind || f.Kind == orm.BinaryKind {
			continue
		}
		if _, written := vals[name]; written || f.Computed() && f.Stored {
			out = append(out, f)
		}
	}
	return out
}

// keyTracked is the context key under which the records a list of record ids
// names are compared already, by a write or create further out.
const keyTracked = "mail_tracked_outside"

// trackWrites compares the tracked fields before and after a write and tells
// the differences in one message a record. Computes that follow from other
// records are seen where TrackAround is put around the change of those.
func trackWrites(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		within := rs.In(rs.Env.WithContext(map[string]any{keyTracked: rs.Model.Name}))
		return track(rs, trackedFields(rs.Model, vals), func() error {
			if err := super(within, vals); err != nil {
				return err
			}
			return followAssigned(rs, vals.ID("user_id"))
		})
	}
}

// TrackAround tells on records what a change of others makes of their tracked
// computes. Within a write or create of such a record, which tells everything
// in one message, it only makes the change.
func TrackAround(rs orm.Records, change func() error) error {
	if rs.Len() == 0 || rs.Env.Key(keyTracked) == rs.Model.Name {
		return change()
	}
	return track(rs, trackedFields(rs.Model, nil), change)
}

// track makes a change and tells what it did to fields of records.
func track(rs orm.Records, fields []*orm.Field, change func() error) error {
	env := rs.Env
	if len(fields) == 0 || env.Flag("tracking_disable", false) || env.Flag("mail_notrack", false) || env.Flag("install_mode", false) {
		return change()
	}
	names := make([]string, 0, len(fields)+1)
	for _, f := range fields {
		names = append(names, f.Name)
		if f.Kind == orm.Monetary && !slices.Contains(names, f.Currency) {
			names = append(names, f.Currency)
		}
	}
	there, err := rs.In(env.Sudo()).Exists()
	if err != nil {
		return err
	}
	before, err := there.Read(names...)
	if err != nil {
		return err
	}
	if err := change(); err != nil {
		return err
	}
	after, err := there.Read(names...)
	if err != nil {
		return err
	}
	for i, id := range there.IDs {
		changes, err := compare(rs.Browse(id), fields, before[i], after[i])
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			continue
		}
		if err := postChanges(rs.Browse(id), fields, before[i], after[i], changes); err != nil {
			return err
		}
	}
	return nil
}

// postChanges posts the message of a change. A model may choose its subtype by
// a method _track_subtype(initial values) that gives an external id.
func postChanges(rs orm.Records, fields []*orm.Field, before, after orm.Values, changes []orm.Values) error {
	subtype := "mail.mt_note"
	if rs.Model.HasMethod(TrackSubtype) {
		changed := map[string]any{}
		for _, f := range fields {
			if !sameValue(before[f.Name], after[f.Name]) {
				changed[f.Name] = before[f.Name]
			}
		}
		v, err := rs.Do(TrackSubtype, orm.Args{Pos: []any{changed}})
		if err != nil {
			return err
		}
		if s := text(v); s != "" {
			subtype = s
		}
	}
	sudo := rs.In(rs.Env.Sudo())
	_, err := Post(sudo, Posting{Type: "notification", Subtype: subtype, Author: rs.Env.PartnerID(), Tracking: changes})
	return err
}

// TrackSubtype is the name of the method a model may implement to choose the
// subtype of the message that tells its changes.
const TrackSubtype = "_track_subtype"

func sameValue(a, b any) bool {
	if x, ok := a.(decimal.Decimal); ok {
		y, ok := b.(decimal.Decimal)
		return ok && x.Equal(y)
	}
	return reflect.DeepEqual(a, b)
}

func compare(rs orm.Records, fields []*orm.Field, before, after orm.Values) ([]orm.Values, error) {
	var out []orm.Values
	for _, f := range fields {
		if sameValue(before[f.Name], after[f.Name]) || blank(before[f.Name]) && blank(after[f.Name]) {
			continue
		}
		id, err := fieldID(rs.Env, rs.Model.Name, f.Name)
		if err != nil {
			return nil, err
		}
		vals := orm.Values{"field_id": nonzero(id)}
		if err := trackingValue(rs, f, "old", before, vals); err != nil {
			return nil, err
		}
		if err := trackingValue(rs, f, "new", after, vals); err != nil {
			return nil, err
		}
		if f.Kind == orm.Monetary {
			vals["currency_id"] = nonzero(number(after[f.Currency]))
		}
		out = append(out, vals)
	}
	return out, nil
}

func blank(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string:
		return x == ""
	case []int64:
		return len(x) == 0
	}
	return false
}

type fieldRef struct{ model, name string }

func fieldID(env *orm.Env, model, name string) (int64, error) {
	return orm.Memo(env, fieldRef{model, name}, func() (int64, error) {
		rs, err := env.Sudo().Model("ir.model.fields").Search(orm.And(orm.Leaf("model", "=", model), orm.Leaf("name", "=", name)), orm.SearchOptions{Limit: 1})
		return rs.ID(), err
	})
}

// trackingValue writes one side of a change into the columns of the field's kind.
func trackingValue(rs orm.Records, f *orm.Field, side string, row, vals orm.Values) error {
	col := func(kind string) string { return side + "_value_" + kind }
	v := row[f.Name]
	switch f.Kind {
	case orm.Integer:
		vals[col("integer")] = number(v)
	case orm.Boolean:
		vals[col("integer")] = int64(0)
		if v == true {
			vals[col("integer")] = int64(1)
		}
	case orm.Float, orm.Monetary:
		switch n := v.(type) {
		case decimal.Decimal:
			vals[col("float")] = n.InexactFloat64()
		case float64:
			vals[col("float")] = n
		}
	case orm.Char, orm.Reference:
		vals[col("char")] = text(v)
	case orm.Text, orm.HTML:
		vals[col("text")] = text(v)
	case orm.Selection:
		vals[col("char")] = ""
		if s := text(v); s != "" {
			vals[col("char")] = f.OptionLabel(s)
		}
	case orm.DateKind:
		if d, ok := v.(orm.Date); ok && !d.IsZero() {
			vals[col("datetime")] = orm.DatetimeOf(d.Time())
		}
	case orm.DatetimeKind:
		if d, ok := v.(orm.Datetime); ok {
			vals[col("datetime")] = d
		}
	case orm.Many2one:
		id := number(v)
		vals[col("integer")], vals[col("char")] = id, ""
		if id != 0 {
			names, err := rs.Env.Sudo().Model(f.Comodel).Browse(id).DisplayNames()
			if err != nil && !orm.IsCode(err, orm.CodeMissing) {
				return err
			}
			vals[col("char")] = names[id]
		}
	case orm.One2many, orm.Many2many:
		ids, _ := v.([]int64)
		there, err := rs.Env.Sudo().Model(f.Comodel).Browse(ids...).Exists()
		if err != nil {
			return err
		}
		names, err := there.DisplayNames()
		if err != nil {
			return err
		}
		parts := make([]string, len(there.IDs))
		for i, id := range there.IDs {
			parts[i] = names[id]
		}
		vals[col("char")] = strings.Join(parts, ", ")
	default:
		return fmt.Errorf("mail: %s.%s is tracked, but changes of %s fields cannot be told", rs.Model.Name, f.Name, f.Kind)
	}
	return nil
}
