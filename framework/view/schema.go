package view

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// FieldInfo is what a view needs to know of a field.
type FieldInfo struct {
	Type    string // char, text, html, integer, float, monetary, boolean, date, datetime, selection, many2one, one2many, many2many, binary, image, json, ...
	Comodel string // of relations
}

func (f FieldInfo) x2many() bool { return f.Type == "one2many" || f.Type == "many2many" }

// Schema answers what exists. The ORM's registry implements it; the lists are
// for suggestions and may be empty.
type Schema interface {
	Model(model string) bool
	Field(model, name string) (FieldInfo, bool)
	FieldNames(model string) []string
	// Method says whether views may call a method of the model.
	Method(model, name string) bool
	MethodNames(model string) []string
	Group(xmlid string) bool
	Groups() []string
	Action(xmlid string) bool
	Actions() []string
}

// CheckPath follows a dotted field path from model, as "partner_id.country_id",
// and gives its last field. Date fields may be followed by a part of the date,
// as "create_date.month_number". The error names the step that fails.
func CheckPath(s Schema, model, path string) (FieldInfo, error) {
	steps := strings.Split(path, ".")
	var f FieldInfo
	for i, step := range steps {
		if i > 0 && (f.Type == "date" || f.Type == "datetime") && i == len(steps)-1 && slices.Contains(dateParts(), step) {
			return FieldInfo{Type: "integer"}, nil
		}
		if i > 0 && (f.Type == "json" || f.Type == "properties") {
			return FieldInfo{Type: f.Type}, nil
		}
		if i > 0 && f.Comodel == "" {
			return f, fmt.Errorf("field %q of %s is no relation: nothing can follow it in %q", steps[i-1], model, path)
		}
		if i > 0 {
			model = f.Comodel
		}
		var ok bool
		if f, ok = s.Field(model, step); !ok {
			return f, &unknown{fmt.Sprintf("unknown field %q of %s", step, model), expr.Suggest(step, s.FieldNames(model))}
		}
	}
	return f, nil
}

func dateParts() []string {
	return []string{"year_number", "quarter_number", "month_number", "iso_week_number", "day_of_week", "day_of_month",
		"day_of_year", "hour_number", "minute_number", "second_number"}
}

// unknown is an error with a name that may have been meant.
type unknown struct{ msg, suggestion string }

func (e *unknown) Error() string {
	if e.suggestion == "" {
		return e.msg
	}
	return fmt.Sprintf("%s (did you mean %q?)", e.msg, e.suggestion)
}

// CheckDomain checks the field paths and operators of a domain expression over
// model; what stands on the right of a condition is not looked at. It gives
// every mistake.
func CheckDomain(s Schema, model, src string) []error {
	leaves, err := expr.Leaves(refsToNumbers(src))
	if err != nil {
		return []error{err}
	}
	return checkLeaves(s, model, leaves)
}

func checkLeaves(s Schema, model string, leaves []expr.Leaf) []error {
	var errs []error
	for _, l := range leaves {
		f, err := CheckPath(s, model, l.Path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !strings.Contains(l.Operator, "any") {
			continue
		}
		if f.Comodel == "" {
			errs = append(errs, fmt.Errorf("operator %q needs a relation, field %q of %s is none", l.Operator, l.Path, model))
			continue
		}
		errs = append(errs, checkLeaves(s, f.Comodel, l.Sub)...)
	}
	return errs
}
