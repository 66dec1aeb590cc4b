package walk

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"slices"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// world is a database full of markers, with users who may see some of them.
type world struct {
	t         *testing.T
	out       *findings
	log       bytes.Buffer // errors of the server
	rate      float64      // which part of the calls is made
	db        *orm.DB
	rng       *rand.Rand
	serial    int
	ref       *reference
	companies []int64
	users     []int64
	binaries  map[string]place // markers in files
	docs      []int64
	docModel  int64 // id of walk.doc in ir.model
}

// labelOf stands for the id of a place that is the label of a field.
const labelOf = -1

// mark is a text that stands nowhere else.
func (w *world) mark() string {
	w.serial++
	return fmt.Sprintf("cnry%06dz", w.serial)
}

func (w *world) chance(of int) bool { return w.rng.IntN(of) == 0 }

// some is one of a list, 0 of none.
func (w *world) some(ids []int64) int64 {
	if len(ids) == 0 {
		return 0
	}
	return ids[w.rng.IntN(len(ids))]
}

func (w *world) pick(list ...string) string { return list[w.rng.IntN(len(list))] }

func orFalse(id int64) any {
	if id == 0 {
		return false
	}
	return id
}

// newWorld makes a world from a seed.
func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{t: t, out: &findings{t: t, known: map[string]bool{}}, db: ormtest.DB(t, programAddons()...), rng: rand.New(rand.NewPCG(seed, 7)), serial: 100000, binaries: map[string]place{}}
	if err := w.db.Run(t.Context(), orm.System(), w.fill); err != nil {
		t.Fatal(err)
	}
	w.look()
	return w
}

