package security

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

// Where a file lies is nobody's to read or write: whoever could point his
// attachment at another's file would read it.
func TestColumnsOfStorageAreTheSystems(t *testing.T) {
	t.Parallel()
	m := newMailroom(t)
	key := m.rows("SELECT store_fname FROM ir_attachment WHERE id = ?", m.files["Hidden"])[0]
	if len(key) != 64 {
		t.Fatalf("the hidden file lies at %q", key)
	}
	columns := []string{"store_fname", "db_datas", "access_token"}
	for _, login := range []string{"seller", "customer"} {
		for _, name := range columns {
			m.refused(login, "ir.attachment", "search_read", []any{[]any{}, []any{name}}, nil)
			m.refused(login, "ir.attachment", "search_count", []any{[]any{[]any{name, "=like", key[:4] + "%"}}}, nil)
			m.refused(login, "ir.attachment", "search", []any{[]any{}}, map[string]any{"order": name})
			m.refused(login, "ir.attachment", "read_group", []any{[]any{}, []any{name}, []any{name}}, nil)
		}
		fields := m.must(login, "ir.attachment", "fields_get", []any{}, nil).(map[string]any)
		for _, name := range columns {
			if fields[name] != nil {
				t.Errorf("%s is told of the field %s", login, name)
			}
		}
		own := m.id(m.must(login, "ir.attachment", "create", []any{map[string]any{"name": "own.txt", "raw": "own content"}}, nil))
		stored := m.rows("SELECT store_fname, checksum, file_size FROM ir_attachment WHERE id = ?", own)[0]
		for name, value := range map[string]any{"store_fname": key, "db_datas": "QQ==", "access_token": "x", "checksum": strings.Repeat("a", 40), "file_size": 1, "index_content": "x"} {
			_, _ = m.call(login, "ir.attachment", "write", []any{[]any{own}, map[string]any{name: value}}, nil)
			made, err := m.call(login, "ir.attachment", "create", []any{map[string]any{"name": "forged.txt", name: value}}, nil)
			if err == nil {
				if n := m.rows("SELECT count(*) FROM ir_attachment WHERE id = ? AND ("+name+")::text = ?::text", m.id(made), fmt.Sprint(value)); n[0] != "0" {
					t.Errorf("%s sets %s of a new attachment", login, name)
				}
			}
			made, err = m.call(login, "ir.attachment", "create", []any{map[string]any{"name": "forged.txt"}}, map[string]any{"context": map[string]any{"default_" + name: value}})
			if err == nil {
				if n := m.rows("SELECT count(*) FROM ir_attachment WHERE id = ? AND ("+name+")::text = ?::text", m.id(made), fmt.Sprint(value)); n[0] != "0" {
					t.Errorf("%s sets %s by a default of the context", login, name)
				}
			}
		}
		if now := m.rows("SELECT store_fname, checksum, file_size FROM ir_attachment WHERE id = ?", own)[0]; now != stored {
			t.Errorf("%s has changed how a file is stored: %s, was %s", login, now, stored)
		}
		content := m.must(login, "ir.attachment", "read", []any{[]any{own}, []any{"raw"}}, nil)
		if s := content.([]any)[0].(map[string]any)["raw"]; s != "own content" {
			t.Errorf("the own file reads %v", s)
		}
	}
	// A default of the context reaches no record that the program makes under Sudo.
	m.must("seller", "res.partner", "write", []any{[]any{m.people["Ann"]}, map[string]any{"image_1920": pixel}},
		map[string]any{"context": map[string]any{"default_store_fname": key, "default_db_datas": "QQ==", "default_access_token": "mine"}})
	if n := m.rows("SELECT count(*) FROM ir_attachment WHERE access_token = 'mine' OR store_fname = ? AND id <> ?", key, m.files["Hidden"])[0]; n != "0" {
		t.Errorf("%s attachments took a value from the context", n)
	}
	// A copy has the content, and is stored anew.
	copied := m.id(m.must("seller", "ir.attachment", "copy", []any{[]any{m.files["Ann"]}}, nil))
	content := m.must("seller", "ir.attachment", "read", []any{[]any{copied}, []any{"raw"}}, nil)
	if s := content.([]any)[0].(map[string]any)["raw"]; s != "file of Ann" {
		t.Errorf("the copy reads %v", s)
	}
}

