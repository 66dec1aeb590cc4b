package module

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// column is one column of a CSV header: a path of fields and how the last one
// is named ("id": external ids, ".id": database ids, "": value or name).
type column struct {
	path   []string
	how    string
	lineID bool // external id of a line of a one2many
	skip   bool
}

// parseCSV reads a file named after its model, as ir.model.access.csv. A row
// whose own columns are all empty continues the record above it with another
// line of its one2many fields.
func (f *dataFile) parseCSV(src []byte) error {
	at := place{addon: f.addon, file: f.path, line: 1}
	if !utf8.Valid(src) {
		return notUTF8(at, src)
	}
	t := &csvTable{f: f, idCol: -1, model: strings.TrimSuffix(path.Base(f.path), path.Ext(f.path))}
	t.model, _, _ = strings.Cut(t.model, "-")
	src = bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	r := csv.NewReader(bytes.NewReader(src))
	r.FieldsPerRecord, r.LazyQuotes = -1, true // as Python reads them
	if first, _, _ := bytes.Cut(src, []byte("\n")); bytes.ContainsRune(first, ';') && !bytes.ContainsRune(first, ',') {
		r.Comma = ';' // as spreadsheets of half the world write it
	}
	head, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return csvError(at, err)
	}
	if err := t.header(at, head); err != nil {
		return err
	}
	var errs []error
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			errs = append(errs, csvError(at, err))
			break
		}
		at.line, _ = r.FieldPos(0)
		if !slices.ContainsFunc(row, func(cell string) bool { return strings.TrimSpace(cell) != "" }) {
			continue
		}
		if len(row) != len(t.cols) {
			errs = append(errs, at.errorf("%d cells in a row, the header has %d", len(row), len(t.cols)))
			continue
		}
		if err := t.row(at, row); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func notUTF8(at place, src []byte) error {
	for i, line := range bytes.Split(src, []byte("\n")) {
		if !utf8.Valid(line) {
			at.line = i + 1
			break
		}
	}
	return at.errorf("the line is not text in UTF-8; save the file in that encoding")
}

// csvTable is a CSV file being read.
type csvTable struct {
	f     *dataFile
	model string
	cols  []column
	idCol int
	named map[string]bool // one2many fields whose lines have external ids
	cur   *record
}

func (t *csvTable) header(at place, head []string) error {
	t.cols, t.named = make([]column, len(head)), map[string]bool{}
	var errs []error
	alone := map[string]bool{}
	for i, h := range head {
		h = strings.TrimSpace(h)
		if h == "" {
			errs = append(errs, at.errorf("column %d has no name", i+1))
			continue
		}
		if slices.Contains(head[:i], head[i]) {
			errs = append(errs, at.errorf("column %q stands twice", h))
		}
		if h == "id" {
			t.idCol = i
		}
		parts := strings.Split(strings.ReplaceAll(h, ":", "/"), "/")
		c := column{path: parts, skip: strings.Contains(h, "@")} // translations, which the language's own files bring
		if last := parts[len(parts)-1]; len(parts) > 1 && (last == "id" || last == ".id") {
			c.path, c.how = parts[:len(parts)-1], last
		}
		if len(parts) == 2 && c.how != "" {
			alone[parts[0]] = c.how == "id"
		}
		t.cols[i] = c
	}
	for _, c := range t.cols {
		if len(c.path) > 1 && alone[c.path[0]] {
			t.named[c.path[0]] = true
		}
	}
	for i, c := range t.cols {
		if len(c.path) == 1 && c.how == "id" && t.named[c.path[0]] {
			t.cols[i] = column{path: []string{c.path[0], "id"}, lineID: true}
		}
	}
	return errors.Join(errs...)
}

// row reads a row: a record, another line of the one above, or both.
func (t *csvTable) row(at place, row []string) error {
	own := false
	for i, c := range t.cols {
		if row[i] != "" && (i == t.idCol || len(c.path) == 1) {
			own = true
		}
	}
	if own || t.cur == nil {
		t.cur = &record{place: at, model: t.model, forcecreate: true, scope: scope{noupdate: t.f.demo}}
		if t.idCol >= 0 {
			t.cur.id = qualify(strings.TrimSpace(row[t.idCol]), t.f.addon)
			t.cur.place.record = t.cur.id
		}
		t.f.ops = append(t.f.ops, t.cur)
		for i, c := range t.cols {
			switch {
			case i == t.idCol || len(c.path) != 1 || c.skip:
			case c.path[0] == ".id":
				if strings.TrimSpace(row[i]) == "" {
					continue
				}
				n, err := strconv.ParseInt(strings.TrimSpace(row[i]), 10, 64)
				if err != nil || n <= 0 {
					return at.errorf("column .id: %q is no database id", row[i])
				}
				t.cur.dbID = n
			default:
				t.cur.fields = append(t.cur.fields, cell(c, c.path[0], row[i], at.line))
			}
		}
	}
	t.lines(at, row)
	return nil
}

func cell(c column, name, text string, line int) fieldValue {
	v := fieldValue{name: name, line: line, text: text}
	switch c.how {
	case "id":
		v.kind = asRefs
	case ".id":
		v.kind = asDBIDs
	default:
		v.kind = asCSV
	}
	return v
}

// lines collects the cells of a row that belong to lines of one2many fields.
// Lines with external ids become records of their own.
func (t *csvTable) lines(at place, row []string) {
	lines := map[string][]fieldValue{}
	ids := map[string]string{}
	var order []string
	for i, c := range t.cols {
		if i == t.idCol || len(c.path) < 2 || c.skip || row[i] == "" {
			continue
		}
		field := c.path[0]
		if lines[field] == nil && !slices.Contains(order, field) {
			order = append(order, field)
		}
		if c.lineID {
			ids[field] = qualify(strings.TrimSpace(row[i]), t.f.addon)
			continue
		}
		lines[field] = append(lines[field], cell(column{how: c.how}, strings.Join(c.path[1:], "/"), row[i], at.line))
	}
	r := t.cur
	for _, name := range order {
		if t.named[name] {
			line := &record{place: at, scope: r.scope, id: ids[name], forcecreate: true, parent: r, inverse: name, fields: lines[name]}
			line.place.record = line.id
			t.f.ops = append(t.f.ops, line)
			continue
		}
		i := slices.IndexFunc(r.fields, func(v fieldValue) bool { return v.name == name && v.kind == asLines })
		if i < 0 {
			r.fields = append(r.fields, fieldValue{name: name, line: at.line, kind: asLines})
			i = len(r.fields) - 1
		}
		r.fields[i].lines = append(r.fields[i].lines, lines[name])
	}
}

func csvError(at place, err error) error {
	var pe *csv.ParseError
	if errors.As(err, &pe) {
		at.line = pe.Line
		return at.errorf("not well-formed CSV: %v", pe.Err)
	}
	return at.errorf("cannot be read: %v", err)
}
