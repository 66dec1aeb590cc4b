package wcapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

const (
	maxPerPage = 100
	// maxStepsBack bounds how often one walk goes back, for stores whose total
	// goes up and down without end.
	maxStepsBack = 50
)

// List walks every page of a collection and yields its items, each id once.
//
// A page that cannot be fetched ends the walk with its error. An item that
// cannot be read yields an error of kind [ErrDecode] that [ProblemOf] takes
// apart, and the walk goes on after it: one odd object hides no others, nor does
// one over which the store itself breaks down. Pages that a cache answered end
// the walk with [ErrCached].
//
// Deletions during the walk move later items to earlier pages; when the total
// shrinks, the walk goes back as many pages as needed to see them.
func List[T any](ctx context.Context, c *Client, path string, q Query) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		walk(ctx, c, path, q, pages{}, nil, func(it pageItem) bool {
			item, err := decodeItem[T](path, it)
			return yield(item, err)
		}, func(err error) {
			var zero T
			yield(zero, err)
		})
	}
}

// walk fetches page after page. item gets each object once, as long as it
// returns true; failed gets the error that ended the walk, if any. page, when
// not nil, sees every answer first. known are the pages of this walk and of
// those that ask for other items: a page of theirs ends it with [ErrCached].
func walk(ctx context.Context, c *Client, path string, q Query, known pages, page func(*Response), item func(pageItem) bool, failed func(error)) {
	perPage := maxPerPage
	if n, err := strconv.Atoi(q["per_page"]); err == nil && n > 0 && n <= maxPerPage {
		perPage = n
	}
	q = maps.Clone(q)
	if q == nil {
		q = Query{}
	}
	q["per_page"] = strconv.Itoa(perPage)
	seen := map[string]bool{}
	total, stepsBack := -1, 0
	for n := 1; ; n++ {
		q["page"] = strconv.Itoa(n)
		resp, items, err := c.onePage(ctx, path, q, n, perPage)
		if err != nil {
			failed(err)
			return
		}
		if page != nil {
			page(resp)
		}
		if resp.Body != nil && known.again(q, resp.Body, len(items)) {
			failed(c.cachedError(Request{Method: http.MethodGet, Path: path}, "the same answer to other arguments"))
			return
		}
		for _, it := range items {
			key := itemKey(it.raw)
			if key == "" || strings.HasPrefix(key, "0/") && !strings.HasSuffix(path, "/zones") {
				key = fmt.Sprintf("page %d item %d", n, it.index)
			}
			if seen[key] {
				continue
			}
			seen[key] = true
			if !item(it) {
				return
			}
		}
		// Past the last page HPOS stores report a total of 0: not a deletion.
		shrunk := total > 0 && resp.Total >= 0 && resp.Total < total && (len(items) > 0 || resp.Total > 0)
		if shrunk && stepsBack < maxStepsBack {
			stepsBack++
			back := (total - resp.Total + perPage - 1) / perPage
			total = resp.Total
			n = max(0, n-back-1)
			continue
		}
		if resp.Total > 0 {
			total = resp.Total
		}
		if resp.TotalPages >= 0 {
			if n >= resp.TotalPages {
				return
			}
		} else if len(items) < perPage {
			// A proxy took the X-WP headers away: a page that is not full is the last.
			return
		}
	}
}

// listBody splits a list into its entries. PHP writes an object instead of a
// list when a plugin removed entries from the middle.
func listBody(body json.RawMessage) ([]json.RawMessage, error) {
	list, isObject := members(body)
	if list == nil && (len(body) == 0 || body[0] != '[' && body[0] != '{') {
		return nil, errors.New("a list was expected")
	}
	items := make([]json.RawMessage, 0, len(list))
	for _, e := range list {
		if isObject && !isPosition(e.key) {
			return nil, errors.New("a list was expected, a single object came")
		}
		items = append(items, e.raw)
	}
	return items, nil
}

// itemKey is what tells items of one collection apart; "" for those without
// an id (settings and tax classes have a word, zone locations nothing).
func itemKey(raw json.RawMessage) string {
	var k struct {
		ID         json.RawMessage `json:"id"`
		InstanceID json.RawMessage `json:"instance_id"`
		Slug       string          `json:"slug"`
	}
	if readStruct(raw, reflect.ValueOf(&k).Elem(), loose) != nil {
		return ""
	}
	if isNothing(k.ID) && isNothing(k.InstanceID) {
		return k.Slug
	}
	var id ID
	if id.UnmarshalJSON(k.ID) == nil {
		return fmt.Sprintf("%d/%s", id, k.InstanceID)
	}
	return string(k.ID) + "/" + string(k.InstanceID)
}

