package base

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image"
	"image/color"
	imagedraw "image/draw"
	_ "image/gif" // decoded, and encoded as PNG
	"image/jpeg"
	"image/png"
	"net/http"
	"strings"
	"unicode/utf8"

	"fusionsoft.ca/fusion/framework/orm"
)

// sizes are the longest sides, in pixels, in which pictures are kept.
var sizes = []struct {
	suffix string
	side   int
}{{"1024", 1024}, {"512", 512}, {"256", 256}, {"128", 128}}

// maxPixels is what a picture may take up when it is decoded.
const maxPixels = 50_000_000

// KeepSizes stores the smaller sizes of a picture whenever it is set: the field
// prefix1920 holds the picture, prefix1024, 512, 256 and 128 the sizes.
func KeepSizes[T any](d *orm.Def[T], prefix string) {
	d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			for i, vals := range list {
				if err := storeSizes(made.Browse(made.IDs[i]), vals, prefix); err != nil {
					return made, err
				}
			}
			return made, nil
		}
	})
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := super(rs, vals); err != nil {
				return err
			}
			return storeSizes(rs, vals, prefix)
		}
	})
}

// storeSizes makes the smaller sizes of the picture that vals set on records.
func storeSizes(rs orm.Records, vals orm.Values, prefix string) error {
	if _, ok := vals[prefix+"1920"]; !ok || rs.Len() == 0 {
		return nil
	}
	stored, err := rs.Browse(rs.IDs[0]).Value(prefix + "1920")
	if err != nil {
		return err
	}
	picture, _ := stored.([]byte)
	small := orm.Values{}
	for _, s := range sizes {
		small[prefix+s.suffix] = nil
	}
	if len(picture) > 0 {
		img, format, err := decode(picture)
		if err != nil {
			return err
		}
		for _, s := range sizes {
			if small[prefix+s.suffix], err = shrink(picture, img, format, s.side); err != nil {
				return err
			}
		}
	}
	return rs.Write(small)
}

// decode reads a picture; a vector graphic, or a format that is not read here,
// is no picture to be made smaller and gives nil.
func decode(content []byte) (image.Image, string, error) {
	cfg, format, err := image.DecodeConfig(bytes.NewReader(content))
	if errors.Is(err, image.ErrFormat) {
		if kind := http.DetectContentType(content); strings.HasPrefix(kind, "image/") || bytes.Contains(content[:min(len(content), 1024)], []byte("<svg")) {
			return nil, "", nil
		}
		return nil, "", orm.UserErrorf("The file is no picture. Choose a PNG, JPEG, GIF, WebP or SVG file.")
	}
	if err != nil {
		return nil, "", orm.UserErrorf("The picture is damaged and cannot be read. Choose another file.")
	}
	if cfg.Width*cfg.Height > maxPixels {
		return nil, "", orm.UserErrorf("The picture has %d × %d pixels; at most %d million are accepted. Make it smaller first.", cfg.Width, cfg.Height, maxPixels/1_000_000)
	}
	img, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, "", orm.UserErrorf("The picture is damaged and cannot be read. Choose another file.")
	}
	return img, format, nil
}

// shrink makes a picture no longer than side pixels in either direction. One
// that is small enough, or could not be decoded, stays as it is.
func shrink(content []byte, img image.Image, format string, side int) ([]byte, error) {
	if img == nil {
		return content, nil
	}
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	if max(w, h) <= side {
		return content, nil
	}
	nw, nh := max(1, w*side/max(w, h)), max(1, h*side/max(w, h))
	src := image.NewNRGBA(image.Rect(0, 0, w, h))
	imagedraw.Draw(src, src.Bounds(), img, img.Bounds().Min, imagedraw.Src)
	dst := image.NewNRGBA(image.Rect(0, 0, nw, nh))
	for y := range nh {
		for x := range nw {
			dst.SetNRGBA(x, y, average(src, image.Rect(x*w/nw, y*h/nh, (x+1)*w/nw, (y+1)*h/nh)))
		}
	}
	var out bytes.Buffer
	var err error
	if format == "jpeg" {
		err = jpeg.Encode(&out, dst, &jpeg.Options{Quality: 90})
	} else {
		err = png.Encode(&out, dst)
	}
	return out.Bytes(), err
}

// average is the mean colour of a part of a picture, weighted by opacity.
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

// partnerPictures are the picture of a contact in all sizes, and what to show
// for it where there is none.
type partnerPictures struct {
	orm.Record
	Name       string     `orm:"name"`
	Image1920  orm.Binary `orm:"image_1920"`
	Image1024  orm.Binary `orm:"image_1024" label:"Image 1024"`
	Image512   orm.Binary `orm:"image_512" label:"Image 512"`
	Image256   orm.Binary `orm:"image_256" label:"Image 256"`
	Image128   orm.Binary `orm:"image_128" label:"Image 128"`
	Avatar1920 orm.Binary `orm:"avatar_1920" label:"Avatar"`
	Avatar1024 orm.Binary `orm:"avatar_1024" label:"Avatar 1024"`
	Avatar512  orm.Binary `orm:"avatar_512" label:"Avatar 512"`
	Avatar256  orm.Binary `orm:"avatar_256" label:"Avatar 256"`
	Avatar128  orm.Binary `orm:"avatar_128" label:"Avatar 128"`
}

func definePartnerPictures(r *orm.Registry) {
	p := orm.Extend[partnerPictures](r, "res.partner")
	KeepSizes(p, "image_")
	p.Compute("avatar_1920, avatar_1024, avatar_512, avatar_256, avatar_128", func(_ *orm.Env, ps []*partnerPictures) error {
		for _, p := range ps {
			p.Avatar1920, p.Avatar1024, p.Avatar512, p.Avatar256, p.Avatar128 = p.Image1920, p.Image1024, p.Image512, p.Image256, p.Image128
			if len(p.Image1920) == 0 {
				letter := orm.Binary(initial(p.Name, p.ID))
				p.Avatar1920, p.Avatar1024, p.Avatar512, p.Avatar256, p.Avatar128 = letter, letter, letter, letter, letter
			}
		}
		return nil
	}, "name", "image_1920", "image_1024", "image_512", "image_256", "image_128")
}

// initial is the picture of somebody who has none: the first letter of the name
// on a colour that stays with the record.
func initial(name string, id int64) []byte {
	r, _ := utf8.DecodeRuneInString(strings.TrimSpace(name))
	if r == utf8.RuneError {
		r = '?'
	}
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="180" height="180"><rect width="180" height="180" fill="hsl(%d, 50%%, 45%%)"/>`+
		`<text x="90" y="125" font-size="96" text-anchor="middle" font-family="sans-serif" fill="#fff">%s</text></svg>`,
		id*47%360, html.EscapeString(strings.ToUpper(string(r))))
}
