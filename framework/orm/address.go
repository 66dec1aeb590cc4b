package orm

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// addresses checks the fields that secrets name as where they are sent to, and
// notes which secrets go with an address.
func (b *builder) addresses(m *Model) {
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		if len(f.SentTo) > 0 && f.Kind != SecretKind {
			b.errorf("addon %s: %s: only a secret has sent_to", f.Addon, f.Origin)
			continue
		}
		for _, to := range f.SentTo {
			if a := m.Fields[to]; a == nil {
				b.errorf("addon %s: %s: sent_to names unknown field %q%s", f.Addon, f.Origin, to, expr.DidYouMean(to, m.FieldNames()))
			} else if !a.column() {
				b.errorf("addon %s: %s: sent_to names %s, which is no column", f.Addon, f.Origin, to)
			} else {
				m.secretsTo = append(m.secretsTo, f)
			}
		}
	}
	m.secretsTo = slices.Compact(m.secretsTo)
}

// secretsMoved finds the records whose secrets would be sent to another address
// after a write, and the secrets they then lose: those that are not given anew.
// Who changes the address must have the right to each secret, for with a new
// address he learns it.
func (rs Records) secretsMoved(in *intake) (forgotten map[*Field]any, moved []int64, err error) {
	for _, secret := range rs.Model.secretsTo {
		var to []*Field
		for _, name := range secret.SentTo {
			if f := rs.Model.Fields[name]; has(in.columns, f) {
				to = append(to, f)
			}
		}
		if len(to) == 0 || len(rs.IDs) == 0 {
			continue
		}
		rows, err := rs.In(rs.Env.Sudo()).values(to)
		if err != nil {
			return nil, nil, err
		}
		var elsewhere []int64
		for i, id := range rows.ids {
			if slices.ContainsFunc(to, func(f *Field) bool { return !sameAddress(rows.vals[f.Name][i], in.columns[f]) }) {
				elsewhere = append(elsewhere, id)
			}
		}
		if len(elsewhere) == 0 {
			continue
		}
		allowed, err := rs.Env.FieldAllowed(secret)
		if err != nil {
			return nil, nil, err
		}
		if !allowed {
			return nil, nil, &Error{Code: CodeAccess, Fields: []string{to[0].Name}, Message: fmt.Sprintf(
				"%s (%s) says where the secrets of %s (%s) are sent. Only who may read those may change it.", to[0].Label, to[0].Name, rs.Model.Label, rs.Model.Name)}
		}
		if !has(in.columns, secret) {
			if forgotten == nil {
				forgotten = map[*Field]any{}
			}
			forgotten[secret] = nil
		}
		moved = append(moved, elsewhere...)
	}
	slices.Sort(moved)
	return forgotten, slices.Compact(moved), nil
}

func has(m map[*Field]any, f *Field) bool {
	_, ok := m[f]
	return ok
}

// sameAddress reports whether two values of an address lead to the same place.
// Of a web address scheme, host, port and path count, whatever their spelling.
func sameAddress(a, b any) bool {
	x, xok := a.(string)
	y, yok := b.(string)
	if !xok || !yok {
		return fmt.Sprint(orEmpty(a)) == fmt.Sprint(orEmpty(b))
	}
	return strings.EqualFold(strings.TrimSpace(x), strings.TrimSpace(y)) && !strings.Contains(x, "/") || place(x) == place(y)
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// place is a web address without what does not change where it leads; any other
// text is its own place.
func place(s string) string {
	s = strings.TrimSpace(s)
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return s
	}
	scheme, port := strings.ToLower(u.Scheme), u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[scheme]
	}
	return scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port + strings.TrimRight(u.EscapedPath(), "/")
}
