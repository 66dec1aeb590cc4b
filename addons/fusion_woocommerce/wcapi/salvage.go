package wcapi

import (
	"bytes"
	"encoding/json"
	"regexp"
)

var (
	bom = []byte("\xef\xbb\xbf")
	// What PHP prints when it is told to show its complaints: with HTML
	// (<b>Warning</b>:) or without (PHP Warning:  …, Deprecated: …).
	noticePattern  = regexp.MustCompile(`(?i)(<b>)?\b(PHP )?(warning|notice|deprecated|strict standards|user (warning|notice|deprecated))(</b>)?\s*:`)
	pagePattern    = regexp.MustCompile(`(?i)<(!doctype|html|head|body)\b`)
	cutPattern     = regexp.MustCompile(`^[{[]\s*["{[]|[:,]$`)
	commentPattern = regexp.MustCompile(`(?s)^(\s|<!--.*?-->)*$`)
)

// jsonBody finds the JSON in an answer. Plugins put a byte order mark, PHP
// notices, comments of caches or other output around it; that is skipped and
// told in warning. What no database keeps, NUL characters and bytes that are
// not UTF-8, is dropped. ok is false when the body is not recognisably the
// API's: an HTML page, or JSON cut short.
func jsonBody(body []byte) (doc []byte, warning string, ok bool) {
	doc = bytes.TrimSpace(storable(body))
	for bytes.HasPrefix(doc, bom) {
		doc = bytes.TrimSpace(doc[len(bom):])
		warning = "the store sends a byte order mark before its answers (a PHP file saved with one)"
	}
	if json.Valid(doc) {
		return doc, warning, true
	}
	from, to := longestJSON(doc)
	found := doc[from:to]
	if len(found) == 0 {
		return nil, "", false
	}
	before, after := bytes.TrimSpace(doc[:from]), bytes.TrimSpace(doc[to:])
	around := append(append(bytes.Clone(before), '\n'), after...)
	said := plainText(string(around))
	switch {
	case pagePattern.Match(around), cutPattern.Match(before), bytes.HasSuffix(before, []byte("[")), bytes.IndexAny(after, ",:]}") == 0:
		return nil, "", false // a page, or a part of JSON that was cut short
	case noticePattern.Match(around):
		return found, "the store prints PHP messages into its answers: " + said, true
	case commentPattern.Match(around):
		return found, "a plugin of the store puts comments around its answers", true
	case len(found) > len(around) && len(found) > 2:
		// An empty list in the midst of other text may be anything, and would say
		// that the store has nothing.
		return found, "a plugin of the store prints into its answers: " + said, true
	}
	return nil, "", false
}

// longestJSON is where the longest object or list in a text is.
func longestJSON(text []byte) (from, to int) {
	const most = 200 // brackets tried; a notice holds a few, a page thousands
	for at, tried := 0, 0; at < len(text) && tried < most; tried++ {
		i := bytes.IndexAny(text[at:], "{[")
		if i < 0 {
			break
		}
		at += i
		var found json.RawMessage
		dec := json.NewDecoder(bytes.NewReader(text[at:]))
		if dec.Decode(&found) != nil {
			at++
			continue
		}
		end := at + int(dec.InputOffset())
		if end-at > to-from {
			from, to = at, end
		}
		at = end
	}
	return from, to
}

// storable drops NUL characters, also escaped ones, and what is not UTF-8.
func storable(body []byte) []byte {
	body = bytes.ReplaceAll(bytes.ToValidUTF8(body, nil), []byte{0}, nil)
	escaped := []byte(`\u0000`)
	if !bytes.Contains(body, escaped) {
		return body
	}
	out := make([]byte, 0, len(body))
	for i := 0; i < len(body); i++ {
		if body[i] != '\\' || i+1 == len(body) {
			out = append(out, body[i])
			continue
		}
		if bytes.HasPrefix(body[i:], escaped) {
			i += len(escaped) - 1
			continue
		}
		out = append(out, body[i], body[i+1]) // an escaped backslash begins no other escape
		i++
	}
	return out
}

// looksCutShort reports whether a body that is no JSON began as JSON: the
// connection ended early.
func looksCutShort(body []byte) bool {
	body = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), bom))
	return len(body) > 0 && (body[0] == '{' || body[0] == '[')
}

// looksHTML reports whether a body is a web page or empty rather than data.
func looksHTML(body []byte) bool {
	body = bytes.TrimSpace(body)
	return len(body) == 0 || body[0] == '<' || pagePattern.Match(body)
}
