package tutorial

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// block is a fenced block of the tutorial.
type block struct {
	line int // of the page, where it begins
	lang string
	file string // which it is the content of, or changes; "" for none
	text string
}

var (
	fence = regexp.MustCompile("^```(\\w+)$")
	title = regexp.MustCompile("^\\*\\*`(\\S+)`\\*\\*$")
)

// blocks takes a page apart. The name of a block's file is the paragraph above.
func blocks(page string) ([]block, error) {
	var out []block
	inside, file := false, ""
	for i, line := range strings.SplitAfter(page, "\n") {
		bare := strings.TrimSuffix(line, "\n")
		switch {
		case inside && bare == "```":
			inside, file = false, ""
		case inside:
			out[len(out)-1].text += line
		case strings.HasPrefix(strings.TrimSpace(bare), "```"):
			m := fence.FindStringSubmatch(bare)
			if m == nil {
				return nil, fmt.Errorf("line %d: %q is no beginning of a block", i+1, bare)
			}
			out, inside = append(out, block{line: i + 1, lang: m[1], file: file}), true
		case bare != "":
			file = ""
			if m := title.FindStringSubmatch(bare); m != nil {
				file = m[1]
			}
		}
	}
	if inside {
		return nil, fmt.Errorf("line %d: the block has no end", out[len(out)-1].line)
	}
	return out, nil
}

// commands are those of a block of a shell: a line each, or more where a quote
// goes on.
func (b block) commands() []string {
	var out []string
	open := false
	for line := range strings.Lines(b.text) {
		if open {
			out[len(out)-1] += line
		} else {
			out = append(out, line)
		}
		open = open != (strings.Count(line, "'")%2 == 1)
	}
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}

// patch changes a file as a block says: hunks, with @@ between them, of lines
// that are there (a blank in front), that come (+) and that go (-).
func patch(content, changes string) (string, error) {
	for hunk := range strings.SplitSeq(changes, "@@\n") {
		var before, after string
		for line := range strings.Lines(hunk) {
			switch line[0] {
			case ' ':
				before, after = before+line[1:], after+line[1:]
			case '-':
				before += line[1:]
			case '+':
				after += line[1:]
			default:
				return "", fmt.Errorf("%q begins with neither a blank nor a sign", line)
			}
		}
		if n := strings.Count(content, before); n != 1 {
			return "", fmt.Errorf("these lines are there %d times, not once:\n%s", n, before)
		}
		content = strings.Replace(content, before, after, 1)
	}
	return content, nil
}

// lacks says where a JSON value lacks something of another: keys and values of
// objects, elements of lists. It is "" when all is there.
func lacks(got, want any) string {
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%v is no object", got)
		}
		for k, w := range want {
			v, there := g[k]
			if !there {
				return "no " + k
			}
			if why := lacks(v, w); why != "" {
				return k + ": " + why
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			return fmt.Sprintf("%v are not %d elements", got, len(want))
		}
		for i, w := range want {
			if why := lacks(g[i], w); why != "" {
				return fmt.Sprintf("element %d: %s", i+1, why)
			}
		}
		return ""
	}
	if got != want {
		return fmt.Sprintf("%v, not %v", got, want)
	}
	return ""
}

// TestReadingThePage: the test of the tutorial would be worth nothing if it
// overlooked what stands there.
func TestReadingThePage(t *testing.T) {
	t.Parallel()
	got, err := blocks("a\n```sh\none\ntwo 'x\ny'\n```\n**`a/b.go`**\n\n```go\ncode\n\n```\n\n```sh\n```\n")
	if err != nil || len(got) != 3 || got[1] != (block{9, "go", "a/b.go", "code\n\n"}) || got[2].file != "" {
		t.Fatalf("%+v, %v", got, err)
	}
	if c := got[0].commands(); len(c) != 2 || c[0] != "one" || c[1] != "two 'x\ny'" {
		t.Errorf("%q", c)
	}
	for page, why := range map[string]string{"```\nx\n```\n": "no beginning", " ```sh\n": "no beginning", "```sh\nx\n": "no end"} {
		if _, err := blocks(page); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%q: %v, want %q", page, err, why)
		}
	}
	if got, err := patch("a\nb\nc\nd\n", " a\n+x\n@@\n-c\n d\n+e\n"); err != nil || got != "a\nx\nb\nd\ne\n" {
		t.Errorf("%q, %v", got, err)
	}
	for _, changes := range []string{" z\n+x\n", " a\n+x\n", "x\n"} {
		if got, err := patch("a\na\n", changes); err == nil {
			t.Errorf("%q makes %q", changes, got)
		}
	}
	have := map[string]any{"a": []any{1.0, "x"}, "b": false}
	for _, c := range []struct {
		want any
		why  string
	}{
		{map[string]any{"b": false}, ""},
		{have, ""},
		{map[string]any{"c": 1.0}, "no c"},
		{map[string]any{"a": []any{1.0}}, "a: [1 x] are not 1 elements"},
		{map[string]any{"a": []any{2.0, "x"}}, "a: element 1: 1, not 2"},
		{map[string]any{"b": map[string]any{}}, "b: false is no object"},
	} {
		if why := lacks(have, c.want); why != c.why {
			t.Errorf("%v: %q, want %q", c.want, why, c.why)
		}
	}
}
