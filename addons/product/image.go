package product

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/draw"
	_ "image/gif" // decoded, and encoded as PNG
	"image/jpeg"
	"image/png"
	"net/http"
	"strings"

	"fusion/framework/orm"
)

// sizes are the longest sides, in pixels, in which pictures are kept.
var sizes = []struct {
	suffix string
	side   int
}{{"1024", 1024}, {"512", 512}, {"256", 256}, {"128", 128}}

// maxPixels is what a picture may take up when it is decoded.
const maxPixels = 50_000_000

// keepSizes stores the smaller sizes of a picture whenever it is set.
func keepSizes[T any](d *orm.Def[T], prefix string) {
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

// defineProductImages gives a variant its own picture, or its template's when
// it has none.
func defineProductImages(p *orm.Def[Product]) {
	p.Compute("image_1920, image_1024, image_512, image_256, image_128", func(_ *orm.Env, ps []*Product) error {
		for _, p := range ps {
			t := p.TemplateID.Rec()
			p.Image1920, p.Image1024, p.Image512, p.Image256, p.Image128 = t.Image1920, t.Image1024, t.Image512, t.Image256, t.Image128
			if len(p.ImageVariant1920) > 0 {
				p.Image1920, p.Image1024, p.Image512, p.Image256, p.Image128 = p.ImageVariant1920, p.ImageVariant1024, p.ImageVariant512, p.ImageVariant256, p.ImageVariant128
			}
		}
		return nil
	}, "image_variant_1920", "image_variant_1024", "image_variant_512", "image_variant_256", "image_variant_128",
		"product_tmpl_id.image_1920", "product_tmpl_id.image_1024", "product_tmpl_id.image_512", "product_tmpl_id.image_256", "product_tmpl_id.image_128")
	p.Inverse("image_1920", storePicture)
	keepSizes(p, "image_variant_")
}

// storePicture keeps the picture given to a variant: on the template while that
// has none, or when there is only one variant; else on the variant.
func storePicture(env *orm.Env, ps []*Product) error {
	if err := orm.Load(env, ps, "product_tmpl_id.image_1920", "product_variant_count"); err != nil {
		return err
	}
	for _, p := range ps {
		picture := any(nil)
		if len(p.Image1920) > 0 {
			picture = []byte(p.Image1920)
		}
		where, field := env.Model("product.template").Browse(p.TemplateID.ID), "image_1920"
		if p.VariantCount > 1 && len(p.TemplateID.Rec().Image1920) > 0 {
			where, field = orm.RecordsOf(env, p), "image_variant_1920"
		} else if err := orm.RecordsOf(env, p).Write(orm.Values{"image_variant_1920": nil}); err != nil {
			return err
		}
		if err := where.Write(orm.Values{field: picture}); err != nil {
			return err
		}
	}
	return nil
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
	draw.Draw(src, src.Bounds(), img, img.Bounds().Min, draw.Src)
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
