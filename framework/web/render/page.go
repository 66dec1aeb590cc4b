package render

import (
	"cmp"
	"html/template"
	"net/url"
	"slices"
)

// FormPage is a form as the templates show it.
type FormPage struct {
	Tree      *FormTree
	Edit      bool
	New       bool
	Dialog    bool
	Post      string // where the form goes
	Base      string // JSON of what was shown
	Version   string // of the record, to notice other people's changes
	Carry     []Hidden
	Lists     []DataList
	EditURL   string
	NewURL    string
	CloseURL  string
	Actions   []Choice // further actions: duplicate, archive, …
	CanEdit   bool
	Prev      string
	Next      string
	Position  string
	Error     string
	Conflict  bool
	Panels    []template.HTML
	Name      string
	Archived  bool
	Hint      string // why computed values are missing
	ModelName string
	RecordID  int64
	Focus     string
}

// HiddenInputs writes parameters as hidden inputs, in a fixed order.
func HiddenInputs(q url.Values) []Hidden {
	names := make([]string, 0, len(q))
	for k := range q {
		names = append(names, k)
	}
	slices.Sort(names)
	var out []Hidden
	for _, k := range names {
		for _, v := range q[k] {
			out = append(out, Hidden{k, v})
		}
	}
	return out
}

// SortLists puts lists of suggestions into a fixed order.
func SortLists(lists []DataList) {
	slices.SortFunc(lists, func(a, b DataList) int {
		return cmp.Or(cmp.Compare(len(a.ID), len(b.ID)), cmp.Compare(a.ID, b.ID))
	})
}
