package woosim

// exceptions lists recorded exchanges the simulator answers differently.
type exceptions []struct {
	from, to int
	why      string
}

func (e exceptions) reason(n int) string {
	for _, x := range e {
		if n >= x.from && n <= x.to {
			return x.why
		}
	}
	return ""
}

var notReproduced = exceptions{}