// Problem is one item of a list that cannot be read; the others can.
type Problem struct {
	Index  int    // its place on the page, from 0
	ID     int64  // 0 when that cannot be read either
	Field  string // that is wrong, "line_items[0].total"; "" when it is the whole
	Reason string
}

// ProblemOf is the item of a list that an error is about. Nil says that err
// ended the walk: what it has not yielded is not known.
func ProblemOf(err error) *Problem {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Problem
	}
	return nil
}

// ObjectOf is the id of the object an error is about, 0 when it names none.
func ObjectOf(err error) int64 {
	var e *Error
	if errors.As(err, &e) {
		return e.ResourceID
	}
	return 0
}

// idOf is the id of an object that may not be readable otherwise, 0 if it has none.
func idOf(raw json.RawMessage) int64 {
	var k struct {
		ID ID `json:"id"`
	}
	_ = readStruct(raw, reflect.ValueOf(&k).Elem(), loose) // loose: it cannot fail
	return int64(k.ID)
}

// decodeItem reads an item of a list.
func decodeItem[T any](path string, it pageItem) (T, error) {
	var item T
	err := it.err
	if err == nil {
		if err = decodeObject(it.raw, &item); err == nil {
			return item, nil
		}
	}
	if _, told := errors.AsType[*Error](err); told {
		return item, err
	}
	p := &Problem{Index: it.index, ID: idOf(it.raw), Reason: decodeText(err)}
	if fe, ok := errors.AsType[*fieldError](err); ok {
		p.Field, p.Reason = fe.field, clip(fe.reason, 200)
	}
	e := &Error{Kind: ErrDecode, Method: http.MethodGet, Path: path, Problem: p, ResourceID: p.ID, cause: err}
	e.Message = fmt.Sprintf("the object with id %d cannot be read: %s", p.ID, decodeText(err))
	if p.ID == 0 {
		e.Message = fmt.Sprintf("entry %d of the list cannot be read: %s", it.index+1, decodeText(err))
	}
	var zero T
	return zero, e
}

// decodeObject reads an object that must have its own id, where its type has one.
func decodeObject(raw json.RawMessage, into any) error {
	if isNothing(raw) {
		return errors.New("it is empty")
	}
	if text := errorText(raw); text != "" {
		return fmt.Errorf("it is an error of the store: %s", text)
	}
	if err := readObject(raw, into); err != nil {
		return err
	}
	v := reflect.ValueOf(into).Elem()
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if id, ok := v.Field(i).Interface().(ID); ok && f.Tag.Get("json") == "id" && f.Tag.Get("wc") == string(strict) && id <= 0 {
			return &fieldError{"id", "there is none"}
		}
	}
	return nil
}

// errorText is what an error object says, which stores put where an object
// belongs: {"errors":{code:[text]}} or {"code":…,"message":…}. "" for others.
func errorText(raw json.RawMessage) string {
	var e struct {
		ID      ID              `json:"id"`
		Code    string          `json:"code"`
		Message string          `json:"message"`
		Errors  json.RawMessage `json:"errors"`
	}
	if readStruct(raw, reflect.ValueOf(&e).Elem(), loose) != nil || e.ID != 0 {
		return ""
	}
	if e.Code != "" && e.Message != "" {
		return plainText(e.Message)
	}
	codes, isObject := members(e.Errors)
	if len(codes) == 0 || !isObject {
		return ""
	}
	if text, err := textOf(codes[0].raw, true); err == nil && text != "" {
		return plainText(text)
	}
	return plainText(codes[0].key)
}

// get fetches one object.
func get[T any](ctx context.Context, c *Client, path string, q Query) (*T, error) {
	return send[T](ctx, c, Request{Method: http.MethodGet, Path: path, Query: q})
}

// send makes one request and reads the object in its answer.
func send[T any](ctx context.Context, c *Client, r Request) (*T, error) {
	resp, err := c.Do(ctx, r)
	if err != nil {
		return nil, err
	}
	out := new(T)
	if err := decodeObject(resp.Body, out); err != nil {
		return nil, &Error{Kind: ErrDecode, Method: r.Method, Path: r.Path, Status: resp.Status, Message: "the store's answer cannot be read: " + decodeText(err), cause: err,
			Unknown: r.mustNotRepeat()} // it was done, but what came of it is not known
	}
	return out, nil
}
