package conformance

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// seedDoc is the data set the cases work on.
type seedDoc struct {
	Users map[string]credentials `json:"users"`
	Ops   []seedOp               `json:"ops"`
}

type credentials struct {
	Login    string `json:"login"`
	Password string `json:"password"`
}

type seedOp struct {
	Op          string         `json:"op"`
	Model       string         `json:"model"`
	ResultModel string         `json:"result_model"`
	Name        string         `json:"name"`
	Names       []string       `json:"names"`
	Groups      []string       `json:"groups"`
	Domain      any            `json:"domain"`
	Order       string         `json:"order"`
	Create      any            `json:"create"`
	XMLID       string         `json:"xmlid"`
	Of          string         `json:"of"`
	Field       string         `json:"field"`
	Index       int            `json:"index"`
	IDs         any            `json:"ids"`
	Values      any            `json:"values"`
	Context     any            `json:"context"`
	Method      string         `json:"method"`
	Args        []any          `json:"args"`
	Kwargs      map[string]any `json:"kwargs"`
	Path        string         `json:"path"`
}

type testCase struct {
	ID    string `json:"id"`
	Title string `json:"title"`
	Steps []step `json:"steps"`
	step
}

// step is one request and what the answer must be.
type step struct {
	Model   string         `json:"model"`
	Service string         `json:"service"`
	Method  string         `json:"method"`
	Args    []any          `json:"args"`
	Kwargs  map[string]any `json:"kwargs"`
	User    string         `json:"user"`
	HTTP    *exchange      `json:"http"`
	Expect  map[string]any `json:"expect"`
	Save    any            `json:"save"`
	Stop    *bool          `json:"stop"`
}

type exchange struct {
	Method  string            `json:"method"`
	Path    string            `json:"path"`
	Headers map[string]string `json:"headers"`
	JSON    json.RawMessage   `json:"json"`
	Form    map[string]any    `json:"form"`
	Body    *string           `json:"body"`
	Cookies *bool             `json:"cookies"`
}

func (c testCase) steps() []step {
	if len(c.Steps) > 0 {
		return c.Steps
	}
	return []step{c.step}
}

// readJSON reads a file, a compressed one when there is no plain one, keeping numbers as they are written.
func readJSON(t testing.TB, name string, into any) {
	t.Helper()
	plain, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		plain, err = readCompressed(filepath.Join("testdata", name+".json.gz"))
	}
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(plain))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		t.Fatal(err)
	}
}

func readCompressed(path string) ([]byte, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// listed are the cases that a list of testdata names, with their reasons.
func listed(t testing.TB, name string) map[string]string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for i, line := range strings.Split(string(raw), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, reason, ok := strings.Cut(line, " ")
		if !ok || strings.TrimSpace(reason) == "" {
			t.Fatalf("testdata/%s:%d: %s has no reason", name, i+1, id)
		}
		out[id] = strings.TrimSpace(reason)
	}
	return out
}
