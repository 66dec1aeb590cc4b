package orm

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// fuzzEnv is a database with a few people, one transaction of which takes all
// inputs.
func fuzzEnv(f *testing.F) *Env {
	f.Helper()
	e, err := testDB(f).Begin(context.Background(), System())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(e.Rollback)
	_, err = e.Model("t.person").Create(Values{"name": "Ada", "age": 7, "child_ids": []Command{CreateLine(Values{"name": "Bob", "kind": "b"})}},
		Values{"name": "Cleo", "born": "2020-02-29", "tag_ids": []Command{CreateLine(Values{"name": "x"})}})
	if err != nil {
		f.Fatal(err)
	}
	return e
}

// decodeInput reads an input as a client's JSON; false for what is none.
func decodeInput(text string) (v any, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	return v, d.Decode(&v) == nil
}

var errTaken = errors.New("taken back")

// wellPut reports whether an error is one that clients may see.
func wellPut(err error) bool {
	_, ok := errors.AsType[*Error](err)
	return ok
}

// Whatever is given for a domain, it is searched for or refused in words, and
// the transaction lives on.
func FuzzDomain(f *testing.F) {
	for _, seed := range []string{
		`[]`, `false`, `""`, `[["name","=","Ada"]]`, `["|",["age",">",3],"!",["kind","in",["a","b",false]]]`, `["&"]`, `["!"]`, `[1]`, `[[]]`, `[["name"]]`,
		`[["name","=",["a"]]]`, `[["age","=","x"]]`, `[["age","in",[1e400]]]`, `[["age","<",2170000000]]`, `[["age","not in",[2170000000,7]]]`, `[["age","<",99999999999999999999999]]`, `[["id","=",1.5]]`,
		`[["child_ids","any",[["name","like","%_\\"]]]]`, `[["child_ids.parent_id.child_ids.name","=?",null]]`, `[["parent_id","child_of",[1,"Ada",null]]]`,
		`[["parent_id","parent_of","A"]]`, `[["tag_ids","in",7]]`, `[["tag_ids","=","x"]]`, `[["born",">","2020-13-45"]]`, `[["born","=",{"a":1}]]`,
		`[["born.month_number","=",2]]`, `[["born.no_such","=",2]]`, `[["token","=","x"]]`, `[["full_name","ilike","a/b"]]`, `[["name","~","x"]]`,
		`[["name; DROP TABLE t_person","=",1]]`, `[["name","=","'; DROP TABLE t_person; --"]]`, `[["name","=","\u0000"]]`, `[["active","=",null]]`,
		`[["name","not in",[[[["a"]]]]]]`, `[["kind","=",true]]`, `[[1,"=",1]]`, `[[0,"=",1],[1,"=",1]]`, `[["display_name","=",5]]`, `["|","|",["id","=",1]]`,
		`[["name","=like",null]]`, `[["parent_id.","=",1]]`, `[[".name","=",1]]`, `[["parent_id","any",7]]`, `[["age","any",[]]]`,
	} {
		f.Add(seed)
	}
	e := fuzzEnv(f)
	rs := e.Model("t.person")
	f.Fuzz(func(t *testing.T, text string) {
		v, ok := decodeInput(text)
		if !ok {
			return
		}
		err := e.Savepoint(func(*Env) error {
			d, err := ToDomain(v)
			if err != nil {
				return err
			}
			found, err := rs.Search(d, SearchOptions{})
			if err != nil {
				return err
			}
			n, err := rs.SearchCount(d, 0)
			if err == nil && n != found.Len() {
				t.Errorf("%d found, %d counted", found.Len(), n)
			}
			return err
		})
		if err != nil && !wellPut(err) {
			t.Errorf("%s: %v", text, err)
		}
		if n, err := rs.SearchCount(nil, 0); err != nil || n != 3 {
			t.Fatalf("%s: afterwards %d people, %v", text, n, err)
		}
	})
}

// Whatever is given for the values of a record and its lines, it is stored or
// refused in words.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{
		`{"child_ids":[[0,0,{"name":"x"}]]}`, `{"child_ids":[[1,1,{"age":4}],[2,1],[3,1],[4,1],[5],[6,0,[1]]]}`, `{"child_ids":[[6,0,"x"]]}`, `{"child_ids":[[7,1]]}`,
		`{"child_ids":[[0]]}`, `{"child_ids":[[]]}`, `{"child_ids":[1,2]}`, `{"child_ids":{"a":1}}`, `{"child_ids":"x"}`, `{"child_ids":[["0",0,{}]]}`,
		`{"child_ids":[[0,0,{"name":"y","child_ids":[[0,0,{"name":"z"}]]}]]}`, `{"child_ids":[[4,99999]]}`, `{"child_ids":[[1,99999,{"name":"q"}]]}`, `{"tag_ids":[[6,0,[1,1,1]]]}`,
		`{"tag_ids":[[4,-1]]}`, `{"tag_ids":[[6,0,[10]]]}`, `{"tag_ids":false}`, `{"name":null}`, `{"name":7}`, `{"name":["x"]}`, `{"name":"Bob"}`, `{"name":"\u0000"}`, `{"age":"7"}`, `{"age":7.5}`, `{"age":1e30}`,
		`{"age":true}`, `{"age":-1}`, `{"born":"2020-02-30"}`, `{"born":"2020-02-29 12:00:00"}`, `{"born":7}`, `{"born":"0000-01-01"}`, `{"kind":"c"}`, `{"kind":7}`, `{"parent_id":"Ada"}`, `{"parent_id":[1,"Ada"]}`,
		`{"parent_id":99999}`, `{"parent_id":{}}`, `{"email":"nobody"}`, `{"token":"s"}`, `{"token":[]}`, `{"no_such":1}`, `{"id":7}`, `{"full_name":"x"}`, `{"parent_path":"1/"}`, `{"create_date":"x"}`,
		`{"display_name":"x"}`, `{"active":"yes"}`, `{}`, `[]`, `7`,
	} {
		f.Add(seed)
	}
	e := fuzzEnv(f)
	rs := e.Model("t.person")
	first, err := rs.Search(Leaf("name", "=", "Ada"), SearchOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, _ := decodeInput(text)
		vals, ok := v.(map[string]any)
		if !ok {
			return
		}
		for what, do := range map[string]func(rs Records) error{
			"write": func(rs Records) error { return rs.Browse(first.ID()).Write(Values(vals)) },
			"create": func(rs Records) error {
				made, err := rs.Create(Values(vals))
				if err == nil {
					_, err = made.ReadWire(nil, true)
				}
				return err
			},
		} {
			err := e.Savepoint(func(e *Env) error {
				if err := do(rs.In(e)); err != nil {
					return err
				}
				if err := e.Flush(); err != nil {
					return err
				}
				return errTaken
			})
			if !errors.Is(err, errTaken) && !wellPut(err) {
				t.Errorf("%s %s: %v", what, text, err)
			}
		}
		if n, err := rs.SearchCount(nil, 0); err != nil || n != 3 {
			t.Fatalf("%s: afterwards %d people, %v", text, n, err)
		}
	})
}
