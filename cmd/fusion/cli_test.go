package main

import (
	"net"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"fusionsoft.ca/fusion/framework/module"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"fusion": main})
}

// TestCommandLine runs the scripts in testdata/script against the program.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				return err
			}
			e.Defer(func() { l.Close() })
			e.Setenv("BUSY", l.Addr().String())
			return nil
		},
	})
}

// TestAddonsHaveNoMistakes is what fusion check does, with the problems in the
// output of the tests.
func TestAddonsHaveNoMistakes(t *testing.T) {
	t.Parallel()
	for _, p := range module.Check(program().Addons) {
		t.Error(p)
	}
}
