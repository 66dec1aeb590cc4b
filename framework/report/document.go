package report

import (
	"bytes"
	"fmt"
	"image/png"
	"strings"
	"time"

	"github.com/go-fonts/dejavu/dejavusanscondensed"
	"github.com/go-fonts/dejavu/dejavusanscondensedbold"
	"github.com/jung-kurt/gofpdf"

	"fusionsoft.ca/fusion/framework/picture"
)

// Measures of a page, in millimetres and points.
const (
	margin   = 15.0
	bottom   = 24.0 // kept free for the footer
	textSize = 9.0
	noteSize = 7.5
	lineMM   = 4.4 // height of a line of text

	logoSide = 1000 // pixels that are kept of a logo's longer side
	family   = "text"
)

// Options describe a document as a file.
type Options struct {
	Title   string
	Author  string
	Created time.Time // also tells readers when the content was true; required
	Letter  bool      // US Letter instead of A4
}

// Letterhead is what stands on top of the first page of a part, and Footer at
// the bottom of each.
type Letterhead struct {
	Logo   []byte // PNG, JPEG or GIF; another kind of picture is left out
	Name   string
	Lines  []string
	Footer []string
}

// Document is a PDF being written. It belongs to one goroutine.
type Document struct {
	pdf   *gofpdf.Fpdf
	part  int // the current part, from 1
	page  int // of the part
	head  Letterhead
	logos int
	err   error
}

// New begins a document without pages; [Document.Part] adds the first.
func New(o Options) *Document {
	size := "A4"
	if o.Letter {
		size = "Letter"
	}
	d := &Document{pdf: gofpdf.New("P", "mm", size, "")}
	p := d.pdf
	p.AliasNbPages(alias("n")) // unused; it makes the font keep all digits
	p.AddUTF8FontFromBytes(family, "", dejavusanscondensed.TTF)
	p.AddUTF8FontFromBytes(family, "B", dejavusanscondensedbold.TTF)
	p.SetTitle(clean(o.Title), true)
	p.SetAuthor(clean(o.Author), true)
	p.SetProducer("Fusion", false)
	p.SetCreationDate(o.Created.UTC())
	p.SetModificationDate(o.Created.UTC())
	p.SetCatalogSort(true)
	p.SetMargins(margin, margin, margin)
	p.SetAutoPageBreak(false, bottom)
	p.SetCellMargin(0)
	p.SetFooterFunc(d.footer)
	if o.Created.IsZero() {
		d.fail(fmt.Errorf("report: Options.Created is not set"))
	}
	return d
}

func (d *Document) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// Part begins a document of its own, such as the next of several invoices: a
// new page, with a letterhead, and page numbers from 1.
func (d *Document) Part(h Letterhead) {
	d.addPage()
	if d.part > 0 {
		d.page-- // the page just begun belongs to the next part
		d.endPart()
	}
	d.part++
	d.page, d.head = 1, h
	width, _ := d.area()
	top := d.pdf.GetY()
	under := top
	if len(h.Logo) > 0 {
		under = d.logo(h.Logo, top)
	}
	d.pdf.SetXY(margin+width/2, top)
	d.font("B", 11)
	d.lines(h.Name, width/2, 5.5, "R")
	d.font("", noteSize)
	d.grey(90)
	for _, l := range h.Lines {
		d.pdf.SetX(margin + width/2)
		d.lines(l, width/2, 3.8, "R")
	}
	d.grey(0)
	d.pdf.SetXY(margin, max(under, d.pdf.GetY())+6)
}

