package tutorial

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"fusionsoft.ca/fusion/framework/web/webtest"
)

// reader does what the tutorial says.
type reader struct {
	*tree
	cwd    string    // where commands run
	server *exec.Cmd // nil: none runs
	log    *bytes.Buffer
	base   string // address of the server
	answer any    // of the last call
	unread bool   // nothing on the page has been said of the answer
	did    map[string]int
	ran    []string // commands
	hints  []string // commands that fusion scaffold told to run
}

// TestTutorial does what the tutorial says, in its order, and finds what it
// promises.
func TestTutorial(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/tutorial.md")
	if err != nil {
		t.Fatal(err)
	}
	steps, err := blocks(string(page))
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{tree: newTree(t), did: map[string]int{}}
	r.cwd = r.dir
	t.Cleanup(r.stop)
	for _, b := range steps {
		switch {
		case b.lang == "sh" && b.file == "":
			for _, command := range b.commands() {
				r.follow(b.line, command)
			}
		case b.lang == "json" && b.file == "":
			r.compare(b)
		case b.lang == "diff" && b.file != "":
			raw, err := os.ReadFile(r.path(b.file))
			if err != nil {
				t.Fatal(err)
			}
			changed, err := patch(string(raw), b.text)
			if err != nil {
				t.Fatalf("line %d: %s: %v", b.line, b.file, err)
			}
			r.write(b.file, changed)
			r.did["change"]++
		case b.file != "":
			r.write(b.file, b.text)
			r.did["file"]++
		default:
			t.Fatalf("line %d: nobody would notice when this block is wrong", b.line)
		}
	}
	r.work = ""
	r.keepsRules()
	for _, hint := range r.hints {
		if !slices.Contains(r.ran, strings.Replace(hint, "my_database", "tutorial", 1)) {
			t.Errorf("fusion scaffold tells to run %q, which nobody has tried", hint)
		}
	}
	if len(r.hints) != 6 { // go test, make build, check, serve; .ci/run, make run
		t.Errorf("fusion scaffold tells to run %q", r.hints)
	}
	for _, what := range []string{"make", "scaffold", "go test", "check", "data", "-i", "-u", "uninstall", "call", "answer", "file", "change", "module", ".ci/run", "make run"} {
		if r.did[what] == 0 {
			t.Errorf("the page has no %s, or the test does not see it", what)
		}
	}
}

var (
	call   = regexp.MustCompile(`(?s)^curl -s (http://127\.0\.0\.1:8069\S*) -H 'Content-Type: application/json' -d '([^']*)'$`)
	serves = regexp.MustCompile(` at (http://\S+)$`)
	hint   = regexp.MustCompile(`(?m)^ {9}((?:go|make|cd|bin/fusion|\.ci/run)\b.*)$`)
)

// follow does what a line of a shell says.
func (r *reader) follow(line int, command string) {
	r.t.Helper()
	start := time.Now()
	words := strings.Fields(command)
	r.ran = append(r.ran, command)
	switch {
	case words[0] == "mkdir" && len(words) == 2:
		r.run(r.cwd, "mkdir", words[1])
	case words[0] == "cd" && len(words) == 2:
		r.stop()
		r.cwd = filepath.Join(r.cwd, words[1])
	case command == "make run":
		// What make would run, at a free address.
		r.run(r.cwd, "make", "build")
		recipe := strings.Split(strings.TrimSpace(r.run(r.cwd, "make", "-n", "run")), "\n")
		serve, ok := strings.CutPrefix(recipe[len(recipe)-1], "exec bin/fusion ")
		if !ok {
			r.t.Fatalf("line %d: make run does %q", line, recipe)
		}
		r.start(line, strings.Fields(serve))
		r.did[command]++
	case command == ".ci/run":
		out := r.run(r.cwd, "sh", "-c", command)
		if !strings.Contains(out, "ok  \texample.com/workshop/addons/workshop") || !strings.Contains(out, "no problems") {
			r.t.Errorf("line %d: %s", line, out)
		}
		r.did[command]++
	case strings.HasPrefix(command, "bin/fusion -d "):
		r.stop()
		r.start(line, words[1:])
		r.did[words[3]]++
	case strings.HasPrefix(command, "curl "):
		m := call.FindStringSubmatch(command)
		if m == nil {
			r.t.Fatalf("line %d: the test does not understand %s", line, command)
		}
		r.agree(line)
		r.post(strings.Replace(m[1], "http://127.0.0.1:8069", r.base, 1), m[2])
		r.did["call"]++
	case strings.HasPrefix(command, "bin/fusion module uninstall "):
		r.look()
		if out := r.run(r.cwd, "sh", "-c", command); !strings.Contains(out, "uninstalled: library_limit, library") {
			r.t.Errorf("line %d: %s", line, out)
		}
		r.did["uninstall"]++
	case words[0] == "make" || strings.HasSuffix(words[0], "bin/fusion") || strings.HasPrefix(command, "go test ./"):
		out := r.run(r.cwd, "sh", "-c", command)
		if words[1] == "scaffold" {
			for _, m := range hint.FindAllStringSubmatch(out, -1) {
				r.hints = append(r.hints, m[1])
			}
			if strings.Contains(command, "--module") {
				r.stands()
				r.did["module"]++
			}
		}
		for _, what := range []string{"make", "go test", "scaffold", "check", "data"} {
			if strings.Contains(command, what) {
				r.did[what]++
			}
		}
		if strings.Contains(command, "check") && !strings.Contains(out, "no problems") {
			r.t.Errorf("line %d: %s", line, out)
		}
		if strings.Contains(out, "no test files") || strings.Contains(out, "no tests to run") {
			r.t.Errorf("line %d: %s", line, out)
		}
	default:
		r.t.Fatalf("line %d: the test does not understand %s", line, command)
	}
	r.t.Logf("%5.1f s  %s", time.Since(start).Seconds(), words[:min(len(words), 6)])
}

