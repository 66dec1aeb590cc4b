package base

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"image"
	"image/jpeg"
	"image/png"
	"net/http"
	"strings"
	"unicode/utf8"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/picture"
)

// sizes are the longest sides, in pixels, in which pictures are kept.
var sizes = []struct {
	suffix string
	side   int
}{{"1024", 1024}, {"512", 512}, {"256", 256}, {"128", 128}}

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
	content, _ := stored.([]byte)
	small := orm.Values{}
	for _, s := range sizes {
		small[prefix+s.suffix] = nil
	}
	if len(content) > 0 {
		err := withResizeSlot(rs.Env, func() error {
			img, format, err := decode(content)
			for i := 0; i < len(sizes) && err == nil; i++ {
				if img != nil && max(img.Bounds().Dx(), img.Bounds().Dy()) > sizes[i].side {
					img = picture.Shrink(img, sizes[i].side) // the next size is made from this one
					content, err = encode(img, format)
				}
				small[prefix+sizes[i].suffix] = content
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return rs.Write(small)
}

// resizeSlot lets one picture be made smaller at a time, since each may take much memory.
type resizeSlot chan struct{}

type resizeSlotKey struct{}

// withResizeSlot works on a picture when those before it are done.
func withResizeSlot(env *orm.Env, work func() error) error {
	turn := *orm.Local(env.DB(), resizeSlotKey{}, func() *resizeSlot {
		t := make(resizeSlot, 1)
		return &t
	})
	select {
	case turn <- struct{}{}:
	case <-env.Done():
		return env.Err()
	}
	defer func() { <-turn }()
	return work()
}

// decode reads a picture; a vector graphic, or a format that is not read here,
// is no picture to be made smaller and gives nil.
func decode(content []byte) (image.Image, string, error) {
	img, format, err := picture.Decode(content)
	if errors.Is(err, image.ErrFormat) {
		if kind := http.DetectContentType(content); strings.HasPrefix(kind, "image/") || bytes.Contains(content[:min(len(content), 1024)], []byte("<svg")) {
			return nil, "", nil
		}
		return nil, "", orm.UserErrorf("The file is no picture. Choose a PNG, JPEG, GIF, WebP or SVG file.")
	}
	if large, ok := errors.AsType[*picture.TooLarge](err); ok {
		return nil, "", orm.UserErrorf("The picture has %d × %d pixels, which is too large. Make it smaller first; 3000 × 2000 are accepted in every format.", large.Width, large.Height)
	}
	if err != nil {
		return nil, "", orm.UserErrorf("The picture is damaged and cannot be read. Choose another file.")
	}
	return img, format, nil
}

// encode writes a picture, a photograph as such.
func encode(img image.Image, format string) ([]byte, error) {
	var out bytes.Buffer
	var err error
	if format == "jpeg" {
		err = jpeg.Encode(&out, img, &jpeg.Options{Quality: 90})
	} else {
		err = png.Encode(&out, img)
	}
	return out.Bytes(), err
}

// partnerPictures are the picture of a contact in all sizes, and what to show
// for it where there is none.
type partnerPictures struct {
	orm.Record
	Name       string                   `orm:"name"`
	Image1920  orm.Deferred[orm.Binary] `orm:"image_1920"`
	Image1024  orm.Deferred[orm.Binary] `orm:"image_1024" label:"Image 1024"`
	Image512   orm.Deferred[orm.Binary] `orm:"image_512" label:"Image 512"`
	Image256   orm.Deferred[orm.Binary] `orm:"image_256" label:"Image 256"`
	Image128   orm.Deferred[orm.Binary] `orm:"image_128" label:"Image 128"`
	Avatar1920 orm.Deferred[orm.Binary] `orm:"avatar_1920" label:"Avatar"`
	Avatar1024 orm.Deferred[orm.Binary] `orm:"avatar_1024" label:"Avatar 1024"`
	Avatar512  orm.Deferred[orm.Binary] `orm:"avatar_512" label:"Avatar 512"`
	Avatar256  orm.Deferred[orm.Binary] `orm:"avatar_256" label:"Avatar 256"`
	Avatar128  orm.Deferred[orm.Binary] `orm:"avatar_128" label:"Avatar 128"`
}

func definePartnerPictures(r *orm.Registry) {
	p := orm.Extend[partnerPictures](r, "res.partner")
	KeepSizes(p, "image_")
	p.Compute("avatar_1920, avatar_1024, avatar_512, avatar_256, avatar_128", func(env *orm.Env, ps []*partnerPictures) error {
		for i, id := range orm.StoredIDs(env, ps) {
			p := ps[i]
			p.Avatar1920.Set(p.Image1920.Get())
			p.Avatar1024.Set(p.Image1024.Get())
			p.Avatar512.Set(p.Image512.Get())
			p.Avatar256.Set(p.Image256.Get())
			p.Avatar128.Set(p.Image128.Get())
			if len(p.Image1920.Get()) == 0 {
				letter := orm.Binary(initial(p.Name, id))
				p.Avatar1920.Set(letter)
				p.Avatar1024.Set(letter)
				p.Avatar512.Set(letter)
				p.Avatar256.Set(letter)
				p.Avatar128.Set(letter)
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
