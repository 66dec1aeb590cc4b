package render

import (
	"embed"
	"fmt"
	"html/template"
	"strings"

	"fusionsoft.ca/fusion/framework/web/convert"
)

//go:embed templates/*.html
var templateFiles embed.FS

// Templates reads the embedded templates. A mistake in them is one of the
// program, found by every test.
func Templates() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"dict":  dict,
		"lower": strings.ToLower,
		"plural": func(n int, one, many string) string {
			return convert.Count(n, one, many)
		},
	}).ParseFS(templateFiles, "templates/*.html"))
}

// dict makes a map of names and values, to hand several to a template.
func dict(pairs ...any) (map[string]any, error) {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		k, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is no name", pairs[i])
		}
		out[k] = pairs[i+1]
	}
	return out, nil
}
