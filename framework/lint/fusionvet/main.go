// Command fusionvet runs the analyzers of go vet and staticcheck and those that
// know the ORM over Go packages, in one build:
//
//	go run fusionsoft.ca/fusion/framework/lint/fusionvet ./...
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/suite/vet"
	"golang.org/x/tools/go/analysis/unitchecker"
	"honnef.co/go/tools/simple"
	"honnef.co/go/tools/staticcheck"
	"honnef.co/go/tools/stylecheck"

	"fusionsoft.ca/fusion/framework/lint"
)

func main() {
	if !calledByGo(os.Args[1:]) {
		os.Exit(vetPackages(os.Args[1:]))
	}
	analyzers := append([]*analysis.Analyzer{lint.Names, lint.Selections, lint.Unused}, vet.Suite...)
	for _, a := range slices.Concat(staticcheck.Analyzers, simple.Analyzers, stylecheck.Analyzers) {
		if !a.Doc.NonDefault {
			analyzers = append(analyzers, a.Analyzer)
		}
	}
	unitchecker.Main(analyzers...)
}

// calledByGo reports whether go vet runs the program, which asks for its version
// and its flags and then names one package at a time in a file.
func calledByGo(args []string) bool {
	if len(args) == 0 {
		return false
	}
	return strings.HasPrefix(args[0], "-V") || args[0] == "-flags" || args[0] == "help" || strings.HasSuffix(args[len(args)-1], ".cfg")
}

// vetPackages has go vet run this program over packages.
func vetPackages(args []string) int {
	self, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fusionvet:", err)
		return 1
	}
	vet := exec.Command("go", append([]string{"vet", "-vettool=" + self}, args...)...)
	vet.Stdin, vet.Stdout, vet.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = vet.Run()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return exit.ExitCode()
	case err != nil:
		fmt.Fprintln(os.Stderr, "fusionvet:", err)
		return 1
	}
	return 0
}
