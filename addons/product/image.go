package product

import (
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// defineProductImages gives a variant its own picture, or its template's when
// it has none.
func defineProductImages(p *orm.Def[Product]) {
	p.Compute("image_1920, image_1024, image_512, image_256, image_128", func(_ *orm.Env, ps []*Product) error {
		for _, p := range ps {
			t := p.TemplateID.Rec()
			own := len(p.ImageVariant1920.Get()) > 0
			for _, size := range []struct{ to, variant, template *orm.Deferred[orm.Binary] }{
				{&p.Image1920, &p.ImageVariant1920, &t.Image1920}, {&p.Image1024, &p.ImageVariant1024, &t.Image1024}, {&p.Image512, &p.ImageVariant512, &t.Image512},
				{&p.Image256, &p.ImageVariant256, &t.Image256}, {&p.Image128, &p.ImageVariant128, &t.Image128},
			} {
				if own {
					size.to.Set(size.variant.Get())
				} else {
					size.to.Set(size.template.Get())
				}
			}
		}
		return nil
	}, "image_variant_1920", "image_variant_1024", "image_variant_512", "image_variant_256", "image_variant_128",
		"product_tmpl_id.image_1920", "product_tmpl_id.image_1024", "product_tmpl_id.image_512", "product_tmpl_id.image_256", "product_tmpl_id.image_128")
	p.Inverse("image_1920", storePicture)
	base.KeepSizes(p, "image_variant_")
}

// storePicture keeps the picture given to a variant: on the template while that
// has none, or when there is only one variant; else on the variant.
func storePicture(env *orm.Env, ps []*Product) error {
	if err := orm.Load(env, ps, "product_tmpl_id.image_1920", "product_variant_count"); err != nil {
		return err
	}
	for _, p := range ps {
		picture := any(nil)
		if len(p.Image1920.Get()) > 0 {
			picture = []byte(p.Image1920.Get())
		}
		where, field := env.Model("product.template").Browse(p.TemplateID.ID), "image_1920"
		if p.VariantCount.Get() > 1 && len(p.TemplateID.Rec().Image1920.Get()) > 0 {
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
