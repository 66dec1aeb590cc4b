package schema

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
)

// What follows finds the rows that keep a constraint from being added, for the
// people who have to correct them.

// shownRows is how many of them an error names.
const shownRows = 10

var exclusion = regexp.MustCompile(`(?is)^EXCLUDE\s+(?:USING\s+\w+\s*)?\((.*?)\)\s*(?:WHERE\s*\((.*)\))?\s*$`)

// breakers tells which rows break a constraint of a table; "" when it cannot
// be told.
func (s *syncer) breakers(t Table, c Constraint) (string, error) {
	var rows []string
	var err error
	switch def := strings.TrimSpace(c.Definition); {
	case strings.HasPrefix(def, "UNIQUE ("):
		rows, err = s.doubles(t.Name, splitTop(strings.TrimSuffix(strings.TrimPrefix(def, "UNIQUE ("), ")")))
	case strings.HasPrefix(def, "CHECK ("):
		rows, err = s.look(fmt.Sprintf("SELECT t.id::text FROM %s t WHERE NOT %s ORDER BY t.id LIMIT %d", quote(t.Name), strings.TrimPrefix(def, "CHECK "), shownRows+1))
	default:
		if p := exclusion.FindStringSubmatch(def); p != nil {
			rows, err = s.overlaps(t.Name, splitTop(p[1]), p[2])
		}
	}
	if err != nil || len(rows) == 0 {
		return "", err
	}
	more := ""
	if len(rows) > shownRows {
		rows, more = rows[:shownRows], " and more"
	}
	message := ""
	if c.Message != "" {
		message = fmt.Sprintf(" (“%s”)", c.Message)
	}
	return fmt.Sprintf("%s: constraint %s%s, %s, is broken by records that are there: id %s%s. Correct them, or let a migration of addon %s do it",
		t.Title, c.Name, message, c.Definition, strings.Join(rows, "; "), more, t.Addon), nil
}

// dangling tells which rows point at a row that is not there.
func (s *syncer) dangling(table string, k ForeignKey) (string, error) {
	by := "id"
	if _, ok := s.cat.columns[table]["id"]; !ok {
		by = "ctid"
	}
	rows, err := s.look(fmt.Sprintf("SELECT %[1]s::text || ' → ' || %[2]s FROM %[3]s t WHERE %[2]s IS NOT NULL AND NOT EXISTS (SELECT FROM %[4]s o WHERE o.id = t.%[2]s) ORDER BY t.%[1]s LIMIT %[5]d",
		by, quote(k.Column), quote(table), quote(k.Table), shownRows+1))
	if err != nil || len(rows) == 0 {
		return "", err
	}
	more := ""
	if len(rows) > shownRows {
		rows, more = rows[:shownRows], " and more"
	}
	return fmt.Sprintf("%s.%s must refer to rows of %s, but these rows refer to none: %s %s%s. Correct them, or let a migration do it",
		table, k.Column, k.Table, by, strings.Join(rows, "; "), more), nil
}

// doubles finds groups of rows with the same values; NULLs are never the same.
func (s *syncer) doubles(table string, cols []string) ([]string, error) {
	var known, shown []string
	for _, c := range cols {
		known = append(known, "("+c+") IS NOT NULL")
		shown = append(shown, "("+c+")::text")
	}
	return s.look(fmt.Sprintf("SELECT string_agg(id::text, ', ' ORDER BY id) || ' (' || concat_ws(', ', %s) || ')' FROM %s WHERE %s GROUP BY %s HAVING count(*) > 1 ORDER BY min(id) LIMIT %d",
		strings.Join(shown, ", "), quote(table), strings.Join(known, " AND "), strings.Join(cols, ", "), shownRows+1))
}

// overlaps finds pairs of rows that an exclusion constraint forbids.
func (s *syncer) overlaps(table string, elements []string, where string) ([]string, error) {
	cols, on := []string{"id"}, []string{"x.id < y.id"}
	for i, e := range elements {
		j := strings.LastIndex(strings.ToUpper(e), " WITH ")
		if j < 0 {
			return nil, nil
		}
		cols = append(cols, fmt.Sprintf("(%s) AS e%d", e[:j], i))
		on = append(on, fmt.Sprintf("x.e%d %s y.e%[1]d", i, strings.TrimSpace(e[j+len(" WITH "):])))
	}
	from := "SELECT " + strings.Join(cols, ", ") + " FROM " + quote(table)
	if where != "" {
		from += " WHERE " + where
	}
	return s.look(fmt.Sprintf("SELECT x.id || ' and ' || y.id FROM (%s) x JOIN (%[1]s) y ON %s ORDER BY x.id, y.id LIMIT %d", from, strings.Join(on, " AND "), shownRows+1))
}

// look runs a query that may not make sense, for a column of texts.
func (s *syncer) look(sql string) (out []string, err error) {
	if err := s.exec("SAVEPOINT look"); err != nil {
		return nil, err
	}
	var text string
	err = s.each(sql, []any{&text}, func() { out = append(out, text) })
	end := "RELEASE SAVEPOINT look"
	if err != nil {
		end = "ROLLBACK TO SAVEPOINT look; " + end
	}
	return out, cmp.Or(err, s.exec(end))
}

// splitTop splits a list at the commas that stand in no parentheses or quotes.
func splitTop(list string) []string {
	var out []string
	depth, from := 0, 0
	quoted := rune(0)
	for i, c := range list {
		switch {
		case quoted != 0:
			if c == quoted {
				quoted = 0
			}
		case c == '\'' || c == '"':
			quoted = c
		case c == '(' || c == '[':
			depth++
		case c == ')' || c == ']':
			depth--
		case c == ',' && depth == 0:
			out = append(out, strings.TrimSpace(list[from:i]))
			from = i + 1
		}
	}
	return append(out, strings.TrimSpace(list[from:]))
}
