// Package stateuse compares states of another package.
package stateuse

import "states"

type big struct{ states.Job }

func open(b big) bool {
	switch b.State {
	case states.Done, "cancelled": // want `State is a selection: compare it with a constant instead of "cancelled"`
		return false
	}
	return "draft" == b.State // want `State is a selection: compare it with a constant instead of "draft"`
}
