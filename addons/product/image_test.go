package product_test

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// picture is a red square beside a blue one, in PNG or JPEG.
func (s *shop) picture(w, h int, asJPEG bool) []byte {
	s.Helper()
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{R: 255, A: 255}
			if x >= w/2 {
				c = color.NRGBA{B: 255, A: 255}
			}
			img.SetNRGBA(x, y, c)
		}
	}
	var out bytes.Buffer
	if asJPEG {
		s.do(jpeg.Encode(&out, img, nil))
	} else {
		s.do(png.Encode(&out, img))
	}
	return out.Bytes()
}

func (s *shop) measure(rs orm.Records, field string) (w, h int, format string) {
	s.Helper()
	content, _ := s.value(rs, field).([]byte)
	if content == nil {
		return 0, 0, ""
	}
	img, format, err := image.Decode(bytes.NewReader(content))
	s.do(err)
	left, _, _, _ := img.At(0, 0).RGBA()
	_, _, right, _ := img.At(img.Bounds().Dx()-1, 0).RGBA()
	if left < 0xe000 || right < 0xe000 {
		s.Errorf("%s: the colours are %v and %v", field, img.At(0, 0), img.At(img.Bounds().Dx()-1, 0))
	}
	return img.Bounds().Dx(), img.Bounds().Dy(), format
}

func TestPicturesAreKeptInSizes(t *testing.T) {
	s := newShop(t)
	p := s.create("product.product", orm.Values{"name": "Poster", "image_1920": s.picture(600, 300, true)})
	template := s.env.Model("product.template").Browse(s.value(p, "product_tmpl_id").(int64))
	for field, want := range map[string][2]int{"image_1920": {600, 300}, "image_1024": {600, 300}, "image_512": {512, 256}, "image_256": {256, 128}, "image_128": {128, 64}} {
		for _, rs := range []orm.Records{p, template} {
			if w, h, format := s.measure(rs, field); w != want[0] || h != want[1] || format != "jpeg" {
				t.Errorf("%s of %s: %d × %d %s", field, rs.Model.Name, w, h, format)
			}
		}
	}
	s.do(template.Write(orm.Values{"image_1920": nil}))
	if w, _, _ := s.measure(p, "image_128"); w != 0 {
		t.Errorf("a picture that was taken away is %d wide", w)
	}
	svg := []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`)
	s.do(template.Write(orm.Values{"image_1920": svg}))
	s.equal("a vector graphic stays as it is", string(s.value(p, "image_128").([]byte)), string(svg))
	s.refuses("a text", orm.CodeUser, func(env *orm.Env) error {
		return template.In(env).Write(orm.Values{"image_1920": []byte("hello")})
	})
	s.refuses("half a picture", orm.CodeUser, func(env *orm.Env) error {
		return template.In(env).Write(orm.Values{"image_1920": s.picture(40, 40, false)[:60]})
	})
}

func TestAVariantMayHaveItsOwnPicture(t *testing.T) {
	s := newShop(t)
	shirt := s.template(s.line("Size", "S", "M"))
	vs := s.variants(shirt.ID, false)
	small, medium := orm.RecordsOf(s.env, vs[0]), orm.RecordsOf(s.env, vs[1])
	s.do(small.Write(orm.Values{"image_1920": s.picture(300, 300, false)}))
	if w, _, _ := s.measure(medium, "image_1920"); w != 300 {
		t.Errorf("the first picture is the template's: %d", w)
	}
	s.do(medium.Write(orm.Values{"image_1920": s.picture(200, 200, false)}))
	if w, _, format := s.measure(medium, "image_128"); w != 128 || format != "png" {
		t.Errorf("own picture: %d %s", w, format)
	}
	if w, _, _ := s.measure(medium, "image_1920"); w != 200 {
		t.Errorf("own picture: %d", w)
	}
	if w, _, _ := s.measure(small, "image_1920"); w != 300 {
		t.Errorf("the other's picture: %d", w)
	}
}
