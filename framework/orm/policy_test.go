package orm

import (
	"slices"
	"strings"
	"testing"
)

// gatePolicy lets everybody read the models that t.right names, and of the notes those
// of the user's login.
type gatePolicy struct {
	OpenPolicy
	asked *int // how often the rights were read
}

func (gatePolicy) Models() PolicyModels {
	return PolicyModels{Users: "t.user", Sources: []string{"t.right"}}
}

func (p gatePolicy) Rights(e *Env) (*Rights, error) {
	*p.asked++
	r := &Rights{Grants: map[string][]Grant{}, Rules: map[string][]Rule{"t.note": {{Name: "own", Domain: "[('name', '=', user.login)]", Ops: map[Op]bool{OpRead: true}}}}}
	models, err := Rows[string](e, SQL("SELECT name FROM t_right").Reads("t.right"))
	for _, m := range models {
		r.Grants[m] = []Grant{{Ops: map[Op]bool{OpRead: true}}}
	}
	return r, err
}

func (gatePolicy) UserInfo(_ *Env, _ *Rights, user int64) (*UserInfo, error) {
	return &UserInfo{Login: map[int64]string{2: "ann"}[user], Companies: []int64{7}}, nil
}

func (gatePolicy) RuleUser(_ *Env, info *UserInfo) any { return map[string]any{"login": info.Login} }

// What the policy says counts, and is asked again when one of its models changes, and
// for no other reason.
func TestPolicyIsAskedOnce(t *testing.T) {
	t.Parallel()
	type user struct {
		Record `orm:"t.user"`
		Name   string `orm:"name"`
	}
	type right struct {
		Record `orm:"t.right"`
		Name   string `orm:"name"`
	}
	type note struct {
		Record `orm:"t.note" order:"id"`
		Name   string `orm:"name"`
	}
	type data struct {
		Record `orm:"ir.model.data"`
		Module string `orm:"module"`
		Name   string `orm:"name"`
		Model  string `orm:"model"`
		ResID  int64  `orm:"res_id"`
	}
	asked := 0
	db := testDBOf(t, registryOf(t, func(r *Registry) {
		r.SetPolicy(gatePolicy{asked: &asked})
		Define[user](r)
		Define[right](r)
		Define[note](r)
		Define[data](r)
	}))
	system := func(fn func(*Env) error) {
		t.Helper()
		if err := db.Run(t.Context(), System(), fn); err != nil {
			t.Fatal(err)
		}
	}
	seen := func() (ids []int64, err error) {
		err = db.View(t.Context(), User{ID: 2}, func(e *Env) error {
			found, err := e.Model("t.note").Search(nil, SearchOptions{})
			ids = found.IDs
			if e.Company() != 7 {
				t.Errorf("the company is %d", e.Company())
			}
			return err
		})
		return ids, err
	}
	var rightID int64
	system(func(e *Env) error {
		must[Records](t)(e.Model("t.user").Create(Values{"name": "root"}, Values{"name": "ann"}))
		must[Records](t)(e.Model("t.note").Create(Values{"name": "bob"}, Values{"name": "ann"}))
		return nil
	})
	if _, err := seen(); !IsCode(err, CodeAccess) {
		t.Fatalf("without a right: %v", err)
	}
	system(func(e *Env) error {
		rightID = must[Records](t)(e.Model("t.right").Create(Values{"name": "t.note"})).ID()
		return nil
	})
	if ids, err := seen(); err != nil || !slices.Equal(ids, []int64{2}) {
		t.Fatalf("with a right: %v, %v", ids, err)
	}
	before := asked
	system(func(e *Env) error { return e.Model("t.note").Browse(1).Write(Values{"name": "ann"}) })
	if ids, err := seen(); err != nil || len(ids) != 2 || asked != before {
		t.Errorf("after a change of notes: %v, %v, asked %d times more", ids, err, asked-before)
	}
	system(func(e *Env) error { return e.Model("t.right").Browse(rightID).Unlink() })
	if _, err := seen(); !IsCode(err, CodeAccess) || asked == before {
		t.Errorf("after the right is gone: %v, asked %d times more", err, asked-before)
	}
	if f := db.Registry.models["t.note"].Fields["create_uid"]; f.Comodel != "t.user" {
		t.Errorf("the creators of notes are %s %q", f.Kind, f.Comodel)
	}
}

// Mistakes of a policy are found before anything runs.
func TestPolicyIsChecked(t *testing.T) {
	t.Parallel()
	r := NewRegistry()
	r.Begin("t")
	r.SetPolicy(gatePolicy{})
	r.SetPolicy(gatePolicy{})
	err := r.Freeze()
	for _, want := range []string{"there is a policy already", `stands on an unknown model "t.right"`, `names an unknown model "t.user"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q in %v", want, err)
		}
	}
}
