// Package idle has more than it uses.
package idle

type box[T any] struct {
	value T
	spare T // want `field spare is unused`
}

const limit = 3 // want `const limit is unused`

// Exported counts as used, and so does what it uses.
func Exported() int { return box[int]{value: helper()}.value }

func helper() int { return 1 }

func forgotten() {} // want `func forgotten is unused`
