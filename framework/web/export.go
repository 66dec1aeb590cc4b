package web

import (
	"bytes"
	"encoding/csv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// csv writes the shown columns of records, as text people read.
func (l *listing) csv(ids []int64) ([]byte, error) {
	ok, err := l.env.InAnyGroup("base.group_allow_export")
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, orm.AccessErrorf("You may not export records. An administrator can grant the right “Access to export feature”.")
	}
	out := &listView{}
	l.columns(out)
	recs, err := l.read(l.rs.Browse(ids...), l.view, "display_name")
	if err != nil {
		return nil, err
	}
	if err := l.names.load(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("\ufeff") // so that spreadsheets read UTF-8
	w := csv.NewWriter(&b)
	head := make([]string, len(out.Columns))
	for i, c := range out.Columns {
		head[i] = orm.PlainCell(c.Label)
	}
	if err := w.Write(head); err != nil {
		return nil, err
	}
	for _, r := range recs {
		line := make([]string, len(l.nodes))
		for i, n := range l.nodes {
			line[i] = orm.PlainCell(l.b.exportCell(l.fields[n.Name()], r))
		}
		if err := w.Write(line); err != nil {
			return nil, err
		}
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// exportCell is a value for a spreadsheet: plain numbers, ISO dates, names.
func (b *builder) exportCell(f fieldInfo, r *record) string {
	v := r.vals[f.Name]
	switch f.Kind {
	case orm.Many2one:
		return b.names.of(f.Comodel, toID(v))
	case orm.Many2many, orm.One2many:
		ids, _ := v.([]int64)
		parts := make([]string, len(ids))
		for i, id := range ids {
			parts[i] = b.names.of(f.Comodel, id)
		}
		return strings.Join(parts, ", ")
	case orm.Integer, orm.Float, orm.Monetary:
		if v == nil {
			return "0"
		}
		return b.loc.digits(f.Field, v, r.currency(f.Field))
	case orm.DateKind:
		d, _ := v.(orm.Date)
		return d.String()
	case orm.DatetimeKind:
		d, ok := v.(orm.Datetime)
		if !ok || d.IsZero() {
			return ""
		}
		return d.Time().In(b.loc.zone).Format("2006-01-02 15:04:05")
	case orm.BinaryKind:
		return ""
	}
	return b.loc.text(f.Field, v, 0)
}
