package server

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// maxDepth is how deep lists and objects of a request may be nested.
const maxDepth = 512

// What JSON takes in memory once it is decoded into values of any kind, in bytes. The
// text counts several times: its parts are copied on the way to the handler.
const (
	costText   = 3
	costObject = 320
	costList   = 64
	costValue  = 64
)

// measureJSON estimates what JSON takes once decoded, and how deep it is nested. It
// does not matter whether the text is valid.
func measureJSON(text []byte) (cost int64, depth int) {
	cost, level := costText*int64(len(text)), 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '{':
			cost += costObject
			level++
		case '[':
			cost += costList
			level++
		case '}', ']':
			level--
		case ',', ':':
			cost += costValue
		}
		depth = max(depth, level)
	}
	return cost, depth
}

// AdmitJSON looks at JSON before it is decoded: what is nested too deep is refused
// with 400, and the memory it will take is reserved.
func (c *Context) AdmitJSON(text []byte) error {
	cost, depth := measureJSON(text)
	if depth > maxDepth {
		return Errorf(http.StatusBadRequest, "Invalid JSON data: it is nested too deep (more than %d levels)", maxDepth)
	}
	return c.Reserve(cost)
}

// DecodeJSON reads the body as JSON, keeping numbers exact.
func (c *Context) DecodeJSON(v any) error {
	if err := c.AdmitJSON(c.Body); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(c.Body))
	d.UseNumber()
	return d.Decode(v)
}
