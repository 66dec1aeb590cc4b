package orm

import "strings"

// FieldsGet describes the fields the user may see, as clients expect it. No
// names means all; no attributes means all.
func (rs Records) FieldsGet(names, attributes []string) (map[string]map[string]any, error) {
	if len(names) == 0 {
		names = rs.Model.FieldNames()
	}
	wanted := map[string]bool{}
	for _, a := range attributes {
		wanted[a] = true
	}
	out := map[string]map[string]any{}
	for _, name := range names {
		f := rs.Model.Fields[name]
		if f == nil || out[name] != nil {
			continue
		}
		if ok, err := rs.Env.FieldAllowed(f); err != nil {
			return nil, err
		} else if !ok {
			continue
		}
		d, err := rs.Env.describe(f)
		if err != nil {
			return nil, err
		}
		if len(attributes) > 0 {
			for k := range d {
				if !wanted[k] {
					delete(d, k)
				}
			}
		}
		out[name] = d
	}
	return out, nil
}

// Options are the values a selection offers with their labels: those it was
// declared with, or those its function finds.
func (e *Env) Options(f *Field) ([]Option, error) {
	if f.options != nil {
		return f.options(e)
	}
	return f.Options, nil
}

func (e *Env) describe(f *Field) (map[string]any, error) {
	kind := f.Kind
	if kind == SecretKind {
		kind = Char
	}
	_, inSQL := e.newSelect(f.Model).column("t", f.Model, f)
	d := map[string]any{
		"name": f.Name, "type": string(kind), "string": f.Label, "required": f.Required || f.inherited != nil && f.inherited.Required,
		"readonly": f.Readonly || f.System != SystemNone || f.compute != nil && f.inverse == nil && !f.Stored, "store": f.inTable(),
		"searchable": f.Searchable(), "sortable": inSQL, "groupable": inSQL || f.Kind == Many2many && f.Stored, "exportable": true,
		"company_dependent": f.CompanyDependent, "manual": false, "depends": []string{}, "change_default": false,
	}
	if f.Help != "" {
		d["help"] = f.Help
	}
	if len(f.Groups) > 0 {
		d["groups"] = strings.Join(f.Groups, ",")
	}
	if len(f.Related) > 0 {
		path := strings.Join(f.Related, ".")
		d["related"] = path
		d["depends"] = []string{path}
	}
	if f.compute != nil && len(f.compute.deps) > 0 {
		d["depends"] = f.compute.deps
	}
	if f.Aggregator != "" {
		d["aggregator"] = f.Aggregator
	}
	switch f.Kind {
	case Selection:
		list, err := e.Options(f)
		if err != nil {
			return nil, err
		}
		opts := make([][]string, len(list))
		for i, o := range list {
			opts[i] = []string{o.Value, o.Label}
		}
		d["selection"] = opts
	case Many2one, One2many, Many2many:
		d["relation"], d["context"] = f.Comodel, map[string]any{}
		if f.context != nil {
			d["context"] = f.context
		}
		d["domain"] = []any{}
		if f.filter != nil {
			d["domain"] = f.filter
		} else if f.Domain != "" {
			d["domain"] = f.Domain
		}
		if f.Kind == One2many {
			d["relation_field"] = f.Inverse
		}
	case Monetary:
		d["currency_field"] = f.Currency
	case Float:
		if f.Digits >= 0 {
			d["digits"] = []int{16, f.Digits}
		}
		if f.MinDigits > 0 {
			d["min_display_digits"] = f.MinDigits
		}
	case Char:
		d["trim"], d["translate"] = true, f.Translate
		if f.Size > 0 {
			d["size"] = f.Size
		}
	case Text, HTML:
		d["translate"] = f.Translate
		if f.Kind == HTML {
			d["sanitize"] = true
		}
	case Many2oneRef:
		d["model_field"] = f.ModelField
	}
	return d, nil
}
