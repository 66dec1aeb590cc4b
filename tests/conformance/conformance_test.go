package conformance

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/standard"
)

const database = "conformance"

// start serves a fresh database with all addons.
func start(t *testing.T) *world {
	t.Helper()
	db := ormtest.DB(t, standard.Program().Addons...)
	srv, err := server.New(db, server.Config{Database: database, Logger: slog.New(slog.DiscardHandler),
		Auth: server.Auth{Login: base.Authenticate, Program: base.AuthenticateProgram, Password: base.CheckCredentials, Key: base.CheckAPIKey, Stamp: base.SessionStamp, Context: base.UserContext}})
	if err != nil {
		t.Fatal(err)
	}
	rpc.Mount(srv)
	http := httptest.NewServer(srv)
	t.Cleanup(http.Close)
	return &world{client: &client{url: http.URL, db: database, login: "admin", password: "admin"},
		refs: map[string]int64{}, groups: map[string][]string{}, uids: map[string]int64{}}
}

func TestCorpus(t *testing.T) {
	t.Parallel()
	w := start(t)
	var doc seedDoc
	readJSON(t, "seed", &doc)
	w.users = doc.Users
	if err := w.seed(doc); err != nil {
		t.Fatal(err)
	}
	skip := listed(t, "excluded.txt")
	known := map[string]bool{}
	serial := fmt.Sprint(time.Now().UnixNano())
	for _, name := range []string{"A_core_orm", "B_domains", "C_errors_security", "D_business_flows", "own_cases"} {
		var file struct {
			Cases []testCase `json:"cases"`
		}
		readJSON(t, name, &file)
		for _, c := range file.Cases {
			known[c.ID] = true
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ran, failed := 0, 0
			for i, c := range file.Cases {
				if skip[c.ID] != "" {
					continue
				}
				ran++
				s := &scope{world: w, vars: map[string]any{}, cookies: map[string]string{}, token: fmt.Sprintf("%s%s%d", serial, strings.ToLower(name[:1]), i)}
				problems := s.run(c)
				if len(problems) == 0 {
					continue
				}
				if failed++; failed <= 30 {
					t.Errorf("%s — %s\n\t%s", c.ID, c.Title, strings.Join(problems, "\n\t"))
				}
			}
			if failed > 30 {
				t.Errorf("%d more cases fail", failed-30)
			}
			t.Logf("%d cases: %d run, %d passed, %d excluded", len(file.Cases), ran, ran-failed, len(file.Cases)-ran)
			if ran == 0 {
				t.Error("no case was run")
			}
		})
	}
	for id := range skip {
		if !known[id] {
			t.Errorf("testdata/excluded.txt names %s, which is no case", id)
		}
	}
}
