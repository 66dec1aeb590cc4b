// Package program lets tests use the program from the outside, as people and
// scripts do: it builds the binary, runs it, waits for what it prints, kills it,
// and speaks JSON-RPC with it. It imports nothing of ours.
package program

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary builds the program once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "fusion-test-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "fusion")
	// As make build does it, so that what is compiled already is used.
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "fusionsoft.ca/fusion/cmd/fusion")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building: %w\n%s", err, out)
	}
	return path, nil
})

// Main is the TestMain of packages that use the program.
func Main(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

func command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "DATABASE_URL=") && !strings.HasPrefix(v, "FUSION_SECRET_KEYS=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	return cmd
}

// Finish runs the program to its end and returns what it printed.
func Finish(t testing.TB, args ...string) string {
	t.Helper()
	cmd := command(t, args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("fusion %s: %v\n%s%s", strings.Join(args, " "), err, out, errs.String())
	}
	return string(out)
}

// Running is a program that stays.
type Running struct {
	t     testing.TB
	cmd   *exec.Cmd
	lines chan string
	seen  []string
	errs  bytes.Buffer
	done  chan error
}

// Start runs the program until Stop or Kill, or the end of the test.
func Start(t testing.TB, args ...string) *Running {
	t.Helper()
	r := &Running{t: t, cmd: command(t, args...), lines: make(chan string, 1000), done: make(chan error, 1)}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stderr = &r.errs
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		sc := bufio.NewScanner(out)
		for sc.Scan() {
			r.lines <- sc.Text()
		}
		close(r.lines)
		r.done <- cmp.Or(sc.Err(), r.cmd.Wait())
	}()
	t.Cleanup(func() {
		if r.cmd.ProcessState == nil {
			_ = r.cmd.Process.Kill()
			<-r.done
		}
	})
	return r
}

// Wait returns the submatches of the next line that matches.
func (r *Running) Wait(pattern string) []string {
	r.t.Helper()
	re := regexp.MustCompile(pattern)
	end := time.After(2 * time.Minute)
	for {
		select {
		case line, ok := <-r.lines:
			if !ok {
				r.t.Fatalf("the program ended without a line %q:\n%s\n%s", pattern, strings.Join(r.seen, "\n"), r.errs.String())
			}
			r.seen = append(r.seen, line)
			if m := re.FindStringSubmatch(line); m != nil {
				return m
			}
		case <-end:
			r.t.Fatalf("no line %q in two minutes:\n%s", pattern, strings.Join(r.seen, "\n"))
		}
	}
}

// PID is the program's process.
func (r *Running) PID() int { return r.cmd.Process.Pid }

// Stop asks the program to end, and expects it to do so well and soon.
func (r *Running) Stop() {
	r.t.Helper()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		r.t.Fatal(err)
	}
	for range r.lines {
	}
	select {
	case err := <-r.done:
		if err != nil {
			r.t.Errorf("after SIGTERM: %v\n%s", err, r.errs.String())
		}
	case <-time.After(30 * time.Second):
		r.t.Fatal("the program does not stop")
	}
}

// Kill ends the program as a power cut would.
func (r *Running) Kill() {
	r.t.Helper()
	if err := r.cmd.Process.Kill(); err != nil {
		r.t.Fatal(err)
	}
	for range r.lines {
	}
	<-r.done
}

// Row is a record as JSON-RPC shows it.
type Row = map[string]any

// Client speaks JSON-RPC with a demonstration, as its administrator.
type Client struct {
	t    testing.TB
	base string
	db   string
	uid  int
}

// Login logs in at a demonstration.
func Login(t testing.TB, base string) *Client {
	t.Helper()
	c := &Client{t: t, base: base, db: "demo"}
	c.post("common", "login", []any{c.db, "admin", "admin"}, &c.uid)
	if c.uid == 0 {
		t.Fatal("admin cannot log in")
	}
	return c
}

func (c *Client) post(service, method string, args []any, result any) {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "call", "id": 1, "params": map[string]any{"service": service, "method": method, "args": args}})
	if err != nil {
		c.t.Fatal(err)
	}
	res, err := http.Post(c.base+"/jsonrpc", "application/json", bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var answer struct {
		Result json.RawMessage
		Error  json.RawMessage
	}
	if err := json.Unmarshal(raw, &answer); err != nil || answer.Error != nil {
		c.t.Fatalf("%s.%s%.200v: %v %s", service, method, args, err, raw)
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		c.t.Fatalf("%s.%s: %v in %s", service, method, err, answer.Result)
	}
}

// Call calls a method of a model.
func (c *Client) Call(model, method string, args []any, kw map[string]any, result any) {
	c.t.Helper()
	if kw == nil {
		kw = map[string]any{}
	}
	c.post("object", "execute_kw", []any{c.db, c.uid, "admin", model, method, args, kw}, result)
}

// Count counts the records of a domain.
func (c *Client) Count(model string, domain ...any) int {
	c.t.Helper()
	var n int
	if domain == nil {
		domain = []any{}
	}
	c.Call(model, "search_count", []any{domain}, nil, &n)
	return n
}

// Rows reads the records of a domain.
func (c *Client) Rows(model string, domain []any, fields ...string) []Row {
	c.t.Helper()
	var rows []Row
	c.Call(model, "search_read", []any{domain}, map[string]any{"fields": fields, "limit": 0}, &rows)
	return rows
}
