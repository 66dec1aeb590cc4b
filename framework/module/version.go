package module

import (
	"fmt"
	"strconv"
	"strings"
)

// version is a dotted version, compared number by number.
type version []int

func parseVersion(s string) (version, error) {
	parts := strings.Split(s, ".")
	v := make(version, len(parts))
	for i, p := range parts {
		n, err := strconv.Atoi(p)
		if err != nil || n < 0 || len(parts) < 2 || len(parts) > 6 {
			return nil, fmt.Errorf("version %q is malformed; write numbers and dots, as in 19.0.1.0.0", s)
		}
		v[i] = n
	}
	return v, nil
}

// compare is negative when v is the older one; missing parts count as 0.
func (v version) compare(o version) int {
	for i := range max(len(v), len(o)) {
		var a, b int
		if i < len(v) {
			a = v[i]
		}
		if i < len(o) {
			b = o[i]
		}
		if a != b {
			return a - b
		}
	}
	return 0
}
