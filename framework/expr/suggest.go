package expr

import (
	"fmt"
	"strings"
)

// Suggest returns the candidate nearest to name by the number of edits, or ""
// when none is near enough to be what was meant: at most a third of the longer
// word may differ. Case is ignored; of equals the first candidate wins.
func Suggest(name string, candidates []string) string {
	best, bestDist := "", -1
	low := strings.ToLower(name)
	for _, c := range candidates {
		if c == name || c == "" {
			continue
		}
		limit := max(1, max(len(name), len(c))/3)
		if d := edits(low, strings.ToLower(c), limit); d <= limit && (bestDist < 0 || d < bestDist) {
			best, bestDist = c, d
		}
	}
	return best
}

// DidYouMean is the end of a message about a wrong name: what was probably meant, or
// nothing.
func DidYouMean(name string, candidates []string) string {
	if best := Suggest(name, candidates); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return ""
}

// edits counts the letters added, dropped, replaced or swapped with their
// neighbour between a and b, giving up beyond limit.
func edits(a, b string, limit int) int {
	ra, rb := []rune(a), []rune(b)
	if d := len(ra) - len(rb); d > limit || -d > limit {
		return limit + 1
	}
	var before []int // the row above the last one
	last := make([]int, len(rb)+1)
	for j := range last {
		last[j] = j
	}
	for i, ca := range ra {
		row := make([]int, len(rb)+1)
		row[0] = i + 1
		low := row[0]
		for j, cb := range rb {
			cost := last[j]
			if ca != cb {
				cost++
			}
			row[j+1] = min(cost, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && ca == rb[j-1] && ra[i-1] == cb {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
			low = min(low, row[j+1])
		}
		if low > limit {
			return limit + 1
		}
		before, last = last, row
	}
	return last[len(rb)]
}
