package livestore

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
)

// ofTheDay are the values in examples that differ each time, by their key, and how they
// are written.
func ofTheDay() map[string]*regexp.Regexp {
	out := map[string]*regexp.Regexp{}
	moment, day, text, id := `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`, `\d{4}-\d\d-\d\d`, `.+`, `[1-9]\d*`
	for key, form := range map[string]string{
		"at": moment + "|" + day, "time": moment, "expires": moment, "date": day, "version": `[0-9a-f]{32}|19\.0(\.\d+){3}`, "url": `(https?://[^/]+)?/woo/api/document/[\w-]+\.[\w-]+`,
		"order_id": id, "last_id": id, "line_id": id, "id": id + `|(invoice|transfer)-\d+`, "name": text, "number": id, "sale_order": `S\d+`, "author": text, "amount": `\d+\.\d\d`, "total": `\d+\.\d\d`,
	} {
		out[key] = regexp.MustCompile("^(" + form + ")$")
	}
	return out
}

// contractExample is a request of docs/plugin-api.md with what it is answered.
type contractExample struct {
	line            int
	request, answer contractPart
}

type contractPart struct {
	first  string
	header map[string]string
	body   string
}

// contractExamples are the blocks of the kind http, two by two.
func contractExamples(t *testing.T) (out []contractExample) {
	t.Helper()
	f, err := os.Open("../../docs/plugin-api.md")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var parts []contractPart
	var at []int
	in, body := false, false
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch {
		case line == "```http":
			in, body = true, false
			parts, at = append(parts, contractPart{header: map[string]string{}}), append(at, n)
		case line == "```":
			in = false
		case !in:
		case parts[len(parts)-1].first == "":
			parts[len(parts)-1].first = line
		case body:
			parts[len(parts)-1].body += line + "\n"
		case line == "":
			body = true
		default:
			name, value, _ := strings.Cut(line, ": ")
			parts[len(parts)-1].header[name] = value
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	if len(parts) == 0 || len(parts)%2 != 0 {
		t.Fatalf("the document has %d blocks of the kind http", len(parts))
	}
	for i := 0; i < len(parts); i += 2 {
		out = append(out, contractExample{at[i], parts[i], parts[i+1]})
	}
	return out
}

// settled puts the same text in place of values that differ each time, and complains of
// those that are not written as they should be.
func settled(t *testing.T, forms map[string]*regexp.Regexp, v any, key string) any {
	switch x := v.(type) {
	case map[string]any:
		for k := range x {
			x[k] = settled(t, forms, x[k], k)
		}
		return x
	case []any:
		for i := range x {
			x[i] = settled(t, forms, x[i], key)
		}
		return x
	case nil:
		return nil
	}
	form := forms[key]
	if form == nil {
		return v
	}
	if s := fmt.Sprint(v); !form.MatchString(s) {
		t.Errorf("%s is %q, which is not %s", key, s, form)
	}
	return fmt.Sprintf("<%s>", reflect.TypeOf(v))
}

// contractBody reads a body for comparing. The id of the envelope and names of errors
// stay as they are.
func contractBody(t *testing.T, raw string) any {
	t.Helper()
	var v map[string]any
	d := json.NewDecoder(strings.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	if result, ok := v["result"]; ok {
		v["result"] = settled(t, ofTheDay(), result, "")
	}
	return v
}

// TestPluginContract plays the examples of docs/plugin-api.md against a server.
func TestPluginContract(t *testing.T) {
	t.Parallel()
	e := pluginStore(t)
	id := e.newOrder()
	e.ship(id, "PIN7", "purolator", true)
	e.invoiceOf(id, account.ActionPost)
	e.run(func(env *orm.Env) error {
		rs, err := env.Model("sale.order").Search(orm.Leaf("name", "=", e.facts(id).name), orm.SearchOptions{})
		if err != nil {
			return err
		}
		for subtype, text := range map[string]string{"mail.mt_note": "An internal note", "mail.mt_comment": "The rest follows on Monday."} {
			if _, err := mail.Post(rs, mail.Posting{Text: text, Type: "comment", Subtype: subtype}); err != nil {
				return err
			}
		}
		return nil
	})
	address := ""
	for _, x := range contractExamples(t) {
		given := strings.NewReplacer("{key}", pluginKey, "{order}", fmt.Sprint(id), "{url}", address)
		method, path, _ := strings.Cut(given.Replace(x.request.first), " ")
		header := map[string]string{}
		for name, value := range x.request.header {
			header[name] = given.Replace(value)
		}
		r := e.sendAPI(method, path, header, x.request.body)
		if want := fmt.Sprintf("HTTP/1.1 %d", r.status); x.answer.first != want {
			t.Errorf("line %d: %s is answered %d %s", x.line, x.request.first, r.status, r.raw)
			continue
		}
		for name, value := range x.answer.header {
			if r.header.Get(name) != value {
				t.Errorf("line %d: %s is %q", x.line, name, r.header.Get(name))
			}
		}
		if x.answer.header["Content-Type"] == "application/pdf" {
			equal(t, "the content type found", http.DetectContentType(r.raw), "application/pdf")
			continue
		}
		want, got := contractBody(t, x.answer.body), contractBody(t, string(r.raw))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("line %d: %s is answered\n%s\nas compared: %v\nwant         %v", x.line, x.request.first, r.raw, got, want)
		}
		if list := r.each("documents", "url"); len(list) > 0 {
			_, address, _ = strings.Cut(list[0], "/woo/")
			address = "/woo/" + address
		}
	}
}
