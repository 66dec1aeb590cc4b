package wcapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

// MaxBatch is the most entries WooCommerce takes in one batch.
const MaxBatch = 100

// Action is what a batch entry does.
type Action string

// The actions, in the order the store carries them out.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
)

// BatchResult is what became of one entry.
type BatchResult struct {
	ID  int64           // 0 for a failed creation
	Raw json.RawMessage // the object as the store answered, nil when Err is set
	Err error           // an *Error, nil on success
}

// Batch sends entries to "<collection>/batch" (collection such as "products",
// "products/12/variations", "orders"), at most [MaxBatch] at a time, and
// returns one result per entry in the same order. entries are objects for
// Create, objects with an id for Update, and ids for Delete (which is for
// good, never to the trash).
//
// Where the store finds a batch too large or breaks down over it, the batch is
// halved until the entry that hurts stands alone, and the others pass. Creating
// is not repeated once the outcome is unknown: those entries carry an error
// that is [ErrOutcomeUnknown]. Batch itself returns an error only for what
// stops the whole work: no access, no connection, a cancelled context; the
// results up to there are valid, the rest carry that error.
//
// The store skips its checks of types inside a batch (a quantity "many"
// becomes 0), so entries should be typed values.
func (c *Client) Batch(ctx context.Context, collection string, action Action, entries []any) ([]BatchResult, error) {
	results := make([]BatchResult, len(entries))
	for from := 0; from < len(entries); from += MaxBatch {
		to := min(from+MaxBatch, len(entries))
		if err := c.batchPart(ctx, collection, action, entries[from:to], results[from:to]); err != nil {
			for i := range results[from:] {
				if r := &results[from+i]; r.Err == nil && r.Raw == nil {
					r.Err = err
				}
			}
			return results, err
		}
	}
	return results, nil
}

func (c *Client) batchPart(ctx context.Context, collection string, action Action, entries []any, results []BatchResult) error {
	path := collection + "/batch"
	resp, err := c.Do(ctx, Request{Method: http.MethodPost, Path: path, Body: map[Action][]any{action: entries},
		Repeatable: action != Create, failFast: len(entries) > 1})
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return err
		}
		switch {
		case e.Unknown:
			for i := range results {
				results[i].Err = e
			}
			return nil
		case e.Kind == ErrTooLarge, e.Kind == ErrServer, e.Kind == ErrTimeout:
			if len(entries) == 1 {
				results[0].Err = e
				return nil
			}
			half := len(entries) / 2
			if err := c.batchPart(ctx, collection, action, entries[:half], results[:half]); err != nil {
				return err
			}
			return c.batchPart(ctx, collection, action, entries[half:], results[half:])
		}
		return err
	}
	var got []json.RawMessage
	parts, _ := members(resp.Body)
	for _, part := range parts {
		if part.key == string(action) && !isNothing(part.raw) {
			if got, err = listBody(part.raw); err != nil {
				return &Error{Kind: ErrDecode, Method: http.MethodPost, Path: path, Unknown: action == Create, Message: "the answer to a batch cannot be read: " + err.Error()}
			}
		}
	}
	if len(got) != len(entries) {
		return &Error{Kind: ErrDecode, Method: http.MethodPost, Path: path, Unknown: action == Create,
			Message: fmt.Sprintf("%d entries were sent, %d came back", len(entries), len(got))}
	}
	for i, raw := range got {
		results[i] = readBatchEntry(path, raw)
	}
	return nil
}

func readBatchEntry(path string, raw json.RawMessage) BatchResult {
	var entry struct {
		ID    ID        `json:"id"`
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(raw, &entry); err != nil {
		return BatchResult{Err: &Error{Kind: ErrDecode, Method: http.MethodPost, Path: path, Message: "an entry of the batch answer cannot be read", cause: err}}
	}
	if entry.Error == nil {
		return BatchResult{ID: int64(entry.ID), Raw: raw}
	}
	var d apiErrorData
	status := 400
	if json.Unmarshal(entry.Error.Data, &d) == nil && d.Status >= 400 {
		status = int(d.Status)
	}
	e := &Error{Kind: kindOf(status, entry.Error, false), Method: http.MethodPost, Path: path, Status: status}
	entry.Error.into(e)
	return BatchResult{ID: int64(entry.ID), Err: e}
}
