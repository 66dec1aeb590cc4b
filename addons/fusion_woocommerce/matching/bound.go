package matching

import "math/bits"

// Most pairs of names are nothing alike, and the ratio costs far more than
// finding that out. Two upper bounds of it decide: the characters both have in
// common, and the longest common subsequence, which every set of matching
// blocks is one of. The second is computed for 64 characters at once, by the
// bit-vector recurrence of Crochemore and Hyyrö.

// alphabet numbers the characters that occur in the candidates. It only grows
// while an index is made.
type alphabet map[rune]uint16

const (
	classes     = 64
	mostLetters = 1<<16 - 1 // further characters share the last number: the bound stays a bound
)

// profile is a text prepared as a candidate.
type profile struct {
	runes  []rune
	codes  []uint16
	counts [classes]uint16
}

func (al alphabet) profile(s string) profile {
	p := profile{runes: []rune(s)}
	p.codes = make([]uint16, len(p.runes))
	for i, r := range p.runes {
		code, ok := al[r]
		if !ok {
			code = uint16(min(len(al), mostLetters))
			al[r] = code
		}
		p.codes[i] = code
		p.count(r)
	}
	return p
}

func (p *profile) count(r rune) {
	if n := &p.counts[uint32(r)%classes]; *n < 1<<16-1 {
		*n++
	}
}

// search is a text prepared to be compared with many candidates.
type search struct {
	profile
	words int
	masks []uint64 // per code: where the text has that character
	open  []uint64 // buffer
}

func (al alphabet) search(s string) *search {
	q := &search{profile: profile{runes: []rune(s)}}
	q.words = (len(q.runes) + 63) / 64
	q.masks = make([]uint64, q.words*min(len(al)+1, mostLetters+1))
	q.open = make([]uint64, q.words)
	for i, r := range q.runes {
		q.count(r)
		if code, ok := al[r]; ok {
			q.masks[int(code)*q.words+i/64] |= 1 << (i % 64)
		}
	}
	return q
}

// atMost is a bound the ratio of both never exceeds; below floor it is rough.
func (q *search) atMost(p *profile, floor float64) float64 {
	la, lb := len(q.runes), len(p.runes)
	all := float64(la + lb)
	if all == 0 {
		return 1
	}
	if bound := 2 * float64(min(la, lb)) / all; bound < floor {
		return bound
	}
	common := 0
	for i := range p.counts {
		common += int(min(q.counts[i], p.counts[i]))
	}
	if bound := 2 * float64(common) / all; bound < floor {
		return bound
	}
	return 2 * float64(q.subsequence(p)) / all
}

// subsequence is the length of the longest common subsequence.
func (q *search) subsequence(p *profile) int {
	for w := range q.open {
		q.open[w] = ^uint64(0)
	}
	for _, code := range p.codes {
		masks := q.masks[int(code)*q.words : int(code)*q.words+q.words]
		var carry uint64
		for w, mask := range masks {
			v := q.open[w]
			var sum uint64
			sum, carry = bits.Add64(v, v&mask, carry)
			q.open[w] = sum | v&^mask
		}
	}
	n := 0
	for w, v := range q.open {
		if rest := len(q.runes) - 64*w; rest < 64 {
			v |= ^uint64(0) << rest
		}
		n += bits.OnesCount64(^v)
	}
	return n
}
