package base_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// A contact's picture is kept in sizes; without one its initial stands in.
func TestPicturesOfContacts(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	var content bytes.Buffer
	if err := png.Encode(&content, image.NewNRGBA(image.Rect(0, 0, 600, 300))); err != nil {
		t.Fatal(err)
	}
	p := must[orm.Records](t)(env.Model("res.partner").Create(orm.Values{"name": "<Ada>", "image_1920": content.Bytes()}))
	width := func(field string) int {
		t.Helper()
		b, _ := must[any](t)(p.Value(field)).([]byte)
		cfg, err := png.DecodeConfig(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", field, err)
		}
		return cfg.Width
	}
	for field, want := range map[string]int{"image_1920": 600, "image_1024": 600, "image_512": 512, "image_256": 256, "image_128": 128, "avatar_128": 128, "avatar_1920": 600} {
		if got := width(field); got != want {
			t.Errorf("%s is %d wide, want %d", field, got, want)
		}
	}
	if err := p.Write(orm.Values{"image_1920": false}); err != nil {
		t.Fatal(err)
	}
	if v := must[any](t)(p.Value("image_128")); v != nil {
		t.Errorf("a small picture is left of one that was taken away")
	}
	if svg, _ := must[any](t)(p.Value("avatar_128")).([]byte); !strings.Contains(string(svg), ">&lt;<") {
		t.Errorf("avatar %s", svg)
	}
	if err := p.Write(orm.Values{"image_1920": content.Bytes()}); err != nil {
		t.Fatal(err)
	}
	if err := p.Unlink(); err != nil {
		t.Fatal(err)
	}
	if rows := must[[][]string](t)(ormtest.Texts(env, "SELECT count(*) FROM ir_attachment WHERE res_model = 'res.partner' AND res_id = ?", p.ID())); rows[0][0] != "0" {
		t.Errorf("%s files are left of a deleted contact", rows[0][0])
	}
}

// A picture that would take much memory is refused by what its first bytes say.
func TestLargePicturesAreRefused(t *testing.T) {
	t.Parallel()
	env := newEnv(t)
	var content bytes.Buffer
	if err := png.Encode(&content, image.NewPaletted(image.Rect(0, 0, 12_000, 12_000), color.Palette{color.Black})); err != nil {
		t.Fatal(err)
	}
	err := env.Savepoint(func(env *orm.Env) error {
		_, err := env.Model("res.partner").Create(orm.Values{"name": "Ada", "image_1920": content.Bytes()})
		return err
	})
	if !orm.IsCode(err, orm.CodeUser) || !strings.Contains(err.Error(), "12000 × 12000") {
		t.Errorf("%v", err)
	}
}
