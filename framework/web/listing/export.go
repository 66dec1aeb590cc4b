package listing

import (
	"bytes"
	"encoding/csv"

	"fusionsoft.ca/fusion/framework/importexport"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/web/render"
)

// CSV writes the shown columns of records, as text people read.
func (l *List) CSV(ids []int64) ([]byte, error) {
	ok, err := l.Env().InAnyGroup("base.group_allow_export")
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, orm.AccessErrorf("You may not export records. An administrator can grant the right “Access to export feature”.")
	}
	out := &render.ListView{}
	l.columns(out)
	recs, err := l.Read(l.Records.Browse(ids...), l.View, "display_name")
	if err != nil {
		return nil, err
	}
	if err := l.Names.Load(); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("\ufeff") // so that spreadsheets read UTF-8
	w := csv.NewWriter(&b)
	head := make([]string, len(out.Columns))
	for i, c := range out.Columns {
		head[i] = importexport.PlainCell(c.Label)
	}
	if err := w.Write(head); err != nil {
		return nil, err
	}
	for _, r := range recs {
		line := make([]string, len(l.nodes))
		for i, n := range l.nodes {
			line[i] = importexport.PlainCell(l.Builder.ExportCell(l.Fields[n.Name()], r))
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
