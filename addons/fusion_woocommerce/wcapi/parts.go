package wcapi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

// pageItem is an object of a page, or why there is none in its place.
type pageItem struct {
	index int
	raw   json.RawMessage
	err   error
}

// onePage fetches a page of a list, as a whole or, where the store breaks down
// over it, in parts.
func (c *Client) onePage(ctx context.Context, path string, q Query, number, size int) (*Response, []pageItem, error) {
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path, Query: q})
	if errors.Is(err, ErrServer) && size > 1 {
		return c.inParts(ctx, path, q, number, size, err)
	}
	if err != nil {
		return nil, nil, err
	}
	items, err := pageItems(path, resp, 0)
	return resp, items, err
}

func pageItems(path string, resp *Response, from int) ([]pageItem, error) {
	list, err := listBody(resp.Body)
	if err != nil {
		return nil, &Error{Kind: ErrDecode, Method: http.MethodGet, Path: path, Status: resp.Status, Message: err.Error()}
	}
	items := make([]pageItem, len(list))
	for i, raw := range list {
		items[i] = pageItem{index: from + i, raw: raw}
	}
	return items, nil
}

// inParts fetches a page over which the store breaks down in halves, again and
// again, until the object that it breaks down over stands alone: one such
// object costs no other. A store that answers none of the halves is down, and
// cause is what it said.
func (c *Client) inParts(ctx context.Context, path string, q Query, number, size int, cause error) (*Response, []pageItem, error) {
	type span struct{ from, size int }
	var first, last *Response
	var items []pageItem
	part := func(s span, fields string) (*Response, error) {
		ask := maps.Clone(q)
		delete(ask, "page")
		ask["offset"], ask["per_page"] = strconv.Itoa((number-1)*size+s.from), strconv.Itoa(s.size)
		if fields != "" {
			ask["_fields"] = fields
		}
		return c.Do(ctx, Request{Method: http.MethodGet, Path: path, Query: ask, failFast: true})
	}
	for open := []span{{0, size}}; len(open) > 0; open = open[1:] {
		half := (open[0].size + 1) / 2
		for _, s := range []span{{open[0].from, half}, {open[0].from + half, open[0].size - half}} {
			if s.size == 0 {
				continue
			}
			resp, err := part(s, "")
			switch {
			case err == nil:
				if last = resp; first == nil {
					first = resp
				}
				got, err := pageItems(path, resp, s.from)
				if err != nil {
					return nil, nil, err
				}
				items = append(items, got...)
			case !errors.Is(err, ErrServer):
				return nil, nil, err
			case s.size > 1:
				open = append(open, s)
			default:
				p := &Problem{Index: s.from, Reason: "the store breaks down over it: " + err.Error()}
				// Its id alone may be had, and then it can be asked for again.
				if resp, err := part(s, "id"); err == nil {
					if got, err := pageItems(path, resp, s.from); err == nil && len(got) == 1 {
						p.ID = idOf(got[0].raw)
					}
				}
				items = append(items, pageItem{index: s.from, err: &Error{Kind: ErrDecode, Method: http.MethodGet, Path: path, Problem: p, ResourceID: p.ID, cause: err,
					Message: fmt.Sprintf("the object with id %d (entry %d of page %d) cannot be read: %s", p.ID, s.from+1, number, p.Reason)}})
			}
		}
		if last == nil {
			return nil, nil, cause
		}
	}
	slices.SortFunc(items, func(a, b pageItem) int { return cmp.Compare(a.index, b.index) })
	whole := *last
	whole.Body, whole.Header = nil, first.Header // its date is from before everything that was read
	if whole.TotalPages >= 0 {
		whole.TotalPages = (max(0, whole.Total) + size - 1) / size
	}
	return &whole, items, nil
}
