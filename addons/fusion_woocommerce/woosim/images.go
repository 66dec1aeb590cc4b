package woosim

import (
	"fmt"
	"path"
	"strings"
	"time"
)

func (s *Sim) findImage(id int) *Obj {
	if i := s.media[id]; i != nil {
		return i
	}
	for _, p := range s.st.products.rows {
		for _, i := range p.objs("images") {
			if i.Int("id") == id {
				return i
			}
		}
	}
	for _, v := range s.st.variations.rows {
		if i := v.Obj("image"); i.Int("id") == id && i != nil {
			return i
		}
	}
	return nil
}

// image finds a picture of the media library, or takes a new one in.
func (q *rq) image(in *Obj) (*Obj, error) {
	s := q.s
	now := s.now()
	// WooCommerce shows the local time of pictures moved by the offset twice.
	_, off := now.In(s.st.zone).Zone()
	local := now.Add(2 * time.Duration(off) * time.Second).Format(wpTime)
	if id := in.Int("id"); id != 0 {
		img := s.findImage(id)
		if img == nil {
			return nil, fail(400, "woocommerce_product_invalid_image_id", fmt.Sprintf("#%d is an invalid image ID.", id))
		}
		img = img.clone()
		if in.Str("name") != "" || in.Has("alt") {
			if in.Str("name") != "" {
				img.Set("name", in.Str("name"))
			}
			if in.Has("alt") {
				img.Set("alt", in.Str("alt"))
			}
			img.Set("date_modified", local)
			img.Set("date_modified_gmt", gmt(now))
		}
		s.media[id] = img.clone()
		return img, nil
	}
	src := in.Str("src")
	if !s.opt.Images(src) {
		return nil, fail(400, "woocommerce_product_image_upload_error", "Error getting remote image "+src+". Error: Not Found")
	}
	name := path.Base(src)
	ext := path.Ext(name)
	base := strings.TrimSuffix(name, ext)
	s.uploads[name]++
	if n := s.uploads[name]; n > 1 {
		name = fmt.Sprintf("%s-%d%s", base, n-1, ext)
	}
	shown := in.Str("name")
	if shown == "" {
		shown = name
	}
	img := object("id", s.nextID("post"), "date_created", local, "date_created_gmt", gmt(now), "date_modified", local, "date_modified_gmt", gmt(now),
		"src", s.st.origin+"/wp-content/uploads/"+now.In(s.st.zone).Format("2006/01")+"/"+name, "name", shown, "alt", in.Str("alt"))
	s.media[img.Int("id")] = img.clone()
	return img, nil
}
