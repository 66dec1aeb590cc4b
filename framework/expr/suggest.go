package expr

import "strings"

// Suggest returns the candidate nearest to name by Levenshtein distance, or ""
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
		if d := levenshtein(low, strings.ToLower(c), limit); d <= limit && (bestDist < 0 || d < bestDist) {
			best, bestDist = c, d
		}
	}
	return best
}

// levenshtein counts the edits between a and b, giving up beyond limit.
func levenshtein(a, b string, limit int) int {
	ra, rb := []rune(a), []rune(b)
	if d := len(ra) - len(rb); d > limit || -d > limit {
		return limit + 1
	}
	row := make([]int, len(rb)+1)
	for j := range row {
		row[j] = j
	}
	for i, ca := range ra {
		diag, low := row[0], i+1
		row[0] = i + 1
		for j, cb := range rb {
			cost := diag
			if ca != cb {
				cost++
			}
			diag = row[j+1]
			row[j+1] = min(cost, row[j]+1, diag+1)
			low = min(low, row[j+1])
		}
		if low > limit {
			return limit + 1
		}
	}
	return row[len(rb)]
}
