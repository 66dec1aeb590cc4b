package orm

import (
	"slices"
	"strings"
)

// Languages are the codes of the active languages, the default one first.
func (e *Env) Languages() ([]string, error) {
	active, err := e.u.db.Registry.policy.Languages(e)
	return append([]string{DefaultLang}, slices.DeleteFunc(active, func(code string) bool { return code == DefaultLang })...), err
}

// Translate sets the texts of a field of one record by language; an empty text
// of another language than the default one is taken out, so that the default
// one is shown. It answers false for a field that has no translations.
func (rs Records) Translate(field string, texts map[string]any) (bool, error) {
	if err := rs.One(); err != nil {
		return false, err
	}
	f := rs.Model.Fields[field]
	if f == nil {
		return false, ValueErrorf("Invalid field '%s' on model '%s'", field, rs.Model.Name)
	}
	if err := rs.CheckAccess(OpWrite); err != nil {
		return false, err
	}
	if err := rs.Env.checkField(rs.Model, f, OpWrite); err != nil {
		return false, err
	}
	langs, err := rs.Env.Languages()
	if err != nil {
		return false, err
	}
	var unknown []string
	for lang := range texts {
		if !slices.Contains(langs, lang) {
			unknown = append(unknown, lang)
		}
	}
	if len(unknown) > 0 {
		return false, UserErrorf("The following languages are not activated: %s", strings.Join(unknown, ", "))
	}
	if !f.Translate {
		return false, nil
	}
	if f.inherited != nil {
		v, err := rs.In(rs.Env.Sudo()).Value(f.Related[0])
		id, _ := v.(int64)
		if err != nil || id == 0 {
			return false, err
		}
		return rs.Env.Model(f.inherited.Model.Name).Browse(id).Translate(f.inherited.Name, texts)
	}
	for _, lang := range langs { // the default one first: others fall back to it
		v, given := texts[lang]
		if !given {
			continue
		}
		text, isText := v.(string)
		if !isText && v != nil && v != false {
			return false, UserErrorf("Translations of %s must be texts, not %v.", f.Label, v)
		}
		switch {
		case isText:
			err = rs.In(rs.Env.WithContext(map[string]any{"lang": lang})).Write(Values{field: text})
		case lang != DefaultLang:
			err = rs.Env.alter(sqlf("UPDATE "+quote(rs.Model.Table)+" SET "+quote(field)+" = "+quote(field)+" - ?::text WHERE id = ?", lang, rs.ID()), rs.Model, f)
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}
