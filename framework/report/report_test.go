package report_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"
	"time"

	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/report"
	"fusionsoft.ca/fusion/framework/report/reporttest"
)

func options() report.Options {
	return report.Options{Title: "Invoice 1", Author: "Fusion", Created: time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC)}
}

func logo(t *testing.T, w, h int) []byte {
	t.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for x := range w {
		for y := range h {
			img.Set(x, y, color.NRGBA{uint8(x), uint8(y), 120, uint8(255 - x%200)})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sample is a document that uses everything.
func sample(t *testing.T) *report.Document {
	d := report.New(options())
	head := report.Letterhead{Logo: logo(t, 180, 60), Name: "Société Générale d'Exemples", Lines: []string{"Œuvre 7 – 1000 Bruxelles", "Ελλάδα / Россия / Türkiye / Łódź"}, Footer: []string{"VAT BE0477472701"}}
	d.Part(head)
	d.Blocks(report.Block{Caption: "Invoice to", Lines: []string{"Azure Interior", "4557 De Silva St", "Fremont CA 94538"}}, report.Block{Caption: "Nothing"}, report.Block{Caption: "Date", Lines: []string{"2026-03-15"}})
	d.Title("Invoice INV/2026/00001")
	columns := []report.Column{{Header: "Description", Share: 5}, {Header: "Quantity", Share: 1.4, Right: true}, {Header: "Amount", Share: 1.6, Right: true}}
	rows := []report.Row{{Cells: []string{"Goods"}, Heading: true}}
	for i := range 70 {
		rows = append(rows, report.Row{Cells: []string{fmt.Sprintf("Article %d with a description that is long enough to be written over at least two lines of the table", i+1), "1", fmt.Sprintf("%d.00", 10*i)}})
	}
	rows = append(rows, report.Row{Cells: []string{"Handle with care"}, Note: true})
	d.Table(columns, rows)
	d.Totals([]report.Total{{Label: "Untaxed amount", Amount: "$ 100.00"}, {Label: "Total", Amount: "$ 115.00", Strong: true}})
	d.Text(report.Plain("<p>Terms &amp; conditions</p><ul><li>One</li><li>Two</li></ul>"))
	d.Part(report.Letterhead{Name: "Second"})
	d.Title("Invoice INV/2026/00002")
	return d
}

func content(t *testing.T, d *report.Document) []byte {
	t.Helper()
	b, err := d.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestSample(t *testing.T) {
	t.Parallel()
	first, second := content(t, sample(t)), content(t, sample(t))
	if !bytes.Equal(first, second) {
		t.Error("equal documents have different bytes")
	}
	if !bytes.HasPrefix(first, []byte("%PDF-1.")) || len(first) > 120_000 {
		t.Errorf("%d bytes beginning with %q", len(first), first[:8])
	}
	text, err := reporttest.Text(first)
	if err != nil {
		t.Fatal(err)
	}
	ormtest.Golden(t, "sample.txt", text)
}

// Nothing a person can type makes a document fail.
func TestAnyText(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"emoji":            "Chair 🪑 deluxe 👩‍👩‍👧 ❤️",
		"beyond one plane": "𝒳 \U0010ffff \U00020000",
		"bytes":            "a\xff\xfe\x80b\x00c\x7f",
		"control":          "a\tb\r\nc\u200bd\u00ade\ufeff",
		"parentheses":      `a(b)c\d)(`,
		"one long word":    strings.Repeat("Donaudampfschifffahrt", 40),
		"spaces":           "   ",
		"empty":            "",
		"east asia":        "株式会社 서울 北京",
		"arabic":           "مرحبا שלום",
		"aliases":          "{p1} {nb} {p2}",
		"surrogates":       "\xed\xa0\xbd\xed\xb1\x8d",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := report.New(report.Options{Title: text, Author: text, Created: time.Unix(0, 0)})
			d.Part(report.Letterhead{Logo: []byte(text), Name: text, Lines: []string{text}, Footer: []string{text}})
			d.Title(text)
			d.Blocks(report.Block{Caption: text, Lines: []string{text, text}})
			d.Table([]report.Column{{Header: text, Share: 1}, {Header: "n", Share: 0.05, Right: true}}, []report.Row{{Cells: []string{text, text}}, {Cells: []string{text}, Heading: true}, {}})
			d.Totals([]report.Total{{Label: text, Amount: text}})
			d.Text(text)
			content(t, d)
		})
	}
}

func TestLongRowsAndPages(t *testing.T) {
	t.Parallel()
	d := report.New(options())
	d.Part(report.Letterhead{Name: "A"})
	long := strings.TrimSpace(strings.Repeat("line\n", 300))
	d.Table([]report.Column{{Header: "Text", Share: 3}, {Header: "No.", Share: 1, Right: true}}, []report.Row{{Cells: []string{long, "1"}}, {Cells: []string{"after", "2"}}})
	text, err := reporttest.Text(content(t, d))
	if err != nil {
		t.Fatal(err)
	}
	pages := strings.Split(text, "\n----------------\n")
	if n := strings.Count(text, "line"); n != 300 || len(pages) < 6 {
		t.Errorf("%d of 300 lines on %d pages", n, len(pages))
	}
	for i, p := range pages {
		if !strings.HasSuffix(p, fmt.Sprintf("%d / %d", i+1, len(pages))) || !strings.Contains(p, "Text | No.") {
			t.Errorf("page %d lacks its number or the table's header:\n%s", i+1, p)
		}
	}
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	for says, make := range map[string]func() *report.Document{
		"Created is not set": func() *report.Document { d := report.New(report.Options{}); d.Part(report.Letterhead{}); return d },
		"has no page":        func() *report.Document { return report.New(options()) },
	} {
		if _, err := make().Bytes(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("got %v, want an error that says %q", err, says)
		}
	}
}

func TestPlain(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                                   "",
		"<p>a <b>b</b></p><p>c<br>d</p>":     "a b\nc\nd",
		"x &amp; y &lt;z&gt;":                "x & y <z>",
		"<ul><li>1</li>\n <li> 2 </li></ul>": "1\n2",
		"<p>a\n   b</p>":                     "a b",
	} {
		if got := report.Plain(in); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func BenchmarkInvoice(b *testing.B) {
	for b.Loop() {
		d := report.New(options())
		d.Part(report.Letterhead{Name: "A"})
		d.Title("Invoice")
		rows := make([]report.Row, 30)
		for i := range rows {
			rows[i] = report.Row{Cells: []string{"Article", "1", "10.00"}}
		}
		d.Table([]report.Column{{Header: "a", Share: 3}, {Header: "b", Share: 1}, {Header: "c", Share: 1}}, rows)
		if _, err := d.Bytes(); err != nil {
			b.Fatal(err)
		}
	}
}
