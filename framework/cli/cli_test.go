package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fusionsoft.ca/fusion/framework/keyring"
	"fusionsoft.ca/fusion/framework/module"
)

// TestDatabase checks which database the flags and DATABASE_URL choose.
func TestDatabase(t *testing.T) {
	t.Parallel()
	const server = "postgres://me:hunter2@db.example:5433/main?sslmode=require"
	for _, c := range []struct{ db, server, url, name, err string }{
		{"", "", "", "", ""},
		{"shop", "", "", "shop", ""},
		{"postgres://a@b/c", "", "postgres://a@b/c", "", ""},
		{"host=b dbname=c", "", "host=b dbname=c", "", ""},
		{"", server, server, "", ""},
		{"postgres://a@b/c", server, "postgres://a@b/c", "", ""},
		{"shop", server, "postgres://me:hunter2@db.example:5433/shop?sslmode=require", "", ""},
		{"shop", "postgres:///main?host=/run/pg", "postgres:///shop?host=/run/pg", "", ""},
		{"shop", "host=b password=hunter2", "", "", "-d cannot choose"},
		{"shop", "postgres://me:hunter2@%zz/main", "", "", "-d cannot choose"},
	} {
		cmd := serveCmd{databaseFlags: databaseFlags{DB: c.db, Server: c.server, DataDir: "d"}, HTTP: "127.0.0.1:0", Workers: 1}
		set, err := cmd.settings(nil)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("-d %q, DATABASE_URL %q: error %v", c.db, c.server, err)
			}
			continue
		}
		if err != nil || set.URL != c.url || set.Database != c.name {
			t.Errorf("-d %q, DATABASE_URL %q: url %q, name %q, %v", c.db, c.server, set.URL, set.Database, err)
		}
	}
}

// TestParts checks which parts of the program --web, --cron and --jobs start.
func TestParts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		cmd             serveCmd
		http, cron, job bool
	}{
		{serveCmd{}, true, true, true},
		{serveCmd{Web: true}, true, false, false},
		{serveCmd{Cron: true, Jobs: true}, false, true, true},
		{serveCmd{StopAfterInit: true}, false, true, true},
	} {
		c.cmd.HTTP, c.cmd.Workers = "127.0.0.1:0", 1
		set, err := c.cmd.settings(nil)
		if err != nil || (set.HTTP != "") != c.http || set.Cron != c.cron || set.Jobs != c.job {
			t.Errorf("%+v: %+v, %v", c.cmd, set, err)
		}
	}
}

