package route

import (
	"net/url"

	"fusionsoft.ca/fusion/framework/orm"
)

// Panel is a part of the pages of records in the back office, made by an addon: it
// stands beside the forms whose view has an element of the panel's name directly in
// it, as <chatter/>, once the record is stored.
type Panel struct {
	// Class is how views of before asked for it: a <div> of that class.
	Class string
	// Show makes its HTML, which is written as it is: the addon vouches for it. Its
	// outermost element has the panel's name as id. "" shows nothing.
	Show func(env *orm.Env, on RecordPage) (html string, err error)
	// Posts are what the forms in it do, by the last part of the address they post
	// to (see RecordPage.Action). Afterwards the page is shown again, with the error,
	// if it is one for the user.
	Posts map[string]func(env *orm.Env, on RecordPage) error
}

// RecordPage is the page of a record, as a [Panel] sees it.
type RecordPage interface {
	// Record is the record that the page is about.
	Record() orm.Records
	// Field is a field of it, nil for one that there is not, or not for the user.
	Field(name string) *orm.Field
	// Action is the address to which a form posts that does something of Posts.
	Action(name string) string
	// Posted is what the form had, and Files are the files of one of its inputs.
	Posted() url.Values
	Files(input string) ([]File, error)
	// Named are names of records which others point at and the user may read, with
	// the addresses of those he may read himself.
	Named(model string, ids ...int64) (map[int64]Named, error)
	// Avatar is the picture of somebody without one.
	Avatar(name string) Avatar
	// Day, Moment, FileSize and Value write values as the user's language has them.
	// currency is of an amount, or 0.
	Day(d orm.Date) string
	Moment(d orm.Datetime) string
	FileSize(bytes int64) string
	Value(f *orm.Field, v any, currency int64) string
}

// File is a file that was posted.
type File struct {
	Name    string
	Content []byte
}

// Named is a record to be shown by its name; URL is "" where there is no way to it.
type Named struct{ Name, URL string }

// Avatar is initials on a colour.
type Avatar struct {
	Initials string
	Hue      int // in degrees
}
