package orm

import (
	"context"
	"testing"
)

type team struct {
	Record  `orm:"t.team"`
	Name    string         `orm:"name,required"`
	Members Many[teammate] `orm:"member_ids,inverse=team_id"`
}

type teammate struct {
	Record `orm:"t.teammate"`
	Name   string    `orm:"name,required"`
	Team   Ref[team] `orm:"team_id"`
}

// bigTeam sees its members by a larger facet than the one it embeds does.
type bigTeam struct {
	team
	Members Many[bigMate] `orm:"member_ids"`
}

type bigMate struct {
	teammate
	Team  Ref[bigTeam] `orm:"team_id"`
	Goals int          `orm:"goals"`
}

func TestAFieldOfAFacetHidesThatOfTheFacetItEmbeds(t *testing.T) {
	r := NewRegistry()
	r.Begin("t")
	Define[team](r)
	Define[teammate](r)
	Extend[bigTeam](r, "t.team")
	Extend[bigMate](r, "t.teammate")
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	e := must[*Env](t)(testDBOf(t, r).Begin(context.Background(), System()))
	t.Cleanup(e.Rollback)
	rs := must[Records](t)(e.Model("t.team").Create(Values{"name": "Reds", "member_ids": []any{[]any{0, 0, map[string]any{"name": "Ann", "goals": 3}}}}))
	b := must[*bigTeam](t)(Get[bigTeam](e, rs.ID(), "member_ids.team_id"))
	if m := b.Members.All()[0]; m.Goals != 3 || m.Team.Rec().Name != "Reds" {
		t.Errorf("members: %+v", m)
	}
}
