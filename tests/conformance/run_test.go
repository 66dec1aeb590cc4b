package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// seed runs the operations that create the data set.
func (w *world) seed(doc seedDoc) error {
	s := &scope{world: w, vars: map[string]any{}, token: "seed"}
	for i, op := range doc.Ops {
		names, ids, err := s.seedOne(op)
		if err != nil {
			return fmt.Errorf("seed operation %d (%s %s%s): %w", i+1, op.Op, op.Model, op.XMLID, err)
		}
		for k, name := range names {
			w.refs[name] = ids[k]
		}
		for _, g := range op.Groups {
			w.groups[g] = append(w.groups[g], names...)
		}
	}
	return nil
}

func (s *scope) seedOne(op seedOp) (names []string, ids []int64, err error) {
	kwargs := map[string]any{}
	if op.Context != nil {
		if kwargs["context"], err = s.expand(op.Context); err != nil {
			return nil, nil, err
		}
	}
	one := func(v any, err error) ([]string, []int64, error) {
		if err != nil {
			return nil, nil, err
		}
		id, ok := integer(v)
		if !ok {
			return nil, nil, fmt.Errorf("%s is no id", show(v))
		}
		return []string{op.Name}, []int64{id}, nil
	}
	switch op.Op {
	case "uid":
		id, err := s.uid("admin")
		return []string{op.Name}, []int64{id}, err
	case "xmlid":
		module, name, _ := strings.Cut(op.XMLID, ".")
		v, err := s.call("", "ir.model.data", "search_read", []any{[]any{[]any{"module", "=", module}, []any{"name", "=", name}}},
			map[string]any{"fields": []any{"res_id"}, "limit": 1})
		if err != nil {
			return nil, nil, err
		}
		id, err := dig(v, "0.res_id")
		return one(id, err)
	case "lookup":
		domain, err := s.expand(op.Domain)
		if err != nil {
			return nil, nil, err
		}
		kwargs = map[string]any{"limit": 1, "context": map[string]any{"active_test": false}}
		if op.Order != "" {
			kwargs["order"] = op.Order
		}
		v, err := s.call("", op.Model, "search", []any{domain}, kwargs)
		if err != nil {
			return nil, nil, err
		}
		if list, _ := v.([]any); len(list) > 0 {
			return one(list[0], nil)
		}
		if op.Create == nil {
			return nil, nil, errors.New("nothing matches")
		}
		vals, err := s.expand(op.Create)
		if err != nil {
			return nil, nil, err
		}
		return one(s.call("", op.Model, "create", []any{vals}, map[string]any{}))
	case "create":
		vals, err := s.expand(op.Values)
		if err != nil {
			return nil, nil, err
		}
		v, err := s.call("", op.Model, "create", []any{vals}, kwargs)
		if err != nil {
			return nil, nil, err
		}
		list, ok := v.([]any)
		if !ok || len(list) != len(op.Names) {
			return nil, nil, fmt.Errorf("create gave %s for %d names", show(v), len(op.Names))
		}
		for _, e := range list {
			id, _ := integer(e)
			ids = append(ids, id)
		}
		return op.Names, ids, nil
	case "write":
		target, err := s.expand(op.IDs)
		if err != nil {
			return nil, nil, err
		}
		vals, err := s.expand(op.Values)
		if err != nil {
			return nil, nil, err
		}
		_, err = s.call("", op.Model, "write", []any{target, vals}, kwargs)
		return nil, nil, err
	case "read":
		id, err := s.ref(op.Of)
		if err != nil {
			return nil, nil, err
		}
		v, err := s.call("", op.Model, "read", []any{[]any{id}, []any{op.Field}}, map[string]any{})
		if err != nil {
			return nil, nil, err
		}
		at := "0." + op.Field
		got, err := dig(v, at)
		if list, ok := got.([]any); ok && err == nil {
			i := op.Index
			if len(list) == 2 {
				if _, named := list[1].(string); named {
					i = 0
				}
			}
			got, err = dig(v, fmt.Sprintf("%s.%d", at, i))
		}
		return one(got, err)
	case "call":
		args, err := s.expand(op.Args)
		if err != nil {
			return nil, nil, err
		}
		named, err := s.expand(op.Kwargs)
		if err != nil {
			return nil, nil, err
		}
		if op.Kwargs == nil {
			named = map[string]any{}
		}
		v, err := s.call("", op.Model, op.Method, args, named)
		if err != nil || op.Name == "" {
			return nil, nil, err
		}
		got, err := dig(v, op.Path)
		return one(got, err)
	}
	return nil, nil, fmt.Errorf("unknown operation %q", op.Op)
}

