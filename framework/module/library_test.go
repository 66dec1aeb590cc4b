package module_test

import (
	"io/fs"
	"testing/fstest"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

type (
	shelf struct {
		orm.Record `orm:"lib.shelf" label:"Shelf"`
		Name       string                 `orm:"name,translate" validate:"required"`
		Books      orm.Many[book]         `orm:"book_ids,inverse=shelf_id"`
		Groups     orm.Many[kernel.Group] `orm:"group_ids,rel=lib_shelf_group_rel:shelf_id:group_id"`
	}
	book struct {
		orm.Record `orm:"lib.book" order:"name" label:"Book"`
		Name       string         `orm:"name" validate:"required"`
		Pages      int            `orm:"pages"`
		Kind       string         `orm:"kind,default=novel" selection:"novel:Novel,poem:Poem"`
		Printed    orm.Date       `orm:"printed"`
		Seen       orm.Datetime   `orm:"seen"`
		Read       bool           `orm:"is_read"`
		Price      float64        `orm:"price"`
		Notes      string         `orm:"notes,html"`
		Subject    string         `orm:"subject,reference"`
		Cover      string         `orm:"cover,text"`
		ShelfID    orm.Ref[shelf] `orm:"shelf_id,ondelete=cascade"`
		Similar    orm.Many[book] `orm:"similar_ids,rel=lib_book_similar:a:b"`
	}
)

var tidy = orm.Method[book]{Name: "tidy"}
var rebind = orm.ModelMethod[book]{Name: "rebind"}

func library(files fstest.MapFS, data ...string) module.Addon {
	return module.Addon{Name: "lib", Title: "Library", Version: "19.0.1.0.0", Depends: []string{"base"}, Data: data, FS: files,
		Define: func(r *orm.Registry) {
			orm.Define[shelf](r)
			d := orm.Define[book](r)
			orm.Implement(d, tidy, func(env *orm.Env, recs []*book, a orm.Args) (any, error) {
				return len(recs), env.Model("lib.book").Browse(ids(recs)...).Write(orm.Values{"pages": a.Int(0, "pages")})
			})
			orm.ImplementModel(d, rebind, func(env *orm.Env, a orm.Args) (any, error) {
				_, err := env.Model("lib.book").Create(orm.Values{"name": a.String(0, "name")})
				return nil, err
			})
		}}
}

func ids(recs []*book) []int64 {
	var out []int64
	for _, r := range recs {
		out = append(out, r.ID)
	}
	return out
}

// text makes a file system of path, content pairs.
func text(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1]), Mode: fs.ModePerm}
	}
	return m
}
