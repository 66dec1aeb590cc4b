package orm

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/expr"
)

var (
	typeRecord   = reflect.TypeFor[Record]()
	typeMixin    = reflect.TypeFor[Mixin]()
	typeDecimal  = reflect.TypeFor[decimal.Decimal]()
	typeDate     = reflect.TypeFor[Date]()
	typeDatetime = reflect.TypeFor[Datetime]()
	typeSecret   = reflect.TypeFor[Secret]()
	typeBinary   = reflect.TypeFor[Binary]()
	typeJSON     = reflect.TypeFor[JSON]()
	typeSelector = reflect.TypeFor[Selector]()
	typeRefSlot  = reflect.TypeFor[refSlot]()
	typeManySlot = reflect.TypeFor[manySlot]()
	typeDeferred = reflect.TypeFor[deferredSlot]()
)

// facet is the layout of one Go struct: which field names it holds and where.
type facet struct {
	typ    reflect.Type
	model  string // "" for a mixin's facet or an extension by embedding
	addon  string
	slots  []slot
	byName map[string]*slot
	binds  [][]int       // embedded Record and Mixin structs
	blank  reflect.Value // a facet of which nothing is loaded, to begin others with
}

// declared is a field as one struct tag declares it, before merging.
type declared struct {
	field *Field
	set   map[string]bool
	elem  reflect.Type // comodel's facet, resolved at Freeze
	bare  bool         // tag has only the name: a reference to an existing field
	wrong bool         // the tag has a mistake, which is reported already
}

type parsedFacet struct {
	facet  *facet
	decls  []*declared
	mixins []reflect.Type
	record reflect.StructTag // tag of the embedded Record or Mixin
	isMix  bool
}

// parseFacet reads the tags of a struct. owned tells which embedded structs
// are facets already declared elsewhere, whose fields are references only.
func parseFacet(t reflect.Type, addon string, owned func(reflect.Type) bool) (*parsedFacet, []error) {
	p := &parsedFacet{facet: &facet{typ: t, addon: addon, byName: map[string]*slot{}}}
	var errs []error
	var walk func(t reflect.Type, index []int, reference bool)
	walk = func(st reflect.Type, index []int, reference bool) {
		for _, i := range shallowFirst(st) {
			sf := st.Field(i)
			at := append(append([]int(nil), index...), i)
			switch {
			case sf.Type == typeRecord || sf.Type == typeMixin:
				p.facet.binds = append(p.facet.binds, at)
				if len(index) == 0 {
					for _, err := range tagMistakes(sf.Tag, recordKeys) {
						errs = append(errs, fmt.Errorf("%s: %w", st, err))
					}
					p.record = sf.Tag
					p.isMix = sf.Type == typeMixin
				}
				continue
			case sf.Anonymous && sf.Type.Kind() == reflect.Struct:
				if isMixin(sf.Type) {
					p.mixins = append(p.mixins, sf.Type)
					walk(sf.Type, at, true)
				} else {
					walk(sf.Type, at, reference || owned(sf.Type))
				}
				continue
			}
			tag, ok := sf.Tag.Lookup("orm")
			if !ok {
				if sf.IsExported() && sf.Name != "ID" && !reference {
					errs = append(errs, fmt.Errorf("%s.%s has no orm tag; name the field or unexport it", st, sf.Name))
				}
				continue
			}
			d, mistakes := parseField(sf, tag, fmt.Sprintf("%s.%s", st, sf.Name))
			if !reference {
				errs = append(errs, mistakes...)
			}
			if d == nil {
				continue
			}
			typ, deferred := undeferred(sf.Type)
			s := slot{name: d.field.Name, index: at, typ: typ, origin: d.field.Origin, deferred: deferred,
				ref: reflect.PointerTo(typ).Implements(typeRefSlot), many: reflect.PointerTo(typ).Implements(typeManySlot)}
			if p.facet.byName[s.name] != nil {
				continue // an outer declaration hides the embedded one
			}
			p.facet.slots = append(p.facet.slots, s)
			p.facet.byName[s.name] = &p.facet.slots[len(p.facet.slots)-1]
			if !reference {
				d.field.Addon = addon
				p.decls = append(p.decls, d)
			}
		}
	}
	walk(t, nil, false)
	for i := range p.facet.slots {
		p.facet.byName[p.facet.slots[i].name] = &p.facet.slots[i]
	}
	p.facet.blank = reflect.New(t).Elem()
	for i := range p.facet.slots {
		sl := &p.facet.slots[i]
		if b, ok := p.facet.blank.FieldByIndex(sl.index).Addr().Interface().(slotBound); ok {
			b.setSlot(sl)
		}
	}
	return p, errs
}

