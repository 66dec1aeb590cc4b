package mail

import (
	"fmt"
	"html"
	netmail "net/mail"
	"regexp"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

const (
	placePattern  = `(?s)\{\{(.*?)\}\}`
	outputPattern = `(?s)<t\s+t-(?:out|esc)="([^"]*)"\s*(?:/>|>(.*?)</t>)`
)

var (
	places  = regexp.MustCompile(placePattern)
	outputs = regexp.MustCompile(outputPattern)
	// htmlPlaces finds both, so that each is filled in once and no value is
	// looked through for more.
	htmlPlaces = regexp.MustCompile(placePattern + `|` + outputPattern)
	orders     = regexp.MustCompile(`\st-(if|elif|else|foreach|set|call|att[-\w]*)\b`)
	dotted     = regexp.MustCompile(`^object(\.[a-z_][a-z0-9_]*)*$`)
)

// renderMode says what a template becomes.
type renderMode int

const (
	asText    renderMode = iota
	asHTML               // values are escaped, but for HTML fields
	asAddress            // the header of a mail: addresses, on one line
)

// Render fills in a template for one record. A place is {{ expression }}, or in
// HTML also <t t-out="expression"/> with what stands inside the element as
// fallback. An expression is a path from object, as object.partner_id.name, a
// 'text', or several of these joined by or: the first that is not empty counts.
// Values are those the record's Env may read; in HTML they are escaped, but for
// HTML fields. They are data: what looks like a place in a value stays as it is.
// QWeb's other directives (t-if, t-foreach, t-set, …), function calls and
// arithmetic are not built: a template with one is refused.
func Render(rs orm.Records, source string, mode renderMode) (string, error) {
	if source == "" {
		return "", nil
	}
	if err := checkTemplate(source); err != nil {
		return "", err
	}
	pattern := places
	if mode == asHTML {
		pattern = htmlPlaces
	}
	var b strings.Builder
	at := 0
	for _, m := range pattern.FindAllStringSubmatchIndex(source, -1) {
		b.WriteString(source[at:m[0]])
		at = m[1]
		group := func(i int) string {
			if 2*i >= len(m) || m[2*i] < 0 {
				return ""
			}
			return source[m[2*i]:m[2*i+1]]
		}
		expression, fallback, isPlace := group(1), "", m[2] >= 0
		if isPlace {
			expression, fallback, _ = strings.Cut(expression, "|||")
			fallback = strings.TrimSpace(fallback)
		} else {
			expression, fallback = html.UnescapeString(group(2)), group(3)
		}
		v, markup, err := evaluate(rs, expression)
		if err != nil {
			return "", err
		}
		switch {
		case v == "" && isPlace:
			v = fallback
		case v == "":
			if v, err = Render(rs, fallback, mode); err != nil {
				return "", err
			}
		case mode == asHTML && !markup:
			v = fromText(v)
		case mode == asAddress:
			v = addressPart(v, source[at:])
		}
		b.WriteString(v)
	}
	b.WriteString(source[at:])
	if mode == asAddress {
		return oneLine(b.String()), nil
	}
	return b.String(), nil
}

// addressPart is a value as it may stand among the addresses of a mail: quoted
// where an address in angle brackets follows, else a list of addresses or, when
// it is none, without what would make it several.
func addressPart(v, rest string) string {
	v = oneLine(v)
	if strings.HasPrefix(strings.TrimLeft(rest, " "), "<") {
		return strings.TrimSuffix((&netmail.Address{Name: v}).String(), " <@>")
	}
	if _, err := netmail.ParseAddressList(v); err == nil {
		return v
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(`,;<>"()`, r) {
			return ' '
		}
		return r
	}, v)
}

// checkTemplate finds what Render does not understand.
func checkTemplate(source string) error {
	if m := orders.FindString(source); m != "" {
		return fmt.Errorf("the directive %s is not supported in mail templates; use t-out or {{ object.field }}", strings.TrimSpace(m))
	}
	var list []string
	for _, m := range places.FindAllStringSubmatch(source, -1) {
		expression, _, _ := strings.Cut(m[1], "|||")
		list = append(list, expression)
	}
	for _, m := range outputs.FindAllStringSubmatch(source, -1) {
		list = append(list, html.UnescapeString(m[1]))
	}
	for _, expression := range list {
		for _, term := range terms(expression) {
			if _, quoted := literal(term); !quoted && !dotted.MatchString(term) {
				return fmt.Errorf("%q is not supported in mail templates; write a path as object.partner_id.name, a 'text', or several joined by or", term)
			}
		}
	}
	return nil
}

func terms(expression string) []string {
	parts := strings.Split(strings.TrimSpace(expression), " or ")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
}

func literal(term string) (string, bool) {
	if len(term) >= 2 && (term[0] == '\'' || term[0] == '"') && term[len(term)-1] == term[0] {
		return term[1 : len(term)-1], true
	}
	return "", false
}

// evaluate gives the text of an expression, and whether it is HTML already.
func evaluate(rs orm.Records, expression string) (value string, markup bool, err error) {
	for _, term := range terms(expression) {
		if s, ok := literal(term); ok {
			if s != "" {
				return s, false, nil
			}
			continue
		}
		value, markup, err = resolvePath(rs, strings.Split(term, ".")[1:])
		if err != nil || value != "" {
			return value, markup, err
		}
	}
	return "", false, nil
}

func resolvePath(rs orm.Records, path []string) (string, bool, error) {
	for i, name := range path {
		if rs.Len() == 0 {
			return "", false, nil
		}
		if name == "id" {
			return strconv.FormatInt(rs.ID(), 10), false, nil
		}
		f := rs.Model.Fields[name]
		if f == nil {
			return "", false, orm.UserErrorf("The mail template names %s, which is no field of %s.", name, rs.Model.Label)
		}
		if f.Kind == orm.SecretKind || f.Kind == orm.BinaryKind {
			return "", false, orm.UserErrorf("The field %s of %s cannot be put into a mail.", name, rs.Model.Label)
		}
		v, err := rs.Browse(rs.ID()).Value(name)
		if err != nil {
			return "", false, err
		}
		if f.Relational() {
			var ids []int64
			switch x := v.(type) {
			case int64:
				ids = []int64{x}
			case []int64:
				ids = x
			}
			rs = rs.Env.Model(f.Comodel).Browse(ids...)
			continue
		}
		if i < len(path)-1 {
			return "", false, orm.UserErrorf("The mail template goes on after %s of %s, which is no relation.", name, rs.Model.Label)
		}
		return display(f, v), f.Kind == orm.HTML, nil
	}
	if rs.Len() == 0 {
		return "", false, nil
	}
	names, err := rs.DisplayNames()
	parts := make([]string, rs.Len())
	for i, id := range rs.IDs {
		parts[i] = names[id]
	}
	return strings.Join(parts, ", "), false, err
}

func display(f *orm.Field, v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case bool:
		if x {
			return "Yes"
		}
		return ""
	case string:
		if f.Kind == orm.Selection {
			return f.OptionLabel(x)
		}
		return x
	default:
		return fmt.Sprint(x)
	}
}

// idsIn are the numbers in a list like "3, 4".
func idsIn(list string) []int64 {
	var out []int64
	for _, part := range strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '[' || r == ']' }) {
		if id, err := strconv.ParseInt(part, 10, 64); err == nil && id > 0 {
			out = append(out, id)
		}
	}
	return out
}
