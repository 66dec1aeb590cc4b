package report

// Column is a column of a table. Share is its part of the width, relative to
// those of the others.
type Column struct {
	Header string
	Share  float64
	Right  bool // numbers stand on the right
}

// Row is a row of a table. A row with Heading or Note has one cell, over the
// whole width.
type Row struct {
	Cells   []string
	Heading bool
	Note    bool
}

// table is a table being written.
type table struct {
	*Document
	columns []Column
	widths  []float64
	width   float64
}

// Table writes a table. Its header is repeated on every page; a row stays on
// one page unless it is longer than a page.
func (d *Document) Table(columns []Column, rows []Row) {
	t := &table{Document: d, columns: columns, widths: make([]float64, len(columns))}
	t.width, _ = d.area()
	sum := 0.0
	for _, c := range columns {
		sum += c.Share
	}
	for i, c := range columns {
		t.widths[i] = t.width * c.Share / sum
	}
	d.room(20)
	t.header()
	for _, r := range rows {
		t.row(r)
	}
	d.pdf.SetXY(margin, d.pdf.GetY()+4)
}

func (t *table) header() {
	t.font("B", noteSize+0.5)
	t.pdf.SetFillColor(236, 236, 236)
	cells := make([][]string, len(t.columns))
	high := 1
	for i, c := range t.columns {
		cells[i] = t.wrap(c.Header, t.widths[i]-2)
		high = max(high, len(cells[i]))
	}
	top := t.pdf.GetY()
	t.pdf.Rect(margin, top, t.width, float64(high)*lineMM+2, "F")
	t.cells(t.columns, t.widths, cells, 0, high, top+1)
	t.pdf.SetXY(margin, top+float64(high)*lineMM+2.5)
}

// row writes a row, over several pages if it must.
func (t *table) row(r Row) {
	columns, widths := t.columns, t.widths
	style := func() { t.font("", textSize) }
	below := 0.0 // a heading stays with what it is for
	switch {
	case r.Heading:
		style = func() { t.font("B", textSize) }
		below = 2 * lineMM
	case r.Note:
		style = func() { t.font("", noteSize); t.grey(80) }
	}
	if r.Heading || r.Note {
		columns, widths = []Column{{Share: 1}}, []float64{t.width}
	}
	style()
	cells := make([][]string, len(columns))
	high := 1
	for i := range columns {
		if i < len(r.Cells) {
			cells[i] = t.wrap(r.Cells[i], widths[i]-2)
		}
		high = max(high, len(cells[i]))
	}
	_, area := t.area()
	most := int((area - 20) / lineMM) // lines of a page below a table header
	for from := 0; from < high; from += most {
		n := min(most, high-from)
		if t.room(float64(n)*lineMM + 1.4 + below) {
			t.grey(0)
			t.header()
			style()
		}
		top := t.pdf.GetY()
		t.cells(columns, widths, cells, from, n, top+0.5)
		end := top + float64(n)*lineMM + 1.2
		t.rule(margin, end, t.width)
		t.pdf.SetXY(margin, end+0.2)
	}
	t.grey(0)
}

func (d *Document) rule(x, y, width float64) {
	d.pdf.SetDrawColor(215, 215, 215)
	d.pdf.SetLineWidth(0.1)
	d.pdf.Line(x, y, x+width, y)
}

// cells writes some lines of the cells of a row.
func (d *Document) cells(columns []Column, widths []float64, cells [][]string, from, n int, top float64) {
	x := margin
	for i, c := range columns {
		align := "L"
		if c.Right {
			align = "R"
		}
		for k := from; k < min(from+n, len(cells[i])); k++ {
			d.pdf.SetXY(x+1, top+float64(k-from)*lineMM)
			d.pdf.CellFormat(widths[i]-2, lineMM, cells[i][k], "", 0, align, false, 0, "")
		}
		x += widths[i]
	}
}

// Total is a line of the sums below a table.
type Total struct {
	Label, Amount string
	Strong        bool
}

// Totals writes sums at the right, together on one page.
func (d *Document) Totals(totals []Total) {
	w, _ := d.area()
	label, amount := w*0.28, w*0.2
	d.room(float64(len(totals))*(lineMM+1.2) + 4)
	for _, t := range totals {
		style := ""
		if t.Strong {
			style = "B"
		}
		d.font(style, textSize)
		top := d.pdf.GetY()
		d.pdf.SetXY(margin+w-label-amount, top+0.4)
		d.pdf.CellFormat(label, lineMM, d.fit(clean(t.Label), label), "", 0, "L", false, 0, "")
		d.pdf.CellFormat(amount-1, lineMM, d.fit(clean(t.Amount), amount), "", 0, "R", false, 0, "")
		d.rule(margin+w-label-amount, top+lineMM+1, label+amount)
		d.pdf.SetXY(margin, top+lineMM+1.2)
	}
	d.pdf.SetXY(margin, d.pdf.GetY()+4)
}
