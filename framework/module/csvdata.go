package module

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
)

// column is one column of a CSV header: a path of fields and how the last one
// is named ("id": external ids, ".id": database ids, "": value or name).
type column struct {
	path []string
	how  string
}

// parseCSV reads a file named after its model, as ir.model.access.csv. A row
// whose own columns are all empty continues the record above it with another
// line of its one2many fields.
func (f *dataFile) parseCSV(src []byte) error {
	at := place{addon: f.addon, file: f.path, line: 1}
	model := strings.TrimSuffix(path.Base(f.path), path.Ext(f.path))
	model, _, _ = strings.Cut(model, "-")
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))))
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return csvError(at, err)
	}
	cols := make([]column, len(head))
	idCol := -1
	var errs []error
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
			idCol = i
		}
		parts := strings.Split(strings.ReplaceAll(h, ":", "/"), "/")
		c := column{path: parts}
		if last := parts[len(parts)-1]; len(parts) > 1 && (last == "id" || last == ".id") {
			c.path, c.how = parts[:len(parts)-1], last
		}
		cols[i] = c
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	var cur *record
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			errs = append(errs, csvError(at, err))
			break
		}
		line, _ := r.FieldPos(0)
		if len(row) == 1 && strings.TrimSpace(row[0]) == "" {
			continue
		}
		if len(row) != len(cols) {
			errs = append(errs, place{addon: f.addon, file: f.path, line: line}.errorf("%d cells in a row, the header has %d", len(row), len(cols)))
			continue
		}
		own := false
		for i, c := range cols {
			if row[i] != "" && (i == idCol || len(c.path) == 1) {
				own = true
			}
		}
		if own || cur == nil {
			cur = &record{place: place{addon: f.addon, file: f.path, line: line}, model: model, forcecreate: true, noupdate: f.demo}
			if idCol >= 0 {
				cur.id = qualify(strings.TrimSpace(row[idCol]), f.addon)
				cur.place.record = cur.id
			}
			f.ops = append(f.ops, cur)
			for i, c := range cols {
				if i != idCol && len(c.path) == 1 {
					cur.fields = append(cur.fields, cell(c, c.path[0], row[i], line, f.addon))
				}
			}
		}
		cur.addLine(cols, idCol, row, line, f.addon)
	}
	return errors.Join(errs...)
}

func cell(c column, name, text string, line int, addon string) fieldValue {
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

// addLine collects the cells of a row that belong to lines of one2many fields.
func (r *record) addLine(cols []column, idCol int, row []string, line int, addon string) {
	lines := map[string][]fieldValue{}
	var order []string
	for i, c := range cols {
		if i == idCol || len(c.path) < 2 || row[i] == "" {
			continue
		}
		if lines[c.path[0]] == nil {
			order = append(order, c.path[0])
		}
		lines[c.path[0]] = append(lines[c.path[0]], cell(column{how: c.how}, strings.Join(c.path[1:], "/"), row[i], line, addon))
	}
	for _, name := range order {
		i := slices.IndexFunc(r.fields, func(v fieldValue) bool { return v.name == name && v.kind == asLines })
		if i < 0 {
			r.fields = append(r.fields, fieldValue{name: name, line: line, kind: asLines})
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
