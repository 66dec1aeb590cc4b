package woocommerce

import "strconv"

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func anyIDs(ids []int64) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}