// TestKeyIsMadeOnce lets programs that start at once in a fresh directory make
// the key of secrets: they must end with the same one.
func TestKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() + "/data"
	rings := make([]*keyring.Keyring, 8)
	var wait sync.WaitGroup
	for i := range rings {
		wait.Go(func() {
			var err error
			if rings[i], err = openKeyring(dir); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if t.Failed() {
		return
	}
	sealed, err := rings[0].Seal("cs_secret")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rings {
		if plain, err := r.Open(sealed); err != nil || plain != "cs_secret" {
			t.Errorf("another key: %q, %v", plain, err)
		}
	}
}

// TestKeysOfOthersAreFound lets one process rotate the key while another runs on
// the same directory.
func TestKeysOfOthersAreFound(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	running, err := openKeyring(dir)
	if err != nil {
		t.Fatal(err)
	}
	before, err := running.Seal("old")
	if err != nil {
		t.Fatal(err)
	}
	rotating, err := openKeyring(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := addKey(dir, rotating); err != nil {
		t.Fatal(err)
	}
	after, err := rotating.Seal("new")
	if err != nil {
		t.Fatal(err)
	}
	for sealed, want := range map[string]string{before: "old", after: "new"} {
		for _, ring := range []*keyring.Keyring{running, rotating} {
			if plain, err := ring.Open(sealed); err != nil || plain != want {
				t.Errorf("%q, %v, want %s", plain, err, want)
			}
		}
	}
	if info, err := os.Stat(keyFile(dir)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	unlock, err := lockKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockKeys(dir); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("a second rotation at once: %v", err)
	}
	unlock()
}

func TestReachable(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"0.0.0.0:80": "127.0.0.1:80", "[::]:80": "127.0.0.1:80", "127.0.0.1:8069": "127.0.0.1:8069", "[::1]:80": "[::1]:80"} {
		a, err := net.ResolveTCPAddr("tcp", in)
		if err != nil {
			t.Fatal(err)
		}
		if got := reachable(a); got != want {
			t.Errorf("%s is reached at %s, want %s", in, got, want)
		}
	}
}

type greet struct {
	Hello helloCmd `cmd:"" help:"Greet."`
}

type helloCmd struct{ Name string }

func (c *helloCmd) Run(_ context.Context, app App, g *Globals, out io.Writer) error {
	if g.Logger(slog.LevelWarn).Enabled(context.Background(), slog.LevelInfo) {
		return errors.New("logs more than it chose to")
	}
	_, err := io.WriteString(out, app.Name+" greets "+c.Name+"\n")
	return err
}

// TestCommandsOfTheProgram runs a command that a program adds.
func TestCommandsOfTheProgram(t *testing.T) {
	t.Parallel()
	app := App{Name: "Test", Addons: []module.Addon{{Name: "base", Version: "19.0.1.0.0"}}, Commands: []any{&greet{}}}
	for _, c := range []struct {
		args     string
		code     int
		out, err string
	}{
		{"hello --name you", 0, "Test greets you\n", ""},
		{"hello --log-level info", 1, "", "fusion: logs more than it chose to\n"},
		{"hello --nmae you", 2, "", "fusion: unknown flag --nmae, did you mean \"--name\"?\nSee fusion --help.\n"},
		{"-i nothing --data-dir none", 1, "", "fusion: nothing: there is no such addon\n"},
	} {
		var out, errs bytes.Buffer
		code := run(context.Background(), app, strings.Fields(c.args), &out, &errs)
		if code != c.code || out.String() != c.out || errs.String() != c.err {
			t.Errorf("%s: %d, %q, %q", c.args, code, out.String(), errs.String())
		}
	}
}

// TestScaffold: what is printed can be done as it stands, in Fusion's own
// module and in others.
func TestScaffold(t *testing.T) {
	t.Parallel()
	const fetch, requires = "go mod edit -require=fusionsoft.ca/fusion@v0.0.0 -replace=fusionsoft.ca/fusion=", "\n\nrequire fusionsoft.ca/fusion v1.2.3\n"
	for name, c := range map[string]struct {
		mod, list  string
		want, none []string
	}{
		"Fusion":            {"fusionsoft.ca/fusion", "standard/standard.go", []string{`"fusionsoft.ca/fusion/addons/library"`, "library.Addon(),", "standard/standard.go", "-i library"}, []string{"go mod"}},
		"a program":         {"example.com/shop" + requires, "main.go", []string{`"example.com/shop/addons/library"`, "library.Addon(),", "program, main.go", "make build", "-i library"}, []string{"go mod"}},
		"a module, not yet": {"example.com/shop", "main.go", []string{fetch, "go mod tidy", "program, main.go"}, nil},
		"no program":        {"example.com/shop" + requires, "shop/shop.go", []string{"This module has none"}, []string{"go mod", "make build", "bin/fusion"}},
	} {
		dir := t.TempDir()
		addons, list := filepath.Join(dir, "addons"), filepath.Join(dir, filepath.FromSlash(c.list))
		if err := errors.Join(os.Mkdir(addons, 0o700), os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module "+c.mod+"\n"), 0o600),
			os.MkdirAll(filepath.Dir(list), 0o700), os.WriteFile(list, []byte("package main\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := (&scaffoldCmd{Name: "library", Model: "book", Dir: addons}).Run(&out); err != nil {
			t.Fatal(err)
		}
		for _, w := range append(c.want, filepath.Join(addons, "library", "book.go"), "cd "+dir+"\n", "go test ./addons/library\n") {
			if !strings.Contains(out.String(), w) {
				t.Errorf("%s: %q is not in\n%s", name, w, out.String())
			}
		}
		for _, n := range c.none {
			if strings.Contains(out.String(), n) {
				t.Errorf("%s: %q is in\n%s", name, n, out.String())
			}
		}
		if err := (&scaffoldCmd{Name: "other", Dir: addons, Module: "example.com/other"}).Run(&out); err == nil || !strings.Contains(err.Error(), "in an empty folder") {
			t.Errorf("%s: a module in a module: %v", name, err)
		}
	}
}

func TestShellWord(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]string{"/tmp/a-b": "/tmp/a-b", "/tmp/a b": "'/tmp/a b'", "/it's": `'/it'\''s'`} {
		if got := shellWord(word); got != want {
			t.Errorf("%s is written %s, want %s", word, got, want)
		}
	}
}
