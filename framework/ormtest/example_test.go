package ormtest_test

import (
	"context"
	"fmt"
	"testing"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

type shelf struct {
	orm.Record `orm:"example.shelf" label:"Shelf"`
	Name       string `orm:"name,required"`
	Places     int    `orm:"places,default=10"`
}

func shelves() module.Addon {
	return module.Addon{Name: "shelves", Version: "1.0.0", Depends: []string{"base"}, Define: func(r *orm.Registry) { orm.Define[shelf](r) }}
}

// A test of an addon: install it, act, look. What it did is undone afterwards.
// Tests of addons install base.Addon() where this one, as a test of the
// framework, takes the kernel.
func ExampleNew() {
	_ = func(t *testing.T) { // func TestShelves(t *testing.T) {
		t.Parallel()
		env := ormtest.New(t, kernel.Addon(), shelves())
		made, err := orm.New[shelf](env)
		if err != nil {
			t.Fatal(err)
		}
		made.Name = "Novels"
		ormtest.MaxQueries(t, env, 3, func() {
			if err := orm.Create(env, made); err != nil {
				t.Fatal(err)
			}
		})
		if made.Places != 10 {
			t.Errorf("%d places, want 10", made.Places)
		}
		ormtest.Golden(t, "shelf.txt", fmt.Sprintln(made.Name, made.Places))
	}
}

// An example has no test to hand over, and looks the same otherwise.
func ExampleRun() {
	err := ormtest.Run(func(env *orm.Env) error {
		made, err := orm.New[shelf](env)
		if err != nil {
			return err
		}
		made.Name = "Novels"
		if err := orm.Create(env, made); err != nil {
			return err
		}
		fmt.Println(made.Name, made.Places)
		return nil
	}, kernel.Addon(), shelves())
	if err != nil {
		fmt.Println(err)
	}
	// Output: Novels 10
}

// What commits needs a database of its own.
func ExampleRunDB() {
	err := ormtest.RunDB(func(db *orm.DB) error {
		for _, name := range []string{"Novels", "Maps"} {
			err := db.Run(context.Background(), orm.System(), func(env *orm.Env) error { return orm.Create(env, &shelf{Name: name, Places: 5}) })
			if err != nil {
				return err
			}
		}
		return db.View(context.Background(), orm.System(), func(env *orm.Env) error {
			n, err := env.Model("example.shelf").SearchCount(nil, 0)
			fmt.Println(n, "shelves")
			return err
		})
	}, kernel.Addon(), shelves())
	if err != nil {
		fmt.Println(err)
	}
	// Output: 2 shelves
}