// look makes the reference anew from what the database holds now.
func (w *world) look() {
	w.t.Helper()
	err := w.db.View(w.t.Context(), orm.System(), func(env *orm.Env) (err error) {
		if w.ref, err = snapshot(env); err != nil {
			return err
		}
		if err := w.ref.deriveLinks(env); err != nil {
			return err
		}
		for _, m := range w.ref.reg.Models() {
			if ids := w.ref.ids[m.Name]; len(ids) > 0 && !m.Abstract {
				if w.ref.names[m.Name], err = env.Model(m.Name).Browse(ids...).DisplayNames(); err != nil {
					return fmt.Errorf("names of %s: %w", m.Name, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for mark, at := range w.binaries {
		w.ref.mark(mark, at)
	}
	for _, m := range w.ref.reg.Models() { // labels of fields say that there are such fields
		for _, f := range m.Fields {
			for _, mark := range marker.FindAllString(f.Label, -1) {
				w.ref.mark(mark, place{m.Name, labelOf, f.Name})
			}
		}
	}
}

// fill makes companies, users, rules and records.
func (w *world) fill(env *orm.Env) error {
	first, err := env.Ref("base.main_company")
	if err != nil {
		return err
	}
	w.companies = first.IDs
	for range 2 {
		c, err := env.Model("res.company").Create(orm.Values{"name": w.mark(), "email": w.mark() + "@example.com"})
		if err != nil {
			return err
		}
		w.companies = append(w.companies, c.ID())
	}
	model, err := env.Ref("walk.model_walk_doc")
	if err != nil {
		return err
	}
	w.docModel = model.ID()
	if err := w.makeUsers(env); err != nil {
		return err
	}
	if err := w.makeDocs(env); err != nil {
		return err
	}
	if err := w.makeAll(env); err != nil {
		return err
	}
	return w.makeRules(env)
}

// makeUsers makes users of many kinds. What groups there are in the program is
// read from the database.
func (w *world) makeUsers(env *orm.Env) error {
	for _, u := range []struct {
		login  string
		groups []string
	}{
		{"plain", []string{"base.group_user"}},
		{"seller", []string{"base.group_user", "sales_team.group_sale_salesman", "walk.group_a"}},
		{"clerk", []string{"base.group_user", "account.group_account_invoice", "stock.group_stock_user", "walk.group_b", "base.group_allow_export"}},
		{"portal", []string{"base.group_portal"}},
	} {
		var ids []int64
		for _, g := range u.groups {
			rs, err := env.Ref(g)
			if err != nil {
				return err
			}
			ids = append(ids, rs.ID())
		}
		allowed := []int64{w.some(w.companies[:2])}
		if w.chance(2) && allowed[0] != w.companies[1] {
			allowed = append(allowed, w.companies[1])
		}
		made, err := env.WithContext(map[string]any{"no_reset_password": true}).Model("res.users").Create(orm.Values{"name": w.mark(), "login": u.login, "email": w.mark() + "@example.com", "password": u.login + "-secret",
			"group_ids": []orm.Command{orm.SetIDs(ids...)}, "company_id": allowed[0], "company_ids": []orm.Command{orm.SetIDs(allowed...)}})
		if err != nil {
			return err
		}
		w.users = append(w.users, made.ID())
	}
	public, err := env.Ref("base.public_user")
	w.users = append(w.users, public.ID())
	return err
}

// file is a content with a marker, at a place.
func (w *world) file() (string, string) {
	mark := w.mark()
	return mark, base64.StdEncoding.EncodeToString([]byte("text " + mark + "\n"))
}

// picture is an image of a size nobody else's has.
func (w *world) picture() string {
	img := image.NewRGBA(image.Rect(0, 0, 3+w.rng.IntN(5), 3))
	img.Set(1, 1, color.RGBA{uint8(w.rng.IntN(256)), uint8(w.rng.IntN(256)), 1, 255})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		w.t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// makeDocs fills the models of the addon walk.
func (w *world) makeDocs(env *orm.Env) error {
	var places, tags, docs []int64
	for range 6 {
		p, err := env.Model("walk.place").Create(orm.Values{"name": w.mark(), "note": w.mark(), "safe": w.mark(), "level": w.rng.IntN(5), "company_id": orFalse(w.some(append([]int64{0}, w.companies...)))})
		if err != nil {
			return err
		}
		places = append(places, p.ID())
	}
	for range 4 {
		g, err := env.Model("walk.tag").Create(orm.Values{"name": w.mark(), "level": w.rng.IntN(5)})
		if err != nil {
			return err
		}
		tags = append(tags, g.ID())
	}
	for i := range 16 {
		mine := []int64{}
		for _, g := range tags {
			if w.chance(3) {
				mine = append(mine, g)
			}
		}
		file, content := w.file()
		key, secret := w.file()
		vals := orm.Values{"name": w.mark(), "title": w.mark(), "text": w.mark(), "body": "<p>" + w.mark() + "</p>", "local": w.mark(), "safe": w.mark(), "chip": w.mark(),
			"file": content, "file_name": w.mark() + ".txt", "key_file": secret, "state": w.pick("new", "done"), "level": w.rng.IntN(5),
			"amount": w.rng.IntN(1000), "cost": w.rng.IntN(1000), "day": fmt.Sprintf("2026-%02d-%02d", 1+w.rng.IntN(12), 1+w.rng.IntN(28)),
			"facts": map[string]any{"fact": w.mark()}, "user_id": orFalse(w.some(append([]int64{0}, w.users...))), "company_id": orFalse(w.some(append([]int64{0}, w.companies...))),
			"place_id": orFalse(w.some(append([]int64{0}, places...))), "hidden_place_id": orFalse(w.some(places)), "parent_id": orFalse(w.some(append([]int64{0}, docs...))),
			"tag_ids": []orm.Command{orm.SetIDs(mine...)}, "active": i%8 != 7}
		if w.chance(3) {
			vals["photo"] = w.picture()
		}
		if w.chance(2) {
			vals["ref"] = fmt.Sprintf("walk.place,%d", w.some(places))
		} else {
			vals["ref"] = fmt.Sprintf("walk.tag,%d", w.some(tags))
		}
		d, err := env.Model("walk.doc").Create(vals)
		if err != nil {
			return err
		}
		docs = append(docs, d.ID())
		w.binaries[file], w.binaries[key] = place{"walk.doc", d.ID(), "file"}, place{"walk.doc", d.ID(), "key_file"}
		for _, c := range w.companies[1:] {
			if err := env.WithCompany(c).Model("walk.doc").Browse(d.ID()).Write(orm.Values{"local": w.mark()}); err != nil {
				return err
			}
		}
		if err := w.talk(env, d); err != nil {
			return err
		}
		if w.chance(2) {
			if _, err := env.Model("walk.part").Create(orm.Values{"doc_id": d.ID(), "code": w.mark()}); err != nil {
				return err
			}
		}
	}
	for _, uid := range w.users[:3] {
		if _, err := env.WithUser(uid).Sudo().Model("walk.desk").Create(orm.Values{"remark": w.mark(), "doc_id": w.some(docs), "doc_ids": []orm.Command{orm.SetIDs(w.some(docs))}}); err != nil {
			return err
		}
	}
	w.docs = docs
	return nil
}

// talk gives a document messages, notes, files, followers and activities.
func (w *world) talk(env *orm.Env, d orm.Records) error {
	comment, err := env.Ref("mail.mt_comment")
	if err != nil {
		return err
	}
	note, err := env.Ref("mail.mt_note")
	if err != nil {
		return err
	}
	mark, content := w.file()
	att, err := env.Model("ir.attachment").Create(orm.Values{"name": w.mark() + ".txt", "datas": content, "description": w.mark(), "res_model": "walk.doc", "res_id": d.ID()})
	if err != nil {
		return err
	}
	w.binaries[mark] = place{"ir.attachment", att.ID(), "raw"}
	for i, subtype := range []int64{comment.ID(), note.ID()} {
		m, err := env.Model("mail.message").Create(orm.Values{"model": "walk.doc", "res_id": d.ID(), "body": "<p>" + w.mark() + "</p>", "subject": w.mark(), "subtype_id": subtype, "message_type": "comment",
			"is_internal": i == 1, "email_from": w.mark() + "@example.com"})
		if err != nil {
			return err
		}
		if w.chance(4) {
			if _, err := env.Model("mail.mail").Create(orm.Values{"mail_message_id": m.ID(), "email_to": w.mark() + "@example.com", "body_html": w.mark()}); err != nil {
				return err
			}
		}
	}
	if w.chance(2) {
		_, err = env.WithContext(map[string]any{"mail_activity_quick_update": true}).Model("mail.activity").Create(orm.Values{"res_model_id": w.docModel, "res_id": d.ID(), "summary": w.mark(), "note": "<p>" + w.mark() + "</p>", "user_id": w.some(w.users[:3]), "date_deadline": "2026-05-05"})
	}
	if err == nil && w.chance(3) {
		_, err = d.Call("message_subscribe", orm.Args{Pos: []any{list(w.partnerOf(env, w.some(w.users[:4])))}})
	}
	// A change of tracked fields, of which one is reserved.
	if err == nil {
		err = d.Write(orm.Values{"safe": w.mark(), "name": w.mark()})
	}
	return err
}

func (w *world) partnerOf(env *orm.Env, uid int64) int64 {
	id, err := env.Model("res.users").Browse(uid).ValueID("partner_id")
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// makeRules makes record rules at random: for everybody, for a group, along
// paths, by company.
func (w *world) makeRules(env *orm.Env) error {
	domains := map[string][]string{
		"walk.doc": {"[('level', '>=', %d)]", "['|', ('company_id', '=', False), ('company_id', 'in', company_ids)]", "[('user_id', 'in', [False, user.id])]", "[('place_id.level', '<', %d)]",
			"['|', ('place_id', '=', False), ('place_id.company_id', 'in', [False] + company_ids)]", "[('tag_ids.level', '<=', %d)]", "['!', ('parent_id.level', '=', %d)]", "[('state', '=', 'new')]", "[('tag_ids', 'any', [('level', '>=', %d)])]"},
		"walk.place": {"[('level', '<', 4 - %d)]", "['|', ('company_id', '=', False), ('company_id', 'in', company_ids)]", "[('level', '!=', %d)]"},
		"walk.tag":   {"[('level', '!=', %d)]", "[('level', '<', 4)]"},
		"walk.part":  {"[('doc_id.level', '!=', %d)]"},
	}
	for _, model := range []string{"walk.doc", "walk.place", "walk.tag", "walk.part"} {
		ref, err := env.Ref("walk.model_" + fmt.Sprint(model[:4], "_", model[5:]))
		if err != nil {
			return err
		}
		for range 1 + w.rng.IntN(3) {
			domain := w.pick(domains[model]...)
			if slices.Contains([]byte(domain), '%') {
				domain = fmt.Sprintf(domain, w.rng.IntN(4))
			}
			vals := orm.Values{"name": "walk", "model_id": ref.ID(), "domain_force": domain}
			if g := w.pick("", "walk.group_a", "walk.group_b", "base.group_portal"); g != "" {
				group, err := env.Ref(g)
				if err != nil {
					return err
				}
				vals["groups"] = []orm.Command{orm.SetIDs(group.ID())}
			}
			if _, err := env.Model("ir.rule").Create(vals); err != nil {
				return err
			}
		}
	}
	return nil
}
