// Package picture reads pictures that somebody has sent: it finds out from the first
// bytes what one takes in memory, and decodes no more than that may be. It imports
// nothing of ours.
package picture

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/gif" // the first picture of an animation
	_ "image/jpeg"
	_ "image/png"
)

const (
	// MaxPixels is what a picture may have, whatever its format.
	MaxPixels = 50_000_000
	// maxMemory is what decoding may take, in bytes.
	maxMemory = 128 << 20
)

// TooLarge is a picture that would take too much memory.
type TooLarge struct{ Width, Height int }

func (e *TooLarge) Error() string {
	return fmt.Sprintf("a picture of %d × %d pixels is too large", e.Width, e.Height)
}

// Decode reads a picture: PNG, JPEG, or the first one of a GIF. The error is a
// *TooLarge, image.ErrFormat for what is no picture of these formats, or something
// else for one that is damaged.
func Decode(content []byte) (image.Image, string, error) {
	cfg, format, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return nil, "", err
	}
	if cfg.Width <= 0 || cfg.Height <= 0 || cfg.Height > MaxPixels/cfg.Width || memory(cfg, format, content) > maxMemory {
		return nil, format, &TooLarge{cfg.Width, cfg.Height}
	}
	img, _, err := image.Decode(bytes.NewReader(content))
	return img, format, err
}

// memory is what decoding a picture takes, in bytes.
func memory(cfg image.Config, format string, content []byte) int64 {
	pixels := int64(cfg.Width) * int64(cfg.Height)
	if format == "jpeg" {
		return int64(float64(pixels) * jpegWeight(content))
	}
	switch cfg.ColorModel {
	case color.GrayModel:
		return pixels
	case color.Gray16Model:
		return 2 * pixels
	case color.RGBAModel, color.NRGBAModel:
		return 4 * pixels
	case color.RGBA64Model, color.NRGBA64Model:
		return 8 * pixels
	}
	return pixels // a palette
}

// jpegWeight is what a pixel of a JPEG takes, in bytes: its samples, of which colours
// may have fewer, and five times that when it is progressive, as then all coefficients
// are kept.
func jpegWeight(content []byte) float64 {
	const unknown = 5 * 4
	for at := 2; at+4 <= len(content); {
		if content[at] != 0xFF {
			return unknown
		}
		marker := content[at+1]
		if marker == 0xFF { // padding
			at++
			continue
		}
		size := int(binary.BigEndian.Uint16(content[at+2:]))
		if marker < 0xC0 || marker > 0xC2 {
			at += 2 + size
			continue
		}
		segment := content[at+4 : min(at+2+max(size, 2), len(content))]
		if len(segment) < 6 || len(segment) < 6+3*int(segment[5]) {
			return unknown
		}
		samples, across, down := 0, 1, 1
		for i := range int(segment[5]) {
			h, v := int(segment[7+3*i]>>4), int(segment[7+3*i]&15)
			samples, across, down = samples+h*v, max(across, h), max(down, v)
		}
		weight := float64(samples) / float64(across*down)
		if marker == 0xC2 {
			weight *= 5
		}
		return weight
	}
	return unknown
}

// Shrink makes a picture no longer than side pixels in either direction, each pixel
// the mean of those it stands for, weighted by opacity. It holds a few rows of the
// original at a time.
func Shrink(img image.Image, side int) *image.NRGBA {
	from := img.Bounds()
	w, h := from.Dx(), from.Dy()
	long := max(w, h, 1)
	nw, nh := max(1, w*side/long), max(1, h*side/long)
	out := image.NewNRGBA(image.Rect(0, 0, nw, nh))
	band := image.NewNRGBA(image.Rect(0, 0, w, h/nh+1))
	for y := range nh {
		top, bottom := y*h/nh, (y+1)*h/nh
		draw.Draw(band, image.Rect(0, 0, w, bottom-top), img, image.Pt(from.Min.X, from.Min.Y+top), draw.Src)
		for x := range nw {
			out.SetNRGBA(x, y, average(band, image.Rect(x*w/nw, 0, (x+1)*w/nw, bottom-top)))
		}
	}
	return out
}

// average is the mean colour of a part of a picture.
func average(src *image.NRGBA, part image.Rectangle) color.NRGBA {
	var r, g, b, a, n uint64
	for y := part.Min.Y; y < part.Max.Y; y++ {
		row := src.Pix[src.PixOffset(part.Min.X, y):src.PixOffset(part.Max.X, y)]
		for i := 0; i < len(row); i += 4 {
			alpha := uint64(row[i+3])
			r, g, b, a, n = r+uint64(row[i])*alpha, g+uint64(row[i+1])*alpha, b+uint64(row[i+2])*alpha, a+alpha, n+1
		}
	}
	if a == 0 {
		return color.NRGBA{}
	}
	return color.NRGBA{uint8(r / a), uint8(g / a), uint8(b / a), uint8(a / n)}
}
