package ormtest_test

import (
	"fmt"
	"testing"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

type note struct {
	orm.Record `orm:"test.note" label:"Note"`
	Name       string `orm:"name" validate:"required"`
}

func notes() module.Addon {
	return module.Addon{Name: "notes", Version: "19.0.1.0.0", Depends: []string{"base"},
		Define: func(r *orm.Registry) {
			orm.Define[note](r).Unique("name", "name", "This note exists.")
		}}
}

func TestNewIsRolledBackAndAlone(t *testing.T) {
	t.Parallel()
	for i := range 6 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			env := ormtest.New(t, kernel.Addon(), notes())
			// The same unique name in every test: none sees another's.
			if _, err := env.Model("test.note").Create(orm.Values{"name": "only one"}); err != nil {
				t.Fatal(err)
			}
			ormtest.MaxQueries(t, env, 1, func() {
				if n, err := env.Model("test.note").SearchCount(nil, 0); err != nil || n != 1 {
					t.Errorf("%d notes, %v", n, err)
				}
			})
		})
	}
}

func TestDBCommits(t *testing.T) {
	t.Parallel()
	db := ormtest.DB(t, kernel.Addon(), notes())
	err := db.Run(t.Context(), orm.System(), func(env *orm.Env) error {
		_, err := env.Model("test.note").Create(orm.Values{"name": "kept"})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	env, err := db.Begin(t.Context(), orm.System())
	if err != nil {
		t.Fatal(err)
	}
	defer env.Rollback()
	if n, err := env.Model("test.note").SearchCount(nil, 0); err != nil || n != 1 {
		t.Errorf("%d notes, %v", n, err)
	}
}

func TestGolden(t *testing.T) {
	t.Parallel()
	ormtest.Golden(t, "greeting.txt", "hello\n")
}
