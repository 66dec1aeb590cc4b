package orm

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestColumnsOfConstraints(t *testing.T) {
	t.Parallel()
	for definition, want := range map[string]string{
		"CHECK (minutes > 0)":                     "minutes",
		"UNIQUE (name, company_id)":               "name company_id",
		"CHECK (state <> 'sale' OR date IS NULL)": "state date",
		"CHECK (display_type NOT IN ('line_section', 'it''s minuts') OR credit * debit = 0)":              "display_type credit debit",
		"EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (active)":                                 "room during active",
		"EXCLUDE USING gist (room gist_int_ops WITH =, lower(name) text_pattern_ops WITH =)":              "room name",
		"CHECK (CAST(a AS numeric(10, 2)) > b::double precision AND c::timestamp with time zone < now())": "a b c",
		`CHECK ("user" IS NOT NULL AND Login COLLATE "C" > E'\'x' AND start >= date '2020-01-01')`:        "user login start",
		"CHECK (extract(year FROM starts) > 2000 AND (a IS DISTINCT FROM b))":                             "starts a b",
		"CHECK (t_table.minutes > 0 AND 1e3 < x) -- not this\n":                                           "x",
		"CHECK ((a IS NULL) <> (b IS NULL)) /* nor this */":                                               "a b",
	} {
		if got := strings.Join(columnsIn(definition), " "); got != want {
			t.Errorf("%s: columns %q, want %q", definition, got, want)
		}
	}
}

func TestTagMistakes(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		`orm:"name" label:"Name" json:"name"`: "",
		`orm:"name" lable:"Name"`:             `unknown key "lable" in the struct tag; did you mean "label"?`,
		`orm:"name" label:"A" label:"B"`:      `the struct tag has the key "label" twice`,
		`orm:"name", label:"A"`:               `the struct tag is malformed at ", label:\"A\""; it is a list of key:"value"`,
		`orm:"name" label:'A'`:                `the struct tag is malformed at "label:'A'"; it is a list of key:"value"`,
		`orm:"name" label`:                    `the struct tag is malformed at "label"; it is a list of key:"value"`,
	} {
		var got []string
		for _, err := range tagMistakes(reflect.StructTag(tag), fieldKeys) {
			got = append(got, err.Error())
		}
		if strings.Join(got, "\n") != want {
			t.Errorf("%s:\n%s\nwant\n%s", tag, strings.Join(got, "\n"), want)
		}
	}
}

// TestOptionsOfTags holds the list that names are proposed from against the
// options that are understood.
func TestOptionsOfTags(t *testing.T) {
	t.Parallel()
	for _, option := range fieldOptions {
		if err := applyOption(&Field{}, option, "", func(string) {}); err != nil && strings.Contains(err.Error(), "unknown option") {
			t.Error(err)
		}
	}
	if slices.Contains(fieldOptions, "requird") {
		t.Fatal("the list holds a wrong name")
	}
	err := applyOption(&Field{}, "requird", "", func(string) {})
	if err == nil || !strings.Contains(err.Error(), `did you mean "required"?`) {
		t.Errorf("error %v", err)
	}
}
