package orm

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
)

// Keys of struct tags on a field, on the embedded Record or Mixin, and those
// that other packages read on any struct.
var (
	fieldKeys   = []string{"orm", "label", "help", "groups", "validate", "selection", "domain", "context"}
	recordKeys  = []string{"orm", "label", "order", "rec", "parent", "search"}
	foreignKeys = []string{"json", "xml", "yaml"}
)

// fieldOptions are the options of a field's orm tag; see applyOption.
var fieldOptions = []string{"text", "html", "selection", "reference", "monetary", "many2one_reference", "char", "plain", "image", "required",
	"readonly", "store", "index", "copy", "nocopy", "system", "tracking", "translate", "size", "digits", "min_digits", "currency", "many2one", "many2many",
	"one2many", "inverse", "rel", "ondelete", "delegate", "check_company", "company_dependent", "model_field", "aggregator", "sent_to",
	"related", "default"}

// tagMistakes lists the keys of a struct tag that are not among the known ones,
// those given twice, and what is no list of keys with quoted values.
func tagMistakes(tag reflect.StructTag, known []string) []error {
	var errs []error
	var seen []string
	rest := strings.TrimLeft(string(tag), " ")
	for rest != "" {
		key, after, ok := strings.Cut(rest, ":")
		quoted, err := strconv.QuotedPrefix(after)
		if !ok || err != nil || after[0] != '"' || strings.ContainsAny(key, " \"") {
			return append(errs, fmt.Errorf("the struct tag is malformed at %q; it is a list of key:\"value\"", rest))
		}
		switch {
		case slices.Contains(seen, key):
			errs = append(errs, fmt.Errorf("the struct tag has the key %q twice", key))
		case !slices.Contains(known, key) && !slices.Contains(foreignKeys, key):
			errs = append(errs, fmt.Errorf("unknown key %q in the struct tag%s", key, expr.DidYouMean(key, known)))
		}
		seen = append(seen, key)
		rest = strings.TrimLeft(after[len(quoted):], " ")
	}
	return errs
}
