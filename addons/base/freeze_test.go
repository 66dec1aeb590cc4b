package base

import (
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
)

func TestDeclarationsFreeze(t *testing.T) {
	t.Parallel()
	r := orm.NewRegistry()
	r.Begin("base")
	define(r)
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
}
