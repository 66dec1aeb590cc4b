package wcapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/http"
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
// cannot be read yields an error of kind [ErrDecode] naming its id, and the
// walk goes on after it, so that one odd object does not hide the others.
//
// Deletions during the walk move later items to earlier pages; when the total
// shrinks, the walk goes back as many pages as needed to see them.
func List[T any](ctx context.Context, c *Client, path string, q Query) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		walk(ctx, c, path, q, nil, func(raw json.RawMessage) bool {
			item, err := decodeItem[T](path, raw)
			return yield(item, err)
		}, func(err error) {
			var zero T
			yield(zero, err)
		})
	}
}

// walk fetches page after page. item gets each object once, as long as it
// returns true; failed gets the error that ended the walk, if any. page, when
// not nil, sees every answer first.
func walk(ctx context.Context, c *Client, path string, q Query, page func(*Response), item func(json.RawMessage) bool, failed func(error)) {
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
		resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path, Query: q})
		if err != nil {
			failed(err)
			return
		}
		if page != nil {
			page(resp)
		}
		items, err := listBody(resp.Body)
		if err != nil {
			failed(&Error{Kind: ErrDecode, Method: http.MethodGet, Path: path, Status: resp.Status, Message: err.Error()})
			return
		}
		for i, raw := range items {
			key := itemKey(raw)
			if key == "" {
				key = fmt.Sprintf("page %d item %d", n, i)
			}
			if seen[key] {
				continue
			}
			seen[key] = true
			if !item(raw) {
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

// listBody splits a list into its objects. PHP writes an object instead of a
// list when a plugin removed entries from the middle.
func listBody(body json.RawMessage) ([]json.RawMessage, error) {
	var items []json.RawMessage
	if err := json.Unmarshal(body, &items); err == nil {
		return items, nil
	}
	var byIndex map[string]json.RawMessage
	if err := json.Unmarshal(body, &byIndex); err != nil {
		return nil, fmt.Errorf("a list was expected")
	}
	for i := 0; len(items) < len(byIndex) && i < 10*maxPerPage; i++ {
		if raw, ok := byIndex[strconv.Itoa(i)]; ok {
			items = append(items, raw)
		}
	}
	if len(items) < len(byIndex) {
		return nil, fmt.Errorf("a list was expected, a single object came")
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
	if json.Unmarshal(raw, &k) != nil {
		return ""
	}
	if len(k.ID) == 0 {
		return k.Slug
	}
	return string(k.ID) + "/" + string(k.InstanceID)
}

// idOf is the id of an object that may not be readable otherwise, 0 if it has none.
func idOf(raw json.RawMessage) int64 {
	var k struct {
		ID ID `json:"id"`
	}
	if json.Unmarshal(raw, &k) != nil {
		return 0
	}
	return int64(k.ID)
}

// ObjectOf is the id of the object an error is about, 0 when it names none.
func ObjectOf(err error) int64 {
	var e *Error
	if errors.As(err, &e) {
		return e.ResourceID
	}
	return 0
}

func decodeItem[T any](path string, raw json.RawMessage) (T, error) {
	var item T
	if err := json.Unmarshal(raw, &item); err != nil {
		var zero T
		e := &Error{Kind: ErrDecode, Method: http.MethodGet, Path: path, cause: err}
		e.ResourceID = idOf(raw)
		e.Message = fmt.Sprintf("the object with id %s cannot be read: %s", strings.TrimSuffix(itemKey(raw), "/"), decodeText(err))
		return zero, e
	}
	return item, nil
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
	if err := resp.Decode(out); err != nil {
		e := err.(*Error)
		e.Method, e.Path = r.Method, r.Path
		e.Unknown = r.mustNotRepeat() // it was done, but what came of it is not known
		return nil, e
	}
	return out, nil
}
