package picture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"fusionsoft.ca/fusion/framework/picture"
)

func ofPNG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// claims makes a PNG say that it is of another size.
func claims(content []byte, w, h uint32) []byte {
	content = bytes.Clone(content)
	binary.BigEndian.PutUint32(content[16:], w)
	binary.BigEndian.PutUint32(content[20:], h)
	binary.BigEndian.PutUint32(content[29:], crc32.ChecksumIEEE(content[12:29]))
	return content
}

// frame is the beginning of a JPEG: its kind, and how often each colour is sampled.
func frame(marker byte, w, h uint16, factors ...byte) []byte {
	b := []byte("\xFF\xD8\xFF\xE0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00")
	b = append(b, 0xFF, marker, 0, byte(8+3*len(factors)), 8)
	b = binary.BigEndian.AppendUint16(b, h)
	b = binary.BigEndian.AppendUint16(b, w)
	b = append(b, byte(len(factors)))
	for i, f := range factors {
		b = append(b, byte(i+1), f, 0)
	}
	return b
}

// What a picture takes is known before it is decoded.
func TestLargePictures(t *testing.T) {
	t.Parallel()
	small := ofPNG(t, image.NewNRGBA(image.Rect(0, 0, 2, 2)))
	deep := ofPNG(t, image.NewNRGBA64(image.Rect(0, 0, 2, 2)))
	flat := ofPNG(t, image.NewPaletted(image.Rect(0, 0, 2, 2), color.Palette{color.Black, color.White}))
	for name, c := range map[string]struct {
		content []byte
		refused bool
	}{
		"small": {small, false}, "more than any": {claims(small, 100_000, 100_000), true},
		"of four bytes": {claims(small, 7000, 7000), true}, "of four bytes, smaller": {claims(small, 5000, 5000), false},
		"of eight bytes": {claims(deep, 5000, 5000), true}, "of one byte": {claims(flat, 7000, 7000), false},
		"a photograph":             {frame(0xC0, 8000, 6000, 0x22, 0x11, 0x11), false},
		"a progressive photograph": {frame(0xC2, 4000, 3000, 0x22, 0x11, 0x11), false},
		"a large progressive one":  {frame(0xC2, 8000, 6000, 0x22, 0x11, 0x11), true},
		"progressive, all colours": {frame(0xC2, 4000, 3000, 0x11, 0x11, 0x11), true},
	} {
		_, _, err := picture.Decode(c.content)
		if _, large := errors.AsType[*picture.TooLarge](err); large != c.refused {
			t.Errorf("a picture %s: %v", name, err)
		}
	}
	if _, _, err := picture.Decode([]byte("hello")); !errors.Is(err, image.ErrFormat) {
		t.Errorf("a text: %v", err)
	}
}

// Of an animation only the first picture is decoded.
func TestAnimations(t *testing.T) {
	t.Parallel()
	one := image.NewPaletted(image.Rect(0, 0, 1000, 1000), color.Palette{color.Black, color.White})
	g := &gif.GIF{}
	for range 50 {
		g.Image, g.Delay = append(g.Image, one), append(g.Delay, 1)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, g); err != nil {
		t.Fatal(err)
	}
	// Cut off after the first picture, it is still read.
	img, format, err := picture.Decode(b.Bytes()[:b.Len()/10])
	if err != nil || format != "gif" || img.Bounds().Dx() != 1000 {
		t.Errorf("%s %v", format, err)
	}
}

func TestShrink(t *testing.T) {
	t.Parallel()
	img := image.NewNRGBA(image.Rect(0, 0, 400, 100))
	for y := range 100 {
		for x := range 400 {
			img.SetNRGBA(x, y, color.NRGBA{R: uint8(200 * (x % 2)), A: 255})
		}
	}
	small := picture.Shrink(img, 100)
	if small.Bounds() != image.Rect(0, 0, 100, 25) || small.NRGBAAt(50, 12) != (color.NRGBA{R: 100, A: 255}) {
		t.Errorf("%v %v", small.Bounds(), small.NRGBAAt(50, 12))
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	photo, _, err := picture.Decode(b.Bytes())
	if err != nil || picture.Shrink(photo, 1).Bounds() != image.Rect(0, 0, 1, 1) {
		t.Errorf("%v", err)
	}
}
