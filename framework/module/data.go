package module

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// dataFile is a parsed data file: operations to be carried out in order.
type dataFile struct {
	addon, path string
	demo        bool
	fsys        fs.FS
	ops         []operation
}

// operation is a *record, *deletion or *call.
type operation any

// scope is what <odoo> and <data> say of the operations within them.
type scope struct {
	noupdate bool
	contexts []string // expressions, the outermost first
	user     string   // external id of the user who acts, "" for the superuser
	number   *int     // last sequence given with auto_sequence, nil without it
}

// record is a record to be created, or updated when its external id is known.
type record struct {
	place
	scope
	id          string // fully qualified external id, "" without one
	dbID        int64  // a CSV file may name the record by database id
	model       string
	forcecreate bool
	fields      []fieldValue
	// parent and inverse are set on a record written inside a one2many field.
	parent  *record
	inverse string
}

// valueKind says how a field's value is written.
type valueKind int

const (
	asText      valueKind = iota // plain text, read by the field's type
	asEval                       // Python expression
	asRef                        // external id
	asRefs                       // external ids separated by commas (CSV, groups)
	asSearch                     // records a domain finds
	asMarkup                     // XML or HTML kept as written
	asFile                       // content of a file, by type=
	asPath                       // path of a file of the addon
	asItems                      // <value> elements
	asNames                      // names of records (CSV)
	asDBIDs                      // database ids (CSV)
	asCSV                        // one cell of a CSV file
	asLines                      // rows below a one2many (CSV)
	asActionRef                  // external id of an action, stored as "model,id"
	asActionTag                  // name of a menu without one: its action's
)

// fieldValue is the value of one field as it is written.
type fieldValue struct {
	name  string
	line  int
	kind  valueKind
	text  string // text, expression, external id(s), domain, markup or path
	typ   string // type= of a plain text
	model string // model= of search and eval
	use   string // use= of search
	lang  string
	lines [][]fieldValue
	items []callArg // <value> elements of a list
	base  int       // line on which a markup begins
}

// deletion removes a record by external id, or those a domain finds.
type deletion struct {
	place
	scope
	model, id, search string
}

// call runs a method of a model.
type call struct {
	place
	scope
	model, method string
	eval          string // list of arguments
	args          []callArg
}

// callArg is an argument of a call: an expression, a text, a search, a file or
// the result of another call; a named one is a keyword argument.
type callArg struct {
	place
	name                            string
	eval, text, search, model, file string
	typ, use                        string
	hasEval                         bool
	call                            *call
}

// qualify gives an external id its module.
func qualify(id, addon string) string {
	if id == "" || strings.Contains(id, ".") {
		return id
	}
	return addon + "." + id
}

// parseFile reads a data file of an addon. With an error it returns what could
// be read nevertheless, for the sake of finding more mistakes.
func parseFile(fsys fs.FS, addon, name string, demo bool) (*dataFile, error) {
	at := place{addon: addon, file: name}
	if fsys == nil {
		return nil, at.errorf("the manifest lists this file but the addon has no FS")
	}
	src, err := fs.ReadFile(fsys, path.Clean(name))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, at.errorf("the manifest lists this file, which does not exist%s", expr.DidYouMean(name, listFiles(fsys)))
		}
		return nil, at.errorf("cannot be read: %v", err)
	}
	f := &dataFile{addon: addon, path: name, demo: demo, fsys: fsys}
	switch path.Ext(name) {
	case ".xml":
		err = f.parseXML(src)
	case ".csv":
		err = f.parseCSV(src)
	default:
		err = at.errorf("%q files cannot be loaded; write XML or CSV", path.Ext(name))
	}
	return f, err
}

func listFiles(fsys fs.FS) []string {
	var names []string
	_ = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return fs.SkipDir
		}
		if ext := path.Ext(p); !d.IsDir() && (ext == ".xml" || ext == ".csv") {
			names = append(names, p)
		}
		return nil
	})
	return names
}

// parseAll reads the data files of an addon, and reports all that fail.
func parseAll(a Addon, demo bool) ([]*dataFile, Problems) {
	var files []*dataFile
	var problems Problems
	read := func(names []string, demo bool) {
		for _, name := range names {
			f, err := parseFile(a.FS, a.Name, name, demo)
			if err != nil {
				problems = append(problems, toProblems(err, place{addon: a.Name, file: name})...)
			}
			if f != nil {
				files = append(files, f)
			}
		}
	}
	read(a.Data, false)
	if demo {
		read(a.Demo, true)
	}
	return files, problems
}

// toProblems takes an error apart into problems; at stands for what it lacks.
func toProblems(err error, at place) Problems {
	var ps Problems
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			ps = append(ps, toProblems(e, at)...)
		}
		return ps
	}
	if errors.As(err, &ps) {
		return ps
	}
	var de *dataError
	if errors.As(err, &de) {
		return Problems{de.problem}
	}
	return Problems{at.problem("%s", fmt.Sprint(err))}
}