// shallowFirst lists the fields of a struct, its own before those of embedded
// structs, which they hide as they do in Go.
func shallowFirst(t reflect.Type) []int {
	var own, embedded []int
	for i := range t.NumField() {
		if t.Field(i).Anonymous {
			embedded = append(embedded, i)
		} else {
			own = append(own, i)
		}
	}
	return append(own, embedded...)
}

func isMixin(t reflect.Type) bool {
	return t.NumField() > 0 && t.Field(0).Type == typeMixin
}

// parseField reads one tag: `orm:"name,option,option=value"`, and beside it
// label, help, groups, validate, selection, domain, context. A field with
// mistakes is declared all the same, as far as it is understood, so that what
// names it is not reported too; there is none when it has no name.
func parseField(sf reflect.StructField, tag, origin string) (d *declared, mistakes []error) {
	parts := strings.Split(tag, ",")
	f := &Field{Name: parts[0], Origin: origin, Copy: true, Stored: true, Digits: -1}
	if f.Name == "" {
		return nil, []error{fmt.Errorf("%s: the orm tag must begin with the field's name", origin)}
	}
	d = &declared{field: f, set: map[string]bool{}, bare: true}
	mark := func(attr string) { d.set[attr], d.bare = true, false }
	wrong := func(err error) {
		mistakes = append(mistakes, fmt.Errorf("%s: %w", origin, err))
		d.wrong, d.bare = true, false
	}
	for _, err := range tagMistakes(sf.Tag, fieldKeys) {
		wrong(err)
	}
	if err := kindOf(sf.Type, f, d); err != nil {
		wrong(err)
		f.Kind = Char
	}
	for _, key := range fieldKeys[1:] {
		v, ok := sf.Tag.Lookup(key)
		if !ok {
			continue
		}
		switch key {
		case "label":
			f.Label = v
		case "help":
			f.Help = v
		case "groups":
			f.Groups = strings.Split(v, ",")
		case "validate":
			f.Validate = v
			if v == "required" || strings.HasPrefix(v, "required,") {
				f.Required = true
				mark("required")
				f.Validate = strings.TrimPrefix(strings.TrimPrefix(v, "required"), ",")
			}
		case "selection":
			f.Kind = Selection
			for _, o := range strings.Split(v, ",") {
				value, label, _ := strings.Cut(o, ":")
				if label == "" {
					label = labelFromName(value)
				}
				f.Options = append(f.Options, Option{strings.TrimSpace(value), label})
			}
			key = "options"
		case "domain":
			f.Domain = v
		case "context":
			ctx, err := expr.Eval(v, nil)
			keys, ok := ctx.(map[string]any)
			if err != nil || !ok {
				wrong(fmt.Errorf("the context %q is no dictionary of constants", v))
			}
			f.context = keys
		}
		mark(key)
	}
	for _, opt := range parts[1:] {
		key, val, _ := strings.Cut(opt, "=")
		if err := applyOption(f, key, val, mark); err != nil {
			wrong(err)
		}
	}
	if f.Kind == Selection && len(f.Options) == 0 && !d.bare {
		if t, _ := undeferred(sf.Type); reflect.PointerTo(t).Implements(typeSelector) {
			f.Options = reflect.New(t).Interface().(Selector).Options()
			d.set["options"] = true
		}
	}
	if len(f.Related) > 0 && !d.set["store"] {
		f.Stored = false
	}
	if f.X2many() && !d.set["copy"] {
		f.Copy = f.Kind == Many2many
	}
	return d, mistakes
}

func kindOf(t reflect.Type, f *Field, d *declared) error {
	t, deferred := undeferred(t)
	p := reflect.PointerTo(t)
	if deferred && p.Implements(typeManySlot) {
		return errors.New("a list need not be orm.Deferred: orm.Many tells by itself whether it is loaded")
	}
	switch {
	case p.Implements(typeRefSlot):
		f.Kind = Many2one
		d.elem = reflect.New(t).Interface().(refSlot).refElem()
	case p.Implements(typeManySlot):
		f.Kind = Many2many
		d.elem = reflect.New(t).Interface().(manySlot).manyElem()
	case t == typeDecimal:
		f.Kind, f.Decimal = Float, true
	case t == typeDate:
		f.Kind = DateKind
	case t == typeDatetime:
		f.Kind = DatetimeKind
	case t == typeSecret:
		f.Kind = SecretKind
	case t == typeBinary:
		f.Kind = BinaryKind
	case t == typeJSON || t == reflect.TypeFor[json.RawMessage]():
		f.Kind = JSONKind
	case p.Implements(typeSelector):
		f.Kind = Selection
		f.Options = reflect.New(t).Interface().(Selector).Options()
	case t.Kind() == reflect.String:
		f.Kind = Char
	case t.Kind() == reflect.Int64:
		f.Kind, f.BigInt = Integer, true
	case t.Kind() == reflect.Int:
		f.Kind = Integer
	case t.Kind() == reflect.Float64:
		f.Kind = Float
	case t.Kind() == reflect.Bool:
		f.Kind = Boolean
	default:
		return fmt.Errorf("the Go type %s is no field type", t)
	}
	return nil
}

