package matching

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// testdata/ratio.json holds scores of Python's own difflib (golden.py wrote it).
func goldenPairs(t testing.TB) (pairs []struct {
	a, b  string
	score float64
}) {
	t.Helper()
	raw, err := os.ReadFile("testdata/ratio.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows [][3]any
	if err := json.Unmarshal(raw, &rows); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		pairs = append(pairs, struct {
			a, b  string
			score float64
		}{r[0].(string), r[1].(string), r[2].(float64)})
	}
	return pairs
}

func TestRatioIsDifflibs(t *testing.T) {
	t.Parallel()
	pairs := goldenPairs(t)
	if len(pairs) < 1000 {
		t.Fatalf("only %d pairs", len(pairs))
	}
	var reused matcher
	for _, p := range pairs {
		if got := Ratio(p.a, p.b); got != p.score {
			t.Errorf("Ratio(%.60q, %.60q) = %v, difflib says %v", p.a, p.b, got, p.score)
		}
		reused.setB([]rune(p.b))
		if got := reused.ratio([]rune(p.a)); got != p.score {
			t.Errorf("a reused matcher gives %v for (%.60q, %.60q), want %v", got, p.a, p.b, p.score)
		}
		codes := alphabet{}
		cand := codes.profile(p.b)
		if bound := codes.search(p.a).atMost(&cand, 0); bound < p.score {
			t.Errorf("the bound %v of (%.60q, %.60q) is below the ratio %v", bound, p.a, p.b, p.score)
		}
	}
}

func TestSKU(t *testing.T) {
	t.Parallel()
	ix := NewIndex([]Candidate{
		{3, "GLV-NIT-M", "Glove"}, {1, " CN-ÉRABLE ", "Cane"}, {2, "dup", "A"}, {7, "dup", "B"},
		{4, "Mix", "C"}, {5, "MIX", "D"}, {6, "", "No SKU"}, {8, "   ", "Blank SKU"},
	})
	for _, tc := range []struct {
		sku    string
		id     int64
		reason Reason
		many   []int64
	}{
		{"GLV-NIT-M", 3, SameSKU, nil},
		{"  GLV-NIT-M\t", 3, SameSKU, nil},
		{"glv-nit-m", 3, SKUOtherCase, nil},
		{"CN-ÉRABLE", 1, SameSKU, nil},
		{"CN-E\u0301RABLE", 1, SameSKU, nil}, // the same letters, decomposed
		{"CN-ERABLE", 0, "", nil},            // an accent makes another SKU
		{"Mix", 4, SameSKU, nil},
		{"mix", 0, "", []int64{4, 5}},
		{"dup", 0, "", []int64{2, 7}},
		{"", 0, "", nil},
		{"  ", 0, "", nil},
		{"GLV-NIT", 0, "", nil},
	} {
		m, ok, err := ix.SKU(tc.sku)
		var many *AmbiguousError
		if errors.As(err, &many) != (tc.many != nil) || tc.many != nil && fmt.Sprint(many.IDs) != fmt.Sprint(tc.many) {
			t.Errorf("SKU(%q): error %v, want several %v", tc.sku, err, tc.many)
		}
		if ok != (tc.id != 0) || m.ID != tc.id || m.Reason != tc.reason {
			t.Errorf("SKU(%q) = %+v, %v; want id %d, %q", tc.sku, m, ok, tc.id, tc.reason)
		}
	}
}

func TestBest(t *testing.T) {
	t.Parallel()
	list := []Candidate{
		{9, "", "Bath Board"}, {2, "", "Bath  board "}, {5, "", "Rollator &amp; Walker"},
		{4, "", "Nitrile gloves, medium"}, {3, "", "Nitrile gloves, medium!"}, {8, "", ""},
	}
	for _, tc := range []struct {
		name      string
		threshold float64
		id        int64
		reason    Reason
	}{
		{"bath board", 0.6, 2, SameName}, // of two the lower id
		{"ROLLATOR & WALKER", 0.6, 5, SameName},
		{"Rollator and Walker", 0.6, 5, SimilarName},
		{"Nitrile glove medium", 0.6, 4, SimilarName},
		{"Rollator and Walker", 0.99, 0, ""},
		{"", 0, 0, ""},
		{"zzz", 0.2, 0, ""},
	} {
		for range 3 { // the order given does not matter
			rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
			m, ok := Best(list, tc.name, tc.threshold)
			if ok != (tc.id != 0) || m.ID != tc.id || m.Reason != tc.reason {
				t.Errorf("Best(%q, %v) = %+v, %v; want id %d, %q", tc.name, tc.threshold, m, ok, tc.id, tc.reason)
			}
		}
	}
	if m, _ := Best([]Candidate{{1, "", "abcd"}}, "bcde", 0.1); m.Score != 0.75 || m.Explain() != "Similar name (75 %)" {
		t.Errorf("score %v, %q", m.Score, m.Explain())
	}
}

// The shortcuts must not change the answer.
func TestBestEqualsExhaustiveSearch(t *testing.T) {
	t.Parallel()
	pairs := goldenPairs(t)[17:617]
	var list []Candidate
	for i, p := range pairs {
		list = append(list, Candidate{ID: int64(i + 1), Name: p.b})
	}
	ix := NewIndex(list)
	for _, threshold := range []float64{0, 0.45, 0.8} {
		for _, p := range pairs[:40] {
			name := Normalise(p.a)
			var want int64
			score := -1.0
			for _, c := range list {
				if n := Normalise(c.Name); n != "" {
					if r := Ratio(name, n); r > score && r >= threshold {
						want, score = c.ID, r
					}
				}
			}
			got, ok := ix.Best(p.a, threshold)
			if ok != (want != 0) || got.ID != want {
				t.Errorf("Best(%q, %v) = %d (%v), exhaustive search finds %d (%v)", p.a, threshold, got.ID, got.Score, want, score)
			}
		}
	}
}

func shop(n int, seed uint64) []Candidate {
	words := strings.Fields("rollator walker chaise érable bath board transfer bench glove nitrile medium large noir black pansement silicone coussin gel wheelchair cushion kit hip surgery bed rail handle bar lift chair bariatric commode raised toilet seat cane tip pair small blue heavy duty folding")
	rng := rand.New(rand.NewPCG(seed, 1))
	out := make([]Candidate, n)
	for i := range out {
		var parts []string
		for range 3 + rng.IntN(5) {
			parts = append(parts, words[rng.IntN(len(words))])
		}
		out[i] = Candidate{ID: int64(i + 1), Name: fmt.Sprintf("%s %d", strings.Join(parts, " "), rng.IntN(500))}
	}
	return out
}

func BenchmarkBest5000x5000(b *testing.B) {
	erp, store := shop(5000, 1), shop(5000, 2)
	for b.Loop() {
		ix := NewIndex(erp)
		for _, s := range store {
			ix.Best(s.Name, 0.6)
		}
	}
}
