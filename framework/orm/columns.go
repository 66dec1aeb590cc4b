package orm

import (
	"regexp"
	"slices"
	"strings"
)

// checkSQL refuses constraints over columns that the model does not have. An
// abstract model has no table; each model that takes its fields is judged.
func (b *builder) checkSQL(m *Model) {
	if m.Abstract {
		return
	}
	for _, s := range m.SQL {
		for _, name := range columnsIn(s.Definition) {
			f := m.Fields[name]
			switch {
			case f == nil:
				b.unknown(m, name, "addon %s: constraint %s names", s.addon, s.Name)
			case !f.column() && !b.wrong[f]:
				b.errorf("addon %s: constraint %s names %s.%s, which is no column", s.addon, s.Name, m.Name, name)
			}
		}
	}
}

var sqlToken = regexp.MustCompile(`(?s)--[^\n]*|/\*.*?\*/|[eE]?'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")+"|[\pL_][\pL\pN_$]*|[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?|::|\s+|.`)

// sqlWords are words of SQL expressions and constraints that name no column
// unless they stand in quotes.
var sqlWords = strings.Fields(`all and any array as asc at between both by case cast check collate cross current_catalog current_date
	current_role current_schema current_time current_timestamp current_user deferrable deferred desc distinct else end escape exclude
	false first from ilike immediate in include initially interval is isnull last leading like localtime localtimestamp not notnull
	nulls null only operator or overlaps row session_user similar some symmetric then time timestamp to trailing true unique unknown user using
	when where with zone`)

// columnsIn lists the columns that the definition of a constraint names: the
// words that are no words of SQL, functions, types or access methods. It may
// miss a column in rare constructs and must not take anything else for one.
func columnsIn(definition string) []string {
	var words []string // without blanks and comments
	for _, w := range sqlToken.FindAllString(definition, -1) {
		if strings.TrimSpace(w) != "" && !strings.HasPrefix(w, "--") && !strings.HasPrefix(w, "/*") {
			words = append(words, w)
		}
	}
	at := func(i int) string {
		if i < 0 || i >= len(words) {
			return ""
		}
		return strings.ToLower(words[i])
	}
	named := func(i int) bool { // a name or a word
		w := at(i)
		return w != "" && (w[0] == '"' || w[0] == '_' || w[0] >= 'a' && w[0] <= 'z' || w[0] >= 0x80) && !strings.HasSuffix(w, "'")
	}
	keyword := func(i int) bool { return slices.Contains(sqlWords, at(i)) }
	var columns []string
	for i := range words {
		before, after := at(i-1), at(i+1)
		switch {
		case !named(i) || keyword(i):
		case after == "(" || after == "." || before == ".": // a function, or the parts of a qualified name
		case strings.HasSuffix(after, "'"): // the type of a literal: date '2020-01-01'
		case before == "::" || before == "as" || before == "collate" || before == "using": // a type, a collation, an access method
		case named(i-1) && !keyword(i-1) || before == ")": // an operator class, or more of a type's name
		case after == "from" && before == "(": // the unit in extract(year from …)
		default:
			name := at(i)
			if name[0] == '"' {
				name = strings.ReplaceAll(words[i][1:len(words[i])-1], `""`, `"`)
			}
			if !slices.Contains(columns, name) {
				columns = append(columns, name)
			}
		}
	}
	return columns
}
