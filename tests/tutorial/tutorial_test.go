package tutorial

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
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
	server *exec.Cmd // nil: none runs
	log    *bytes.Buffer
	base   string // address of the server
	answer any    // of the last call
	unread bool   // nothing on the page has been said of the answer
	did    map[string]int
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
	r.keepsRules()
	for _, what := range []string{"make", "scaffold", "go test", "check", "data", "-i", "-u", "uninstall", "call", "answer", "file", "change"} {
		if r.did[what] == 0 {
			t.Errorf("the page has no %s, or the test does not see it", what)
		}
	}
}

var (
	call   = regexp.MustCompile(`(?s)^curl -s (http://127\.0\.0\.1:8069\S*) -H 'Content-Type: application/json' -d '([^']*)'$`)
	serves = regexp.MustCompile(` at (http://\S+)$`)
)

// follow does what a line of a shell says.
func (r *reader) follow(line int, command string) {
	r.t.Helper()
	start := time.Now()
	words := strings.Fields(command)
	switch {
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
		if out := r.run(r.dir, "sh", "-c", command); !strings.Contains(out, "uninstalled: library_limit, library") {
			r.t.Errorf("line %d: %s", line, out)
		}
		r.did["uninstall"]++
	case words[0] == "make" || words[0] == "bin/fusion" || strings.HasPrefix(command, "go test ./"):
		out := r.run(r.dir, "sh", "-c", command)
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

// start runs the server, at a free address.
func (r *reader) start(line int, args []string) {
	r.t.Helper()
	r.log = &bytes.Buffer{}
	r.server = exec.Command(r.path("bin/fusion"), append(args, "--http", "127.0.0.1:0")...)
	r.server.Dir, r.server.Env, r.server.Stderr = r.dir, environment(), r.log
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
