package render

import "html/template"

// ListView is a list as the templates show it.
type ListView struct {
	Search    *SearchBar
	Columns   []*Column
	Rows      []*ListRow
	Grouped   bool
	Cards     []*CardColumn // a kanban in place of rows
	Kanban    bool
	Pager     *Pager
	Total     int
	Create    string // address of a new record
	Edit      string // address of the list for typing
	Buttons   bool   // rows have buttons
	Help      template.HTML
	Post      string // where bulk actions go
	Actions   []Choice
	Header    []*Node
	SelectURL string // the same list with its rows selected
	Selected  bool
	Selecting bool
	Problems  []string
	Totals    bool
	Modes     []ModeLink
	NotBuilt  string
	Hidden    []Hidden
}

// ModeLink leads to another kind of view of the same records.
type ModeLink struct {
	Kind, URL string
	Current   bool
}

// Hidden is an input that is not shown.
type Hidden struct{ Name, Value string }

// ListRow is a record or a group of records.
type ListRow struct {
	ID     int64
	URL    string
	Name   string
	Cells  []*cell
	Tone   string
	Level  int
	Group  bool
	Count  int
	Open   bool
	Toggle string
	Totals []string // of a group, by column
	Note   string   // in place of a record: what is left out
	More   string

	Buttons []rowButton
}

// Pager says which records a list shows, and leads to those before and after.
type Pager struct {
	From, To, Total int
	Prev, Next      string
	Many            bool // Total is not known: there are more
}

// SearchBar is the search of a list.
type SearchBar struct {
	Action  string // address of the page itself
	Hidden  []Hidden
	Fields  []Choice
	In      string
	Facets  []FacetView
	Filters [][]Toggle
	Dates   []DateFilter
	Groups  []Toggle
	GroupBy []Choice // further fields to group by
	Custom  []CustomField
	Clear   string
	HasSet  bool
	Favs    []FavLink
	Columns []Option // those that can be shown or hidden
	Post    string
}

// FavLink is a favourite as the search shows it.
type FavLink struct {
	Toggle
	ID   int64
	Mine bool
}

// FacetView is a part of the search as the search bar shows it.
type FacetView struct {
	Kind, Label, Text, Remove string
}

// Toggle is a link that switches something on or off.
type Toggle struct {
	Label string
	URL   string
	On    bool
}

// DateFilter offers periods of a date.
type DateFilter struct {
	Label   string
	Periods []Toggle
}

// CustomField is a field one may build a condition on.
type CustomField struct {
	Field, Label string
	Kind         string
}

// CardColumn is a column of cards: a stage, or all records.
type CardColumn struct {
	Title string
	Count int
	Cards []*Card
	More  string
	Sum   string
}

// Card is one record of a kanban.
type Card struct {
	URL   string
	Title string
	Image template.URL
	Lines []*cell
	Tone  string
}

// Choice is a value and what it is called.
type Choice struct{ Value, Label string }