// stands proves that a module of its own finds all it imports by its own go.mod and
// go.sum. From then on it is compiled in a workspace with the checkout, in which what
// is compiled already is used: the compiler takes a module that is replaced for
// another one than the same module at work on itself. The requirements of a workspace
// are not pruned: x/exp, which only staticcheck could need, is put aside, or it would
// have to be fetched.
func (r *reader) stands() {
	r.t.Helper()
	if out := r.run(r.cwd, "go", "list", "-deps", "-test", "-f", "{{.Module}}", "./...", "tool"); !strings.Contains(out, "fusionsoft.ca/fusion v0.0.0 => ../fusion") {
		r.t.Errorf("Fusion is not the checkout's:\n%s", out)
	}
	r.write("../exp/go.mod", "module golang.org/x/exp\n")
	r.work = filepath.Join(filepath.Dir(r.dir), "go.work")
	r.run(filepath.Dir(r.dir), "go", "work", "init", r.dir, r.cwd)
	r.run(filepath.Dir(r.dir), "go", "work", "edit", "-replace=golang.org/x/exp="+r.path("../exp"))
}

// start runs the server, at a free address.
func (r *reader) start(line int, args []string) {
	r.t.Helper()
	r.log = &bytes.Buffer{}
	r.server = exec.Command(filepath.Join(r.cwd, "bin/fusion"), append(args, "--http", "127.0.0.1:0")...)
	r.server.Dir, r.server.Env, r.server.Stderr = r.cwd, r.environment(), r.log
	out, err := r.server.StdoutPipe()
	if err == nil {
		err = r.server.Start()
	}
	if err != nil {
		r.t.Fatal(err)
	}
	// When nothing comes the time limit of go test shows where it waits.
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if m := serves.FindStringSubmatch(lines.Text()); m != nil {
			r.base = m[1]
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return
		}
	}
	r.t.Fatalf("line %d: the server ended: %v\n%s", line, r.server.Wait(), r.log)
}

// stop ends the server as Ctrl-C does.
func (r *reader) stop() {
	if r.server == nil {
		return
	}
	if err := r.server.Process.Signal(syscall.SIGINT); err != nil {
		r.t.Error(err)
	}
	if err := r.server.Wait(); err != nil {
		r.t.Errorf("the server stops with %v:\n%s", err, r.log)
	}
	r.server = nil
}

func (r *reader) post(address, body string) {
	r.t.Helper()
	res, err := http.Post(address, "application/json", strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	r.answer, r.unread = nil, true
	if err := json.NewDecoder(res.Body).Decode(&r.answer); err != nil {
		r.t.Fatal(err)
	}
}

// agree checks that an answer of which the page says nothing is no error.
func (r *reader) agree(line int) {
	r.t.Helper()
	if answer, ok := r.answer.(map[string]any); r.unread && ok && answer["error"] != nil {
		r.t.Errorf("before line %d: %v", line, answer["error"])
	}
	r.unread = false
}

// compare holds the last answer against what the page says of it.
func (r *reader) compare(b block) {
	r.t.Helper()
	var want any
	if err := json.Unmarshal([]byte(b.text), &want); err != nil {
		r.t.Fatalf("line %d: %v", b.line, err)
	}
	if why := lacks(r.answer, want); why != "" {
		r.t.Errorf("line %d: %s\n in %v", b.line, why, r.answer)
	}
	r.unread = false
	r.did["answer"]++
}

// look visits what the reader has got before it goes, as the page says it.
func (r *reader) look() {
	r.t.Helper()
	r.agree(0)
	v := webtest.Visit(r.t, r.base)
	v.Get("/web/login").Submit("@password", "login", "admin", "password", "admin")
	home := v.Get("/")
	if !home.HasLink("Li Library") {
		r.t.Fatalf("no Library among %s", home.Text())
	}
	list := home.Link("Li Library")
	want := [][]string{{"Dracula", "My Company", "Lent"}, {"Emma", "", "Available"}}
	var got [][]string
	for _, row := range list.Table() {
		if i := slices.IndexFunc(want, func(w []string) bool { return slices.Contains(row, w[0]) }); i >= 0 {
			got = append(got, row)
			for _, cell := range want[i] {
				if !slices.Contains(row, cell) {
					r.t.Errorf("%q is not in the row %q", cell, row)
				}
			}
		}
	}
	if len(got) != 2 {
		r.t.Errorf("the list of books is %q", list.Table())
	}
	if book := list.Link("Dracula"); book.Button("Take Back") == "" || book.Button("Lend") != "" {
		r.t.Errorf("Dracula can be lent, or cannot be taken back: %s", book.Text())
	}
}
