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
	noticePattern = regexp.MustCompile(`(?i)(<b>)?\b(PHP )?(warning|notice|deprecated|strict standards|user (warning|notice|deprecated))(</b>)?\s*:`)
	pagePattern   = regexp.MustCompile(`(?i)<(!doctype|html|head|body)\b`)
)

// jsonBody finds the JSON in an answer. Plugins put a byte order mark or PHP
// notices around it; that is skipped and told in warning. ok is false when
// the body is not recognisably the API's: an HTML page, or JSON cut short.
func jsonBody(body []byte) (doc []byte, warning string, ok bool) {
	doc = bytes.TrimSpace(body)
	for bytes.HasPrefix(doc, bom) {
		doc = bytes.TrimSpace(doc[len(bom):])
		warning = "the store sends a byte order mark before its answers (a PHP file saved with one)"
	}
	if json.Valid(doc) {
		return doc, warning, true
	}
	if pagePattern.Match(doc) || !noticePattern.Match(doc) {
		return nil, "", false
	}
	const most = 200 // brackets tried; a notice holds a few, a page thousands
	for at, tried := 0, 0; at < len(doc) && tried < most; tried++ {
		i := bytes.IndexAny(doc[at:], "{[")
		if i < 0 {
			break
		}
		at += i
		var found json.RawMessage
		dec := json.NewDecoder(bytes.NewReader(doc[at:]))
		if dec.Decode(&found) == nil {
			rest := bytes.TrimSpace(doc[at+int(dec.InputOffset()):])
			before := doc[:at]
			if (len(rest) == 0 || noticePattern.Match(rest)) && (at == 0 || noticePattern.Match(before)) {
				notice := plainText(string(before))
				if notice == "" {
					notice = plainText(string(rest))
				}
				return found, "the store prints PHP messages into its answers: " + notice, true
			}
		}
		at++
	}
	return nil, "", false
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