// pixel is a PNG of one pixel.
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// A file that is gone, or never was one, is told as such, and no key leads out
// of the store.
func TestFilesThatAreGone(t *testing.T) {
	t.Parallel()
	m := newMailroom(t)
	seller := m.browser("seller")
	for _, key := range []string{strings.Repeat("0", 64), "../../etc/passwd", ".." + strings.Repeat("a", 62)} {
		m.system(func(env *orm.Env) error {
			return env.Model("ir.attachment").Browse(m.files["Ann"]).Write(orm.Values{"store_fname": key})
		})
		if status, _, body := m.get(seller, "/web/content/"+itoa(m.files["Ann"])); status != http.StatusNotFound {
			t.Errorf("the file at %q: status %d, %s", key, status, body)
		}
		rows := m.must("seller", "ir.attachment", "read", []any{[]any{m.files["Ann"]}, []any{"datas"}}, nil)
		if v := rows.([]any)[0].(map[string]any)["datas"]; v != false {
			t.Errorf("the file at %q reads %v", key, v)
		}
	}
	if status, _, _ := m.get(seller, "/web/content/999999"); status != http.StatusNotFound {
		t.Errorf("an attachment that does not exist: status %d", status)
	}
}

// What somebody stored runs in nobody's browser, and leads nobody elsewhere.
func TestFilesAreHarmless(t *testing.T) {
	t.Parallel()
	m := newMailroom(t)
	seller := m.browser("seller")
	script := "<script>alert(1)</script>"
	for _, kind := range []string{"text/html", "TEXT/HTML", "image/svg+xml", "application/xhtml+xml", "text/javascript", "text/plain\r\nX-Evil: 1", "no type"} {
		for _, how := range []string{"value", "default", "later"} {
			vals, context := map[string]any{"name": "page", "raw": script}, map[string]any{}
			switch how {
			case "value":
				vals["mimetype"] = kind
			case "default":
				context["default_mimetype"] = kind
			}
			id := m.id(m.must("seller", "ir.attachment", "create", []any{vals}, map[string]any{"context": context}))
			if how == "later" {
				m.must("seller", "ir.attachment", "write", []any{[]any{id}, map[string]any{"mimetype": kind}}, nil)
			}
			if got := m.rows("SELECT mimetype FROM ir_attachment WHERE id = ?", id)[0]; got != "text/plain" && got != "application/octet-stream" {
				t.Errorf("a file is stored as %q, given %q as %s", got, kind, how)
			}
			status, head, _ := m.get(seller, "/web/content/"+itoa(id))
			served := strings.ToLower(head.Get("Content-Type"))
			if status != http.StatusOK || strings.Contains(served, "html") || strings.Contains(served, "xml") || strings.Contains(served, "script") || head.Get("X-Content-Type-Options") != "nosniff" || head.Get("X-Evil") != "" {
				t.Errorf("%q is served with status %d as %v", kind, status, head)
			}
		}
	}
	for _, to := range []string{"https://evil.example/x", "//evil.example", `/\evil.example`, "javascript:alert(1)", "/\t/evil.example"} {
		id := m.id(m.must("seller", "ir.attachment", "create", []any{map[string]any{"name": "link", "type": "url", "url": to}}, nil))
		if status, head, _ := m.get(seller, "/web/content/"+itoa(id)); head.Get("Location") != "" || status >= 500 {
			t.Errorf("the link %q: status %d, leads to %q", to, status, head.Get("Location"))
		}
	}
}
