package woocommerce

import (
	"strconv"
	"strings"
)

// statusDeleted is the status of what the store no longer has, beside its own ones.
const statusDeleted = "deleted"

// printable drops from a foreign text what the database cannot take.
func printable(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func anyIDs(ids []int64) []any {
	out := make([]any, len(ids))
	for i, id := range ids {
		out[i] = id
	}
	return out
}
