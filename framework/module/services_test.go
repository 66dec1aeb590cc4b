package module

import (
	"context"
	"slices"
	"testing"

	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/route"
)

func TestServicesAreChecked(t *testing.T) {
	t.Parallel()
	answer := func(*orm.Env, *route.Request) (*route.Answer, error) { return nil, nil }
	page := func(*orm.Env, route.Action) (*route.Content, error) { return nil, nil }
	panel := map[string]route.Panel{"n": {Show: func(*orm.Env, route.RecordPage) (string, error) { return "", nil },
		Posts: map[string]func(*orm.Env, route.RecordPage) error{"say": nil}}}
	work := func(context.Context, *jobs.Work) error { return nil }
	var got []string
	for _, p := range checkServices([]Addon{
		{Name: "a", Routes: []route.Route{{Path: "/x", Methods: []string{"GET"}, Handler: answer}}, Pages: map[string]route.Page{"p": page}, Panels: panel, Jobs: map[string]jobs.Handler{"j": work}, Auth: &route.Auth{}},
		{Name: "b", Routes: []route.Route{{Path: "/x", Methods: []string{"GET", "POST"}, Handler: answer}, {Path: "y"}}, Pages: map[string]route.Page{"p": page}, Panels: panel, Jobs: map[string]jobs.Handler{"j": work}, Auth: &route.Auth{}},
		{Name: "c", Routes: []route.Route{{Path: "/z"}}, Panels: map[string]route.Panel{"empty": {}}},
	}) {
		got = append(got, p.String())
	}
	want := []string{
		"b: the route GET /x is a's already",
		`b: the path of a route begins with a slash: "y"`,
		"b: the page p is a's already",
		"b: the panel n is a's already",
		"b: what panels post to say is a's already",
		"b: the job j is a's already",
		"b: it recognises users, which a does already",
		"c: the route /z has no handler",
		"c: the panel empty shows nothing",
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
