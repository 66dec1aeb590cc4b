package orm

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/shopspring/decimal"
)

// Company-dependent fields keep their values in one jsonb column, by company id.
// A company without an entry has the default that was set for it, or
// for all companies; an entry of null is an empty value on purpose.

// perCompany is the SQL value of a company-dependent column for the current
// company.
func (s *selection) perCompany(col frag, f *Field) frag {
	typ := f.valueType()
	value := sqlf("?->?", col, strconv.FormatInt(s.env.Company(), 10))
	if v := s.env.companyFallback(f); v != nil {
		if stored, err := s.env.plainStorable(f, v); err == nil {
			value = sqlf("COALESCE(?, to_jsonb(?::"+typ+"))", value, stored)
		}
	}
	value = sqlf("(?->>0)::"+typ, value)
	switch f.Kind {
	case Boolean:
		value = sqlf("COALESCE(?, false)", value)
	case Integer, Float, Monetary:
		value = sqlf("COALESCE(?, 0)", value)
	case Many2one:
		// a record that has been deleted since counts as none
		co := quote(s.model.registry.models[f.Comodel].Table)
		value = sqlf("(SELECT x.id FROM "+co+" x WHERE x.id = ?)", value)
	}
	return value
}

// companyFallback is the value companies without one of their own have, nil for
// none.
func (e *Env) companyFallback(f *Field) any {
	defaults, err := e.defaults(f.Model.Name)
	if err != nil {
		e.Log().Warn("default values cannot be read", "model", f.Model.Name, "error", err.Error())
		return nil
	}
	for _, d := range defaults[f.Name] {
		if d.User == 0 && d.Condition == "" && (d.Company == 0 || d.Company == e.Company()) {
			v, err := f.Parse(d.Value)
			if err != nil || !truthy(v) {
				return nil
			}
			return v
		}
	}
	return nil
}

// defaults are the default values that somebody has set for a model, by field.
func (e *Env) defaults(model string) (map[string][]StoredDefault, error) {
	if e.u.db.Registry.PolicyModels().Defaults == "" {
		return nil, nil
	}
	p, err := e.loadAccess()
	if err != nil {
		return nil, err
	}
	return p.Defaults[model], nil
}

// storedDefaultOf picks the default that goes for the current user and company.
func (e *Env) storedDefaultOf(list []StoredDefault) *StoredDefault {
	for i, d := range list {
		if d.Condition == "" && (d.User == 0 || d.User == e.uid) && (d.Company == 0 || d.Company == e.Company()) {
			return &list[i]
		}
	}
	return nil
}

// valueType is the PostgreSQL type of a company-dependent field's value.
func (f *Field) valueType() string {
	plain := *f
	plain.CompanyDependent = false
	return plain.columnType()
}

// forCompany is a value as an entry of the jsonb column.
func (e *Env) forCompany(f *Field, v any) (string, error) {
	stored, err := e.plainStorable(f, v)
	if err != nil {
		return "", err
	}
	switch x := stored.(type) {
	case decimal.Decimal:
		stored = json.Number(x.String())
	case Date, Datetime:
		stored = fmt.Sprint(x)
	}
	b, err := json.Marshal(map[string]any{strconv.FormatInt(e.Company(), 10): stored})
	return string(b), err
}
