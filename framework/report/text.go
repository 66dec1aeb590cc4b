package report

import (
	"image"
	"image/color"
	"image/draw"
	"strings"

	"golang.org/x/net/html"
)

// wrap breaks a text into lines that fit a width in the current font, at spaces
// where there are some; a no-break space keeps what it joins together.
func (d *Document) wrap(text string, width float64) []string {
	width -= 0.1 // what rounding may take
	var out []string
	for _, para := range strings.Split(clean(text), "\n") {
		line := ""
		for _, word := range strings.FieldsFunc(para, func(r rune) bool { return r == ' ' }) {
			next := word
			if line != "" {
				next = line + " " + word
			}
			if d.pdf.GetStringWidth(next) <= width {
				line = next
				continue
			}
			if line != "" {
				out = append(out, line)
			}
			line = word
			for d.pdf.GetStringWidth(line) > width {
				head := d.beginning(line, width)
				out = append(out, head)
				line = line[len(head):]
			}
		}
		out = append(out, line)
	}
	return out
}

// beginning is as much of a word as fits a width, at least one character.
func (d *Document) beginning(word string, width float64) string {
	end := 0
	for i, r := range word {
		next := i + len(string(r))
		if end > 0 && d.pdf.GetStringWidth(word[:next]) > width {
			break
		}
		end = next
	}
	return word[:end]
}

// fit shortens a line to a width.
func (d *Document) fit(line string, width float64) string {
	if d.pdf.GetStringWidth(line) <= width {
		return line
	}
	return d.beginning(line, width-d.pdf.GetStringWidth("…")) + "…"
}

// lines writes a wrapped text at the current place.
func (d *Document) lines(text string, width, height float64, align string) {
	x := d.pdf.GetX()
	for _, l := range d.wrap(text, width) {
		d.pdf.SetX(x)
		d.pdf.CellFormat(width, height, l, "", 2, align, false, 0, "")
	}
}

// Title writes a heading.
func (d *Document) Title(text string) {
	w, _ := d.area()
	d.room(20)
	d.font("B", 15)
	d.pdf.SetX(margin)
	d.lines(text, w, 7, "L")
	d.pdf.SetXY(margin, d.pdf.GetY()+3)
}

// Text writes paragraphs.
func (d *Document) Text(text string) {
	if strings.TrimSpace(text) == "" {
		return
	}
	w, _ := d.area()
	d.font("", textSize)
	for _, l := range d.wrap(strings.TrimSpace(text), w) {
		d.room(lineMM)
		d.font("", textSize)
		d.pdf.SetX(margin)
		d.pdf.CellFormat(w, lineMM, l, "", 2, "L", false, 0, "")
	}
	d.pdf.SetXY(margin, d.pdf.GetY()+2)
}

// Block is a short text with a caption, such as an address or a date.
type Block struct {
	Caption string
	Lines   []string
}

// Blocks writes blocks side by side in columns of equal width; those without
// lines are left out.
func (d *Document) Blocks(blocks ...Block) {
	var shown []Block
	for _, b := range blocks {
		if strings.TrimSpace(strings.Join(b.Lines, "")) != "" {
			shown = append(shown, b)
		}
	}
	if len(shown) == 0 {
		return
	}
	w, _ := d.area()
	each := w / float64(len(shown))
	d.room(30)
	top, low := d.pdf.GetY(), d.pdf.GetY()
	for i, b := range shown {
		d.pdf.SetXY(margin+float64(i)*each, top)
		if b.Caption != "" {
			d.font("", noteSize)
			d.grey(90)
			d.lines(b.Caption, each-3, 3.8, "L")
			d.grey(0)
		}
		d.font("", textSize)
		for _, l := range b.Lines {
			d.lines(l, each-3, lineMM, "L")
		}
		low = max(low, d.pdf.GetY())
	}
	d.pdf.SetXY(margin, low+5)
}

// Plain is the text of an HTML fragment, a line for each of its blocks.
func Plain(fragment string) string {
	var b strings.Builder
	z := html.NewTokenizer(strings.NewReader(fragment))
	for {
		switch z.Next() {
		case html.ErrorToken:
			lines := strings.Split(b.String(), "\n")
			kept := lines[:0]
			for _, l := range lines {
				if l = strings.Join(strings.Fields(l), " "); l != "" {
					kept = append(kept, l)
				}
			}
			return strings.Join(kept, "\n")
		case html.TextToken:
			b.WriteString(strings.ReplaceAll(string(z.Text()), "\n", " "))
		case html.StartTagToken, html.SelfClosingTagToken, html.EndTagToken:
			switch name, _ := z.TagName(); string(name) {
			case "br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6":
				b.WriteString("\n")
			}
		}
	}
}

// opaque puts a picture on white.
func opaque(img image.Image) image.Image {
	out := image.NewRGBA(img.Bounds())
	draw.Draw(out, out.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, out.Bounds(), img, img.Bounds().Min, draw.Over)
	return out
}
