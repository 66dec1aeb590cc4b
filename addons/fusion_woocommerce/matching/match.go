// Package matching finds the ERP product a store's product stands for: by SKU,
// which is certain, and by the likeness of names, which is a suggestion for a
// person to confirm.
//
// It is pure: no state, no clock, no input or output. It may import nothing of
// Fusion and nothing that touches a database or a network.
package matching

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// Candidate is a product something may be matched with.
type Candidate struct {
	ID   int64
	SKU  string
	Name string
}

// Reason says how a match came about.
type Reason string

// The reasons, the most certain first.
const (
	// SameSKU: both SKUs are equal, letter by letter.
	SameSKU Reason = "sku"
	// SKUOtherCase: equal but for upper and lower case. To WooCommerce that is
	// the same SKU, to the ERP it is not: a suggestion only.
	SKUOtherCase Reason = "sku_case"
	// SameName: equal names after [Normalise].
	SameName Reason = "same_name"
	// SimilarName: the most similar name.
	SimilarName Reason = "similar_name"
)

// Match is the candidate found. Score is 1 for SKUs and equal names, else the
// ratio of the names.
type Match struct {
	Candidate
	Score  float64
	Reason Reason
}

// Explain is a sentence for the person who confirms the match.
func (m Match) Explain() string {
	switch m.Reason {
	case SameSKU:
		return "Same SKU " + m.SKU
	case SKUOtherCase:
		return "Same SKU in other letter case: " + m.SKU
	case SameName:
		return "Same name"
	}
	return fmt.Sprintf("Similar name (%.0f %%)", m.Score*100)
}

// NormaliseSKU trims white space; "" is no SKU and matches nothing. Case and
// accents are kept: a SKU is an identifier, not a word.
func NormaliseSKU(s string) string { return norm.NFC.String(strings.TrimSpace(s)) }

// Normalise prepares a name for comparison: the entities WooCommerce leaves in
// names are decoded, letters composed and lowered, white space joined.
func Normalise(name string) string {
	s := norm.NFC.String(strings.ToLower(html.UnescapeString(name)))
	return strings.Join(strings.Fields(s), " ")
}

// AmbiguousError says that several candidates carry the SKU asked for, so that
// none of them is the match.
type AmbiguousError struct {
	SKU string
	IDs []int64 // ascending
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("SKU %q belongs to %d products: give each its own, or map by hand", e.SKU, len(e.IDs))
}

// Index holds candidates prepared for many searches. It is read-only once made
// and safe for concurrent use.
type Index struct {
	all    []entry // by ID
	bySKU  map[string][]int
	folded map[string][]int
	byName map[string]int // the lowest ID of each name
	codes  alphabet
}

type entry struct {
	Candidate
	profile
}

// NewIndex prepares candidates; their order does not matter.
func NewIndex(candidates []Candidate) *Index {
	ix := &Index{bySKU: map[string][]int{}, folded: map[string][]int{}, byName: map[string]int{}, codes: alphabet{}}
	sorted := slices.Clone(candidates)
	slices.SortFunc(sorted, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.SKU, b.SKU), cmp.Compare(a.Name, b.Name))
	})
	for i, c := range sorted {
		name := Normalise(c.Name)
		ix.all = append(ix.all, entry{c, ix.codes.profile(name)})
		if sku := NormaliseSKU(c.SKU); sku != "" {
			ix.bySKU[sku] = append(ix.bySKU[sku], i)
			ix.folded[fold(sku)] = append(ix.folded[fold(sku)], i)
		}
		if _, known := ix.byName[name]; !known && name != "" {
			ix.byName[name] = i
		}
	}
	return ix
}

func fold(s string) string { return strings.ToLower(strings.ToUpper(s)) }

// SKU finds the one candidate with this SKU. ok is false when there is none or
// sku is empty; err is an *AmbiguousError when there are several. A match in
// another letter case is only looked for when no exact one exists.
func (ix *Index) SKU(sku string) (m Match, ok bool, err error) {
	sku = NormaliseSKU(sku)
	if sku == "" {
		return Match{}, false, nil
	}
	for _, try := range []struct {
		found  []int
		reason Reason
	}{{ix.bySKU[sku], SameSKU}, {ix.folded[fold(sku)], SKUOtherCase}} {
		switch len(try.found) {
		case 0:
			continue
		case 1:
			return Match{ix.all[try.found[0]].Candidate, 1, try.reason}, true, nil
		}
		e := &AmbiguousError{SKU: sku}
		for _, i := range try.found {
			e.IDs = append(e.IDs, ix.all[i].ID)
		}
		return Match{}, false, e
	}
	return Match{}, false, nil
}

// Best finds the most similar name with a ratio of threshold or more; of equal
// ones the lowest ID. The ratio is that of (name, candidate), in this order.
// An empty name matches nothing.
func (ix *Index) Best(name string, threshold float64) (Match, bool) {
	name = Normalise(name)
	if name == "" {
		return Match{}, false
	}
	if i, same := ix.byName[name]; same && threshold <= 1 {
		return Match{ix.all[i].Candidate, 1, SameName}, true
	}
	// The most promising first, so that the rest fall below what was found.
	type hope struct {
		at    int
		bound float64
	}
	want := ix.codes.search(name)
	var hopes []hope
	for i := range ix.all {
		if b := want.atMost(&ix.all[i].profile, threshold); b >= threshold && len(ix.all[i].runes) > 0 {
			hopes = append(hopes, hope{i, b})
		}
	}
	slices.SortFunc(hopes, func(a, b hope) int {
		return cmp.Or(cmp.Compare(b.bound, a.bound), cmp.Compare(a.at, b.at))
	})
	var m matcher
	best, score := -1, 0.0
	for _, h := range hopes {
		if best >= 0 && h.bound < score {
			break
		}
		m.setB(ix.all[h.at].runes)
		r := m.ratio(want.runes)
		if r >= threshold && (best < 0 || r > score || r == score && h.at < best) {
			best, score = h.at, r
		}
	}
	if best < 0 {
		return Match{}, false
	}
	return Match{ix.all[best].Candidate, score, SimilarName}, true
}

// Best is [Index.Best] for a single search.
func Best(candidates []Candidate, name string, threshold float64) (Match, bool) {
	return NewIndex(candidates).Best(name, threshold)
}