// dig follows a dotted path in a result; numbers index lists.
func dig(v any, path string) (any, error) {
	for _, part := range strings.Split(path, ".") {
		if part == "" {
			continue
		}
		switch x := v.(type) {
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(x) {
				return nil, fmt.Errorf("no %s in %s", part, show(v))
			}
			v = x[i]
		case map[string]any:
			e, ok := x[part]
			if !ok {
				return nil, fmt.Errorf("no %s in %s", part, show(v))
			}
			v = e
		default:
			return nil, fmt.Errorf("no %s in %s", part, show(v))
		}
	}
	return v, nil
}

// run plays one case and lists what is wrong.
func (s *scope) run(c testCase) []string {
	for i, st := range c.steps() {
		result, problems := s.play(st)
		if len(problems) > 0 {
			for k := range problems {
				problems[k] = fmt.Sprintf("step %d: %s", i+1, problems[k])
			}
			return problems
		}
		if err := s.save(st.Save, result); err != nil {
			return []string{fmt.Sprintf("step %d: %v", i+1, err)}
		}
	}
	return nil
}

func (s *scope) save(what, result any) error {
	switch x := what.(type) {
	case string:
		s.vars[x] = result
	case map[string]any:
		for name, path := range x {
			v, err := dig(result, fmt.Sprint(path))
			if err != nil {
				return err
			}
			s.vars[name] = v
		}
	}
	return nil
}

// play sends one step and judges the answer.
func (s *scope) play(st step) (result any, problems []string) {
	fail := func(err error) (any, []string) { return nil, []string{err.Error()} }
	if st.HTTP != nil {
		r, err := s.exchange(*st.HTTP)
		if err != nil {
			return fail(err)
		}
		return nil, s.judgeHTTP(st.Expect, r)
	}
	args, err := s.expand(st.Args)
	if err != nil {
		return fail(err)
	}
	if st.Args == nil {
		args = []any{}
	}
	if st.Service != "" {
		result, err = s.service(st.Service, st.Method, args.([]any))
	} else {
		kwargs, kerr := s.expand(st.Kwargs)
		if kerr != nil {
			return fail(kerr)
		}
		if st.Kwargs == nil {
			kwargs = map[string]any{}
		}
		result, err = s.call(st.User, st.Model, st.Method, args, kwargs)
	}
	kind, _ := st.Expect["kind"].(string)
	refused, isError := errors.AsType[*rpcError](err)
	switch {
	case err != nil && !isError:
		return fail(err)
	case kind == "error" && !isError:
		return nil, []string{fmt.Sprintf("want the error %v, got the result %s", st.Expect["name"], show(result))}
	case kind == "error":
		return nil, s.judgeError(st.Expect, refused.detail)
	case isError:
		return nil, []string{"unexpected error " + refused.Error()}
	}
	switch want := st.Expect["value"]; kind {
	case "", "ok":
	case "value", "ids":
		problems = s.compare(want, result, "result")
	case "ids_unordered", "rows_unordered":
		problems = s.compareSpecial("$unordered", want, result, "result")
	case "subset":
		problems = s.compareSpecial("$subset", want, result, "result")
	default:
		problems = []string{"unknown expectation " + kind}
	}
	return result, problems
}

