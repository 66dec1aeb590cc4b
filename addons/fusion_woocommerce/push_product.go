package woocommerce

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
)

// productWrite is a write to one product or variation of the store.
type productWrite struct {
	parent, id int64 // parent of a variation, else 0
	// decide says what to send, given what the store has now, or what became of the
	// change when nothing is to be sent.
	decide func(now item) (entry map[string]any, done outcome)
	answer any // of the change once the store has carried it out
}

// sendProducts carries out writes to products in batches: it reads what the store
// has, lets each change decide, and writes. Variations go by the route of their
// parent. fields are those of the store that decide looks at.
func sendProducts(ctx context.Context, st *sending, list []*Outgoing, fields string, parse func(payload []byte) (*productWrite, error)) []outcome {
	results := make([]outcome, len(list))
	writes := make([]*productWrite, len(list))
	byRoute := map[int64][]int{}
	for i, o := range list {
		w, err := parse([]byte(o.Payload))
		if err != nil {
			results[i] = unreadableChange(err)
			continue
		}
		writes[i] = w
		byRoute[w.parent] = append(byRoute[w.parent], i)
	}
	for _, parent := range slices.Sorted(maps.Keys(byRoute)) {
		sendRoute(ctx, st.Client, parent, byRoute[parent], fields, writes, results)
	}
	return results
}

// sendRoute sends the writes of one route: of products, or of the variations of
// one product.
func sendRoute(ctx context.Context, c *wcapi.Client, parent int64, at []int, fields string, writes []*productWrite, results []outcome) {
	ids := make([]string, len(at))
	for n, i := range at {
		ids[n] = strconv.FormatInt(writes[i].id, 10)
	}
	now, err := readProducts(ctx, c, parent, ids, fields)
	if err != nil {
		for _, i := range at {
			results[i] = outcomeOf(err)
		}
		return
	}
	var sent []int
	var entries []any
	for _, i := range at {
		w := writes[i]
		has, found := now[w.id]
		if !found {
			results[i] = outcome{state: OutgoingFailed, reason: "The store does not have this product any more."}
			continue
		}
		entry, done := w.decide(has)
		if entry == nil {
			results[i] = done
			continue
		}
		entry["id"] = w.id
		sent, entries = append(sent, i), append(entries, entry)
	}
	if len(entries) == 0 {
		return
	}
	path := "products"
	if parent != 0 {
		path = fmt.Sprintf("products/%d/variations", parent)
	}
	answers, err := c.Batch(ctx, path, wcapi.Update, entries)
	for n, i := range sent {
		switch {
		case answers[n].Err != nil:
			results[i] = outcomeOf(answers[n].Err)
		case err != nil:
			results[i] = outcomeOf(err)
		default:
			results[i] = outcome{state: OutgoingSent, answer: writes[i].answer}
		}
	}
}

// readProducts asks the store for fields of products, or of variations of parent.
func readProducts(ctx context.Context, c *wcapi.Client, parent int64, ids []string, fields string) (map[int64]item, error) {
	out := map[int64]item{}
	q := wcapi.Query{"include": strings.Join(ids, ","), "_fields": "id," + fields}
	if parent == 0 {
		for p, err := range c.Products(ctx, q) {
			if err != nil {
				return nil, err
			}
			out[int64(p.ID)] = itemOf(&p)
		}
		return out, nil
	}
	for v, err := range c.Variations(ctx, parent, q) {
		if err != nil {
			return nil, err
		}
		out[int64(v.ID)] = itemOfVariation(&wcapi.Product{}, &v)
	}
	return out, nil
}
