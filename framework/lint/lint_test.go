package lint_test

import (
	"testing"

	"golang.org/x/tools/go/analysis/analysistest"

	"fusionsoft.ca/fusion/framework/lint"
)

func TestNames(t *testing.T) {
	t.Parallel()
	analysistest.Run(t, analysistest.TestData(), lint.Names, "base", "sale", "guest")
}

func TestUnused(t *testing.T) {
	t.Parallel()
	analysistest.Run(t, analysistest.TestData(), lint.Unused, "idle")
}

func TestSelections(t *testing.T) {
	t.Parallel()
	analysistest.Run(t, analysistest.TestData(), lint.Selections, "states", "stateuse")
}