func (s *scope) exchange(x exchange) (reply, error) {
	path, err := s.expand(x.Path)
	if err != nil {
		return reply{}, err
	}
	header := map[string]string{}
	for k, v := range x.Headers {
		e, err := s.expandText(v)
		if err != nil {
			return reply{}, err
		}
		header[k] = fmt.Sprint(e)
	}
	kind := func(t string) {
		if header["Content-Type"] == "" {
			header["Content-Type"] = t
		}
	}
	var body []byte
	switch {
	case len(x.JSON) > 0:
		var v any
		d := json.NewDecoder(strings.NewReader(string(x.JSON)))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			return reply{}, err
		}
		if v, err = s.expand(v); err != nil {
			return reply{}, err
		}
		if body, err = json.Marshal(v); err != nil {
			return reply{}, err
		}
		kind("application/json")
	case x.Form != nil:
		form := url.Values{}
		for k, v := range x.Form {
			e, err := s.expand(v)
			if err != nil {
				return reply{}, err
			}
			form.Set(k, fmt.Sprint(e))
		}
		body = []byte(form.Encode())
		kind("application/x-www-form-urlencoded")
	case x.Body != nil:
		uid, err := s.uid("admin")
		if err != nil {
			return reply{}, err
		}
		body = []byte(strings.NewReplacer("$db", s.db, "$password", s.password, "$login", s.login, "$uid", fmt.Sprint(uid)).Replace(*x.Body))
	}
	method := x.Method
	if method == "" {
		method = "POST"
	}
	cookies := s.cookies
	if x.Cookies != nil && !*x.Cookies {
		cookies = nil
	}
	return s.send(method, path.(string), body, header, cookies)
}

func (s *scope) judgeHTTP(want map[string]any, r reply) (out []string) {
	if v, ok := want["status"]; ok {
		out = append(out, s.compare(v, int64(r.status), "status")...)
	}
	if v, ok := want["content_type"]; ok {
		kind, _, _ := strings.Cut(r.header.Get("Content-Type"), ";")
		out = append(out, s.compare(v, strings.ToLower(strings.TrimSpace(kind)), "content type")...)
	}
	if h, ok := want["headers"].(map[string]any); ok {
		for k, v := range h {
			out = append(out, s.compare(v, r.header.Get(k), "header "+k)...)
		}
	}
	if v, ok := want["text"]; ok {
		out = append(out, s.compare(v, string(r.body), "body")...)
	}
	if v, ok := want["json"]; ok {
		doc, err := r.json()
		if err != nil {
			return append(out, fmt.Sprintf("the body is no JSON: %.200q", r.body))
		}
		out = append(out, s.compare(v, doc, "json")...)
	}
	return out
}

func (s *scope) judgeError(want map[string]any, got any) (out []string) {
	e, _ := got.(map[string]any)
	data, ok := e["data"].(map[string]any)
	if !ok {
		return []string{"the error has no data: " + show(got)}
	}
	if v, ok := want["code"]; ok {
		out = append(out, s.compare(v, e["code"], "error.code")...)
	}
	if v, ok := want["title"]; ok {
		out = append(out, s.compare(v, e["message"], "error.message")...)
	}
	for member, kind := range map[string]string{"debug": "$str", "message": "$str", "arguments": "$list", "context": "$object"} {
		out = append(out, s.compare(kind, data[member], "error.data."+member)...)
	}
	if v, ok := want["name"]; ok {
		out = append(out, s.compare(v, data["name"], "error.data.name")...)
	}
	if want["text"] == "exact" {
		for _, member := range []string{"message", "arguments"} {
			if v, ok := want[member]; ok {
				out = append(out, s.compare(v, data[member], "error.data."+member)...)
			}
		}
	} else if list, ok := want["arguments"].([]any); ok {
		if given, _ := data["arguments"].([]any); len(given) != len(list) {
			out = append(out, fmt.Sprintf("error.data.arguments: want %d, got %s", len(list), show(data["arguments"])))
		}
	}
	return out
}