// logo draws a picture of at most 60 by 22 mm and gives where it ends. One that
// cannot be read is left out: a document must not fail for its ornament. Pictures
// become PNGs without transparency first, which gofpdf reads reliably.
func (d *Document) logo(content []byte, top float64) float64 {
	img, _, err := picture.Decode(content)
	if err != nil {
		return top
	}
	if b := img.Bounds(); max(b.Dx(), b.Dy()) > logoSide {
		img = picture.Shrink(img, logoSide)
	}
	size := img.Bounds()
	var out bytes.Buffer
	if err := png.Encode(&out, opaque(img)); err != nil {
		d.fail(fmt.Errorf("report: the logo cannot be drawn: %w", err))
		return top
	}
	d.logos++
	name := fmt.Sprintf("logo%d", d.logos)
	d.pdf.RegisterImageOptionsReader(name, gofpdf.ImageOptions{ImageType: "PNG"}, &out)
	w, h := 60.0, 60*float64(size.Dy())/float64(size.Dx())
	if h > 22 {
		w, h = w*22/h, 22
	}
	d.pdf.ImageOptions(name, margin, top, w, h, false, gofpdf.ImageOptions{ImageType: "PNG"}, 0, "")
	return top + h
}

// area is the width and height that text may take.
func (d *Document) area() (w, h float64) {
	w, h = d.pdf.GetPageSize()
	return w - 2*margin, h - margin - bottom
}

func (d *Document) addPage() {
	d.pdf.AddPage() // writes the footer of the page before
	d.page++
	d.font("", textSize)
	d.pdf.SetXY(margin, margin)
}

// room makes sure that a height fits, on a new page if need be, and tells
// whether one was begun.
func (d *Document) room(h float64) bool {
	_, page := d.pdf.GetPageSize()
	if d.pdf.GetY()+h <= page-bottom || d.pdf.GetY() <= margin {
		return false
	}
	d.addPage()
	return true
}

func (d *Document) font(style string, size float64) { d.pdf.SetFont(family, style, size) }

func (d *Document) grey(level int) { d.pdf.SetTextColor(level, level, level) }

// alias is a text that is replaced when the document ends. Private characters
// enclose it, which texts cannot contain.
func alias(name string) string { return "\ue0f0" + name + "\ue0f1" }

// pagesOf stands for the number of pages of a part.
func pagesOf(part int) string { return alias(fmt.Sprint(part)) }

func (d *Document) endPart() { d.pdf.RegisterAlias(pagesOf(d.part), fmt.Sprint(d.page)) }

func (d *Document) footer() {
	w, _ := d.area()
	_, page := d.pdf.GetPageSize()
	d.pdf.SetDrawColor(190, 190, 190)
	d.pdf.SetLineWidth(0.2)
	d.pdf.Line(margin, page-bottom+5, margin+w, page-bottom+5)
	d.font("", 7)
	d.grey(90)
	d.pdf.SetXY(margin, page-bottom+6.5)
	for _, l := range d.head.Footer {
		d.pdf.SetX(margin)
		d.pdf.CellFormat(w, 3.4, d.fit(clean(l), w), "", 1, "C", false, 0, "")
	}
	d.pdf.SetX(margin)
	d.pdf.CellFormat(w, 3.4, fmt.Sprintf("%d / %s", d.page, pagesOf(d.part)), "", 0, "C", false, 0, "")
	d.grey(0)
}

// Bytes ends the document and gives its content.
func (d *Document) Bytes() (content []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			content, err = nil, fmt.Errorf("report: the PDF library failed: %v", r)
		}
	}()
	if d.err != nil {
		return nil, d.err
	}
	if d.part == 0 {
		return nil, fmt.Errorf("report: the document has no page")
	}
	d.endPart()
	var out bytes.Buffer
	if err := d.pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	return out.Bytes(), nil
}

// clean makes a text printable: no control or private characters but line ends,
// no characters beyond what a PDF font of this kind can number.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(strings.ToValidUTF8(s, "\ufffd"), "\r\n", "\n"), "\t", " ")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u00ad' || r == '\ufeff' || r >= 0xfe00 && r <= 0xfe0f || r >= 0x200b && r <= 0x200f || r >= 0xe000 && r <= 0xf8ff:
			return -1
		case r > 0xffff:
			return '\ufffd'
		}
		return r
	}, s)
}
