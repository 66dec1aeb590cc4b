package web_test

import (
	"fmt"
	"net/http"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/web/webtest"
)

// A view may be made from the view of another model, with what extends that.
func TestViewMadeFromAnotherModels(t *testing.T) {
	t.Parallel()
	site, db := newSite(t)
	var action int64
	system(t, db, func(env *orm.Env) error {
		add := func(model string, priority int, inherit int64, mode, arch string) int64 {
			vals := orm.Values{"name": "test", "model": model, "priority": priority, "mode": mode, "arch_db": arch}
			if inherit != 0 {
				vals["inherit_id"] = inherit
			}
			made, err := env.Model("ir.ui.view").Create(vals)
			if err != nil {
				t.Fatal(err)
			}
			return made.ID()
		}
		title := add("res.partner.industry", 90, 0, "primary", `<list><field name="name" string="Called"/></list>`)
		add("res.country", 0, title, "primary", `<data><field name="name" position="after"><field name="code" string="Two letters"/></field></data>`)
		add("res.partner.industry", 16, title, "extension", `<data><field name="name" position="before"><field name="display_name" string="Shown as"/></field></data>`)
		ref, err := env.Ref("base.action_country")
		action = ref.ID()
		return err
	})
	v := webtest.Visit(t, site.URL)
	v.Get("/web/login").Submit("@password", "login", "admin", "password", "admin")
	want(t, v.Get(fmt.Sprintf("/web/action/%d", action)), http.StatusOK, "Shown as", "Called", "Two letters", "Afghanistan")
}
