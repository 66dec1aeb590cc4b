package expr

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.starlark.net/syntax"
)

const (
	maxSource = 32 << 10 // bytes of one expression
	maxNest   = 60       // brackets within brackets
)

type kind uint8

const (
	kName kind = iota
	kNumber
	kString // text holds the value, not the literal
	kOp     // operators and the keywords that act as one
)

type token struct {
	kind kind
	text string
	pos  int // byte offset in the source
	kids []token
	end  bracket // of a group
}

// bracket is the one that closes a group.
type bracket struct {
	text string
	pos  int
}

var operators = []string{
	"**", "//", "<<", ">>", "<=", ">=", "==", "!=", "<>",
	"+", "-", "*", "/", "%", "<", ">", "=", "&", "|", "^", "~", ".", ",", ":",
}

// lex splits src into tokens and settles what is a matter of spelling alone:
// `is` and `<>` become == and !=, adjacent strings become one, strings are
// unquoted by Python's rules, line breaks and comments vanish.
func lex(src string) ([]token, error) {
	if len(src) > maxSource {
		return nil, errorAt(strings.ToValidUTF8(src[:64], "?"), 0, "expression of %d bytes is too long: at most %d", len(src), maxSource)
	}
	if !utf8.ValidString(src) {
		return nil, errorAt("", 0, "expression is not valid UTF-8")
	}
	var out []token
	for i := 0; i < len(src); {
		c, w := utf8.DecodeRuneInString(src[i:])
		switch {
		case c == '#':
			for i < len(src) && src[i] != '\n' {
				i++
			}
		case unicode.IsSpace(c) || c == '\ufeff':
			i += w
		case c == '\\' && i+1 < len(src) && (src[i+1] == '\n' || src[i+1] == '\r'):
			i += 2
		case c == '"' || c == '\'':
			val, n, err := unquote(src, i, i, false)
			if err != nil {
				return nil, err
			}
			out, i = addString(out, val, i), n
		case c == '_' || unicode.IsLetter(c):
			start := i
			for i < len(src) {
				c, w := utf8.DecodeRuneInString(src[i:])
				if c != '_' && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
					break
				}
				i += w
			}
			word := src[start:i]
			if i < len(src) && (src[i] == '"' || src[i] == '\'') {
				raw := strings.EqualFold(word, "r")
				if !raw && !strings.EqualFold(word, "u") {
					return nil, errorAt(src, start, "string prefix %q is not supported: write a plain string", word)
				}
				val, n, err := unquote(src, start, i, raw)
				if err != nil {
					return nil, err
				}
				out, i = addString(out, val, start), n
				continue
			}
			var err error
			if out, err = addWord(out, src, word, start); err != nil {
				return nil, err
			}
		case c >= '0' && c <= '9' || c == '.' && i+1 < len(src) && src[i+1] >= '0' && src[i+1] <= '9':
			start := i
			for i < len(src) && (isAlnum(src[i]) || src[i] == '.' || (src[i] == '+' || src[i] == '-') && isExponent(src[start:i])) {
				i++
			}
			out = append(out, token{kind: kNumber, text: src[start:i], pos: start})
		case strings.ContainsRune("()[]{}", c):
			out = append(out, token{kind: kOp, text: string(c), pos: i})
			i++
		default:
			op := ""
			for _, o := range operators {
				if strings.HasPrefix(src[i:], o) {
					op = o
					break
				}
			}
			if op == "" {
				return nil, errorAt(src, i, "unexpected character %q", c)
			}
			text := op
			if op == "<>" {
				text = "!="
			}
			out = append(out, token{kind: kOp, text: text, pos: i})
			i += len(op)
		}
	}
	return out, nil
}