func applyOption(f *Field, key, val string, mark func(string)) error {
	switch key {
	case "text", "html", "selection", "reference", "monetary", "many2one_reference", "char":
		f.Kind = Kind(key)
		f.Decimal = f.Decimal || key == "monetary"
		mark("kind")
		return nil
	case "plain":
		f.Plain = true
	case "image":
		f.Image = true
	case "required":
		f.Required = val != "false"
	case "readonly":
		f.Readonly = val != "false"
	case "store":
		f.Stored = val != "false"
	case "index":
		f.Index = val
		if val == "" {
			f.Index = "btree"
		}
	case "copy":
		f.Copy = val != "false"
	case "nocopy":
		f.Copy = false
		key = "copy"
	case "system":
		switch val {
		case "":
			f.System = SystemOnly
		case "write":
			f.System = SystemWrites
		default:
			return fmt.Errorf("system=%s: write system, or system=write", val)
		}
		f.Readonly = true
		mark("readonly")
	case "tracking":
		f.Tracking = val != "false"
	case "translate":
		f.Translate = true
	case "size", "digits", "min_digits":
		n, err := strconv.Atoi(val[strings.IndexByte(val, ':')+1:])
		if err != nil {
			return fmt.Errorf("%s=%s is not a number", key, val)
		}
		switch key {
		case "size":
			f.Size = n
		case "digits":
			f.Digits, f.Decimal = n, true
		default:
			f.MinDigits, f.Decimal = n, true
		}
	case "currency":
		f.Currency, f.Kind, f.Decimal = val, Monetary, true
	case "many2one":
		f.Kind, f.Comodel = Many2one, val
	case "many2many", "one2many":
		f.Kind = Kind(key)
		f.Comodel = val
	case "inverse":
		f.Kind, f.Inverse = One2many, val
	case "rel":
		rel := strings.Split(val, ":")
		f.RelTable = rel[0]
		if len(rel) == 3 {
			f.RelCol, f.RelCocol = rel[1], rel[2]
		}
	case "ondelete":
		f.OnDelete = strings.ReplaceAll(val, "_", " ")
	case "delegate":
		f.Delegate = true
	case "check_company":
		f.CheckCompany = true
	case "company_dependent":
		f.CompanyDependent = true
	case "model_field":
		f.ModelField = val
	case "aggregator":
		f.Aggregator = val
	case "sent_to":
		f.SentTo = strings.Split(val, ":")
	case "related":
		f.Related = strings.Split(val, ".")
	case "default":
		return applyDefault(f, val, mark)
	default:
		return fmt.Errorf("unknown option %q in the orm tag%s", key, expr.DidYouMean(key, fieldOptions))
	}
	mark(key)
	return nil
}

func applyDefault(f *Field, val string, mark func(string)) error {
	mark("default")
	f.defaultOn, f.defaultEmpty = true, false
	switch {
	case val == "now" && f.Kind == DatetimeKind:
		f.Default = func(e *Env) (any, error) { return DatetimeOf(e.Now()), nil }
	case val == "today" && f.Kind == DateKind:
		f.Default = func(e *Env) (any, error) { return e.Today(), nil }
	case val == "uid" && f.Kind == Many2one:
		f.Default = func(e *Env) (any, error) { return e.UID(), nil }
	case val == "company" && f.Kind == Many2one:
		f.Default = func(e *Env) (any, error) { return e.Company(), nil }
	default:
		v, err := f.Parse(val)
		if f.Kind == Boolean { // any other text is true in values
			v, err = strconv.ParseBool(val)
		}
		if err != nil {
			return fmt.Errorf("default=%s: %w", val, err)
		}
		f.Default = func(*Env) (any, error) { return v, nil }
		n, isDecimal := v.(decimal.Decimal)
		f.defaultEmpty = v == nil || v == false || v == "" || v == int64(0) || v == float64(0) || isDecimal && n.IsZero()
	}
	return nil
}
