package matching

import "slices"

// Ratio is how alike two texts are, from 0 to 1, after Ratcliff and Obershelp:
// twice the matched characters over all characters. It gives exactly what
// Python's difflib.SequenceMatcher(None, a, b).ratio() gives, including its
// treatment of characters that fill a long b (200 characters and more) as
// noise. It is not symmetric: ties are broken in favour of b's order.
func Ratio(a, b string) float64 {
	var m matcher
	m.setB([]rune(b))
	return m.ratio([]rune(a))
}

// matcher compares many texts with one b; its buffers are reused.
type matcher struct {
	b      []rune
	where  map[rune][]int // positions in b by character, without noise
	longer []int          // lengths of the matches ending at each position of b
	next   []int
	stack  [][4]int
}

func (m *matcher) setB(b []rune) {
	m.b = b
	if m.where == nil {
		m.where = make(map[rune][]int)
	}
	clear(m.where)
	for i, r := range b {
		m.where[r] = append(m.where[r], i)
	}
	if n := len(b); n >= 200 {
		most := n/100 + 1
		for r, at := range m.where {
			if len(at) > most {
				delete(m.where, r)
			}
		}
	}
	// One place more than b has, so that "the position before" always exists.
	m.longer = slices.Grow(m.longer[:0], len(b)+1)[:len(b)+1]
	m.next = slices.Grow(m.next[:0], len(b)+1)[:len(b)+1]
	clear(m.longer)
	clear(m.next)
}

func (m *matcher) ratio(a []rune) float64 {
	all := len(a) + len(m.b)
	if all == 0 {
		return 1
	}
	return 2 * float64(m.matched(a)) / float64(all)
}

// matched adds up the matching blocks: the longest one first, then what lies
// to its left and right.
func (m *matcher) matched(a []rune) int {
	sum := 0
	m.stack = append(m.stack[:0], [4]int{0, len(a), 0, len(m.b)})
	for len(m.stack) > 0 {
		q := m.stack[len(m.stack)-1]
		m.stack = m.stack[:len(m.stack)-1]
		i, j, k := m.longest(a, q[0], q[1], q[2], q[3])
		if k == 0 {
			continue
		}
		sum += k
		if q[0] < i && q[2] < j {
			m.stack = append(m.stack, [4]int{q[0], i, q[2], j})
		}
		if i+k < q[1] && j+k < q[3] {
			m.stack = append(m.stack, [4]int{i + k, q[1], j + k, q[3]})
		}
	}
	return sum
}

// longest finds the longest equal run of a[alo:ahi] and b[blo:bhi]; of several
// the one that begins earliest in a, of those the earliest in b.
func (m *matcher) longest(a []rune, alo, ahi, blo, bhi int) (besti, bestj, size int) {
	besti, bestj = alo, blo
	cur, prev := m.next, m.longer
	var touched, before []int
	for i := alo; i < ahi; i++ {
		touched = m.where[a[i]]
		for _, j := range touched {
			if j < blo {
				continue
			}
			if j >= bhi {
				break
			}
			k := prev[j] + 1
			cur[j+1] = k
			if k > size {
				besti, bestj, size = i-k+1, j-k+1, k
			}
		}
		for _, j := range before {
			prev[j+1] = 0
		}
		cur, prev = prev, cur
		before = touched
	}
	for _, j := range before {
		prev[j+1] = 0
	}
	// Noise is no place to begin at, but a match may grow over it.
	for besti > alo && bestj > blo && a[besti-1] == m.b[bestj-1] {
		besti, bestj, size = besti-1, bestj-1, size+1
	}
	for besti+size < ahi && bestj+size < bhi && a[besti+size] == m.b[bestj+size] {
		size++
	}
	return besti, bestj, size
}