func isAlnum(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// isExponent says whether a sign may follow: 1e-5, but not 0x1e-5.
func isExponent(s string) bool {
	return len(s) > 1 && (s[len(s)-1] == 'e' || s[len(s)-1] == 'E') && !strings.HasPrefix(strings.ToLower(s), "0x")
}

func addString(out []token, val string, pos int) []token {
	if n := len(out); n > 0 && out[n-1].kind == kString {
		out[n-1].text += val
		return out
	}
	return append(out, token{kind: kString, text: val, pos: pos})
}

func addWord(out []token, src, word string, pos int) ([]token, error) {
	last := len(out) - 1
	switch word {
	case "and", "or", "not", "if", "else", "for":
		// `is not` is one operator in Python.
		if word == "not" && last >= 0 && out[last].kind == kOp && out[last].text == "is" {
			out[last].text = "!="
			return out, nil
		}
		return append(out, token{kind: kOp, text: word, pos: pos}), nil
	case "in":
		if last >= 0 && out[last].kind == kOp && out[last].text == "not" {
			out[last].text = "not in"
			return out, nil
		}
		return append(out, token{kind: kOp, text: "in", pos: pos}), nil
	case "is":
		return append(out, token{kind: kOp, text: "is", pos: pos}), nil
	case "lambda", "import", "await", "yield", "async", "def", "while", "return", "load", "del", "global", "exec", "with", "class":
		return nil, errorAt(src, pos, "%q is not allowed in an expression", word)
	}
	if strings.HasPrefix(word, "__") {
		return nil, errorAt(src, pos, "name %q is not allowed: names may not start with two underscores", word)
	}
	return append(out, token{kind: kName, text: word, pos: pos}), nil
}

// unquote reads the Python string literal at src[at:] and returns its value
// and the offset after it. start is where the literal, with its prefix, began.
func unquote(src string, start, at int, raw bool) (string, int, error) {
	quote := src[at : at+1]
	if strings.HasPrefix(src[at:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	var b strings.Builder
	for i := at + len(quote); i < len(src); {
		switch {
		case strings.HasPrefix(src[i:], quote):
			return b.String(), i + len(quote), nil
		case src[i] == '\\' && i+1 < len(src) && raw:
			b.WriteString(src[i : i+2])
			i += 2
		case src[i] == '\\' && i+1 < len(src):
			i += unescape(&b, src[i:])
		default:
			b.WriteByte(src[i])
			i++
		}
	}
	return "", 0, errorAt(src, start, "string is not closed: %s is missing", quote)
}

// unescape writes the value of the escape s begins with and returns its length.
// As in Python an unknown escape stands for itself.
func unescape(b *strings.Builder, s string) int {
	hex := func(n int) int {
		if len(s) >= 2+n {
			if v, err := strconv.ParseUint(s[2:2+n], 16, 32); err == nil && v <= unicode.MaxRune {
				b.WriteRune(rune(v))
				return 2 + n
			}
		}
		b.WriteString(s[:2])
		return 2
	}
	switch s[1] {
	case '\n':
	case '\\', '\'', '"':
		b.WriteByte(s[1])
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'r':
		b.WriteByte('\r')
	case '0':
		b.WriteByte(0)
	case 'x':
		return hex(2)
	case 'u':
		return hex(4)
	case 'U':
		return hex(8)
	default:
		b.WriteString(s[:2])
	}
	return 2
}

// group folds brackets so that a token list holds only one bracket level.
func group(src string, toks []token) ([]token, error) {
	type open struct {
		tok  token
		list []token
	}
	closing := map[string]string{"(": ")", "[": "]", "{": "}"}
	var stack []open
	var cur []token
	for _, t := range toks {
		if t.kind != kOp {
			cur = append(cur, t)
			continue
		}
		switch t.text {
		case "(", "[", "{":
			if len(stack) >= maxNest {
				return nil, errorAt(src, t.pos, "expression is nested too deep: at most %d brackets", maxNest)
			}
			stack = append(stack, open{t, cur})
			cur = nil
		case ")", "]", "}":
			if len(stack) == 0 {
				return nil, errorAt(src, t.pos, "%q closes nothing", t.text)
			}
			top := stack[len(stack)-1]
			if closing[top.tok.text] != t.text {
				return nil, errorAt(src, t.pos, "%q does not close the %q before it", t.text, top.tok.text)
			}
			stack = stack[:len(stack)-1]
			g := top.tok
			g.kids, g.end = cur, bracket{t.text, t.pos}
			cur = append(top.list, g)
		default:
			if t.text == "is" {
				t.text = "=="
			}
			cur = append(cur, t)
		}
	}
	if len(stack) > 0 {
		t := stack[len(stack)-1].tok
		return nil, errorAt(src, t.pos, "%q is never closed", t.text)
	}
	return cur, nil
}

// rewritten is the Starlark text of an expression, on one line, with the way
// back from its columns to the offsets of the source.
type rewritten struct {
	text strings.Builder
	col  int   // characters written
	cols []int // starts of tokens, ascending
	offs []int // their offsets in the source
}

func (r *rewritten) put(text string, pos int) {
	r.cols, r.offs = append(r.cols, r.col), append(r.offs, pos)
	r.text.WriteString(text)
	r.text.WriteByte(' ')
	r.col += utf8.RuneCountInString(text) + 1
}

// offset maps a column of the rewritten text (from 1) to the source.
func (r *rewritten) offset(col int) int {
	off := 0
	for i, c := range r.cols {
		if c > col-1 {
			break
		}
		off = r.offs[i]
	}
	return off
}

func (r *rewritten) token(t token) {
	switch {
	case t.end.text != "":
		r.put(t.text, t.pos)
		r.list(t.kids)
		r.put(t.end.text, t.end.pos)
	case t.kind == kString:
		r.put(syntax.Quote(t.text, false), t.pos)
	default:
		r.put(t.text, t.pos)
	}
}

// list writes the tokens of one bracket level. Between the operators that bind
// looser than a comparison, two comparisons or more are a chain, which
// Starlark lacks: a < b <= c becomes __chain(a, "<", b, "<=", c).
func (r *rewritten) list(toks []token) {
	start, inFor := 0, false
	var compares []int
	flush := func(end int) {
		if len(compares) < 2 {
			for _, t := range toks[start:end] {
				r.token(t)
			}
		} else {
			r.put("__chain", toks[start].pos)
			r.put("(", toks[start].pos)
			from := start
			for _, c := range compares {
				for _, t := range toks[from:c] {
					r.token(t)
				}
				r.put(",", toks[c].pos)
				r.put(strconv.Quote(toks[c].text), toks[c].pos)
				r.put(",", toks[c].pos)
				from = c + 1
			}
			for _, t := range toks[from:end] {
				r.token(t)
			}
			r.put(")", toks[end-1].pos)
		}
		compares = compares[:0]
	}
	for i, t := range toks {
		if t.kind != kOp {
			continue
		}
		switch t.text {
		case "and", "or", "not", "if", "else", "for", ",", ":", "=":
			flush(i)
			r.token(t)
			start = i + 1
			inFor = inFor || t.text == "for"
		case "in":
			if inFor {
				flush(i)
				r.token(t)
				start, inFor = i+1, false
				continue
			}
			compares = append(compares, i)
		case "==", "!=", "<", ">", "<=", ">=", "not in":
			compares = append(compares, i)
		}
	}
	flush(len(toks))
}
