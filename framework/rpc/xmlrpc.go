package rpc

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
)

// The codes of faults of /xmlrpc/2, as Odoo's clients know them.
const (
	faultError   = 1 // the program failed
	faultWarning = 2 // a message for the user
	faultDenied  = 3 // wrong login
	faultAccess  = 4 // no right
)

// xmlDepth is how deep values of XML-RPC may be nested.
const xmlDepth = 100

// xmlrpc serves /xmlrpc/2/{service}, and /xmlrpc/{service}, which differs in its faults:
// the services of /jsonrpc in XML.
func (h *handler) xmlrpc(c *server.Context) error {
	service := c.Var("service")
	call, err := parseCall(c.Body)
	if err != nil {
		return noCall(c, err)
	}
	out, err := h.serve(c, service, call.method, arguments{call.args, func() ([]any, error) {
		if err := c.Reserve(costOfXML(c.Body)); err != nil {
			return nil, refusal{err}
		}
		return call.args, call.params(math.MaxInt)
	}})
	if errors.Is(err, errXML) {
		return noCall(c, err)
	}
	return told(c, out, err, sendResult)
}

// sendResult answers a call with its result.
func sendResult(c *server.Context, raw json.RawMessage) error {
	var result any
	if raw != nil {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		if err := d.Decode(&result); err != nil {
			return inCall(err)
		}
	}
	return sendXML(c, func(b *bytes.Buffer) {
		b.WriteString("<params>\n<param>\n")
		writeValue(b, result)
		b.WriteString("</param>\n</params>\n")
	})
}

// noCall answers what cannot be understood.
func noCall(c *server.Context, err error) error {
	return c.Send(http.StatusBadRequest, "text/plain; charset=utf-8", []byte("This is no XML-RPC call: "+err.Error()))
}

// costOfXML estimates the memory, in bytes, that a call takes once decoded.
func costOfXML(body []byte) int64 {
	n := func(what string, each int) int64 { return int64(each * bytes.Count(body, []byte(what))) }
	return 3*int64(len(body)) + n("<", 40) + n("<struct", 320) + n(`="`, 64) + n("='", 64)
}

// headOfXML reads who calls from the beginning of a request.
func headOfXML(head []byte) []any {
	call, err := parseCall(head)
	if err != nil {
		return nil
	}
	return call.args
}

// failXML answers a failed call with a fault.
func (h *handler) failXML(c *server.Context, err error, fault faultFunc) error {
	if he, ok := errors.AsType[*server.HTTPError](err); ok && !isCall(err) {
		return he
	}
	data, _ := h.describe(c, err)["data"].(map[string]any)
	name, _ := data["name"].(string)
	message, _ := data["message"].(string)
	code, text := fault(err, name, message)
	return sendXML(c, func(b *bytes.Buffer) {
		b.WriteString("<fault>\n")
		writeValue(b, map[string]any{"faultCode": code, "faultString": text})
		b.WriteString("</fault>\n")
	})
}

func sendXML(c *server.Context, content func(b *bytes.Buffer)) error {
	var b bytes.Buffer
	b.WriteString("<?xml version='1.0'?>\n<methodResponse>\n")
	content(&b)
	b.WriteString("</methodResponse>\n")
	return c.Send(http.StatusOK, "text/xml; charset=utf-8", b.Bytes())
}

// faultFunc tells an error, with its name and its message for clients, as the code
// and the text of a fault.
type faultFunc func(err error, name, message string) (code any, text string)

// numberedFault is that of /xmlrpc/2.
func numberedFault(err error, name, message string) (any, string) {
	number := func(n int) json.Number { return json.Number(strconv.Itoa(n)) }
	switch {
	case orm.IsCode(err, orm.CodeDenied):
		return number(faultDenied), message
	case orm.IsCode(err, orm.CodeAccess):
		return number(faultAccess), message
	case orm.IsCode(err, orm.CodeUser), orm.IsCode(err, orm.CodeValidation), orm.IsCode(err, orm.CodeMissing), orm.IsCode(err, orm.CodeRedirect):
		return number(faultWarning), message
	}
	return number(faultError), name + ": " + message
}

// namedFault is that of /xmlrpc, where what went wrong stands in the code.
func namedFault(err error, name, message string) (any, string) {
	warning := func(kind string) (any, string) { return "warning -- " + kind + "\n\n" + message, "" }
	switch {
	case orm.IsCode(err, orm.CodeDenied):
		return "AccessDenied", message
	case orm.IsCode(err, orm.CodeRedirect):
		return warning("Warning")
	case orm.IsCode(err, orm.CodeMissing):
		return warning("MissingError")
	case orm.IsCode(err, orm.CodeAccess):
		return warning("AccessError")
	case orm.IsCode(err, orm.CodeUser), orm.IsCode(err, orm.CodeValidation):
		return warning("UserError")
	}
	return message, name + ": " + message
}

var errXML = errors.New("it is not well-formed, or has values of no known type")

// xmlCall is a methodCall whose parameters are read one after another.
type xmlCall struct {
	d      *xml.Decoder
	method string
	args   []any // that have been read
	over   bool
}

// parseCall reads the beginning of a methodCall: the method and, if there are so many,
// the first three parameters, which say who calls.
func parseCall(body []byte) (*xmlCall, error) {
	c := &xmlCall{d: xml.NewDecoder(bytes.NewReader(body))}
	if err := open(c.d, "methodCall"); err != nil {
		return nil, err
	}
	if err := open(c.d, "methodName"); err != nil {
		return nil, err
	}
	method, err := text(c.d)
	if err != nil {
		return nil, err
	}
	c.method = strings.TrimSpace(method)
	t, err := element(c.d)
	if err != nil {
		return nil, err
	}
	start, ok := t.(xml.StartElement)
	if ok && start.Name.Local != "params" {
		return nil, errXML
	}
	c.over = !ok
	return c, c.params(3)
}

// params reads on until there are so many parameters, or no more.
func (c *xmlCall) params(most int) error {
	for !c.over && len(c.args) < most {
		t, err := element(c.d)
		if err != nil {
			return err
		}
		s, ok := t.(xml.StartElement)
		if !ok {
			c.over = true
			break
		}
		if s.Name.Local != "param" {
			return errXML
		}
		if err := open(c.d, "value"); err != nil {
			return err
		}
		v, err := value(c.d, 0)
		if err != nil {
			return err
		}
		c.args = append(c.args, v)
		if err := shut(c.d); err != nil {
			return err
		}
	}
	return nil
}

// element is the next start or end of an element, past what is between.
func element(d *xml.Decoder) (xml.Token, error) {
	for {
		t, err := d.Token()
		if err != nil {
			return nil, errXML
		}
		switch x := t.(type) {
		case xml.StartElement, xml.EndElement:
			return x, nil
		case xml.CharData:
			if len(bytes.TrimSpace(x)) > 0 {
				return nil, errXML
			}
		}
	}
}

func open(d *xml.Decoder, name string) error {
	t, err := element(d)
	if err != nil {
		return err
	}
	if s, ok := t.(xml.StartElement); !ok || s.Name.Local != name {
		return errXML
	}
	return nil
}

func shut(d *xml.Decoder) error {
	t, err := element(d)
	if err != nil {
		return err
	}
	if _, ok := t.(xml.EndElement); !ok {
		return errXML
	}
	return nil
}

// each reads elements of a name up to the end of the one around them.
func each(d *xml.Decoder, name string, do func() error) error {
	for {
		t, err := element(d)
		if err != nil {
			return err
		}
		s, ok := t.(xml.StartElement)
		if !ok {
			return nil
		}
		if s.Name.Local != name {
			return errXML
		}
		if err := do(); err != nil {
			return err
		}
	}
}

// text is what an element holds, up to its end.
func text(d *xml.Decoder) (string, error) {
	var b strings.Builder
	for {
		t, err := d.Token()
		if err != nil {
			return "", errXML
		}
		switch x := t.(type) {
		case xml.CharData:
			b.Write(x)
		case xml.EndElement:
			return b.String(), nil
		case xml.StartElement:
			return "", errXML
		}
	}
}

// value reads what is inside of a value element, and its end.
func value(d *xml.Decoder, depth int) (any, error) {
	if depth > xmlDepth {
		return nil, errXML
	}
	var plain strings.Builder
	for {
		t, err := d.Token()
		if err != nil {
			return nil, errXML
		}
		switch x := t.(type) {
		case xml.CharData:
			plain.Write(x)
		case xml.EndElement:
			return plain.String(), nil // a text without type
		case xml.StartElement:
			v, err := typed(d, x.Name.Local, depth)
			if err != nil {
				return nil, err
			}
			return v, shut(d)
		}
	}
}

func typed(d *xml.Decoder, kind string, depth int) (any, error) {
	switch kind {
	case "array":
		out := []any{}
		if err := open(d, "data"); err != nil {
			return nil, err
		}
		err := each(d, "value", func() error {
			v, err := value(d, depth+1)
			out = append(out, v)
			return err
		})
		if err != nil {
			return nil, err
		}
		return out, shut(d)
	case "struct":
		out := map[string]any{}
		return out, each(d, "member", func() error {
			if err := open(d, "name"); err != nil {
				return err
			}
			name, err := text(d)
			if err != nil {
				return err
			}
			if err := open(d, "value"); err != nil {
				return err
			}
			if out[name], err = value(d, depth+1); err != nil {
				return err
			}
			return shut(d)
		})
	}
	s, err := text(d)
	if err != nil {
		return nil, err
	}
	word := strings.TrimSpace(s)
	switch kind {
	case "string":
		return s, nil
	case "nil":
		return nil, nil
	case "boolean":
		return word == "1", nil
	case "int", "i4", "i8":
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, errXML
		}
		return n, nil
	case "double":
		f, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return nil, errXML
		}
		return f, nil
	case "dateTime.iso8601":
		for _, layout := range []string{"20060102T15:04:05", "2006-01-02T15:04:05"} {
			if at, err := time.Parse(layout, word); err == nil {
				return orm.DatetimeOf(at).String(), nil
			}
		}
	case "base64": // binary values are base64 in every protocol
		if strings.ContainsAny(word, " \t\r\n") {
			word = strings.Join(strings.Fields(word), "")
		}
		if _, err := io.Copy(io.Discard, base64.NewDecoder(base64.StdEncoding, strings.NewReader(word))); err == nil {
			return word, nil
		}
	}
	return nil, errXML
}

// writeValue writes what came of JSON as a value.
func writeValue(b *bytes.Buffer, v any) {
	b.WriteString("<value>")
	switch x := v.(type) {
	case nil:
		b.WriteString("<nil/>")
	case bool:
		b.WriteString("<boolean>" + map[bool]string{false: "0", true: "1"}[x] + "</boolean>")
	case json.Number:
		n, err := strconv.ParseInt(x.String(), 10, 64)
		switch {
		case err != nil:
			b.WriteString("<double>" + x.String() + "</double>")
		case n == int64(int32(n)):
			b.WriteString("<int>" + x.String() + "</int>")
		default:
			b.WriteString("<i8>" + x.String() + "</i8>")
		}
	case string:
		b.WriteString("<string>")
		writeText(b, x)
		b.WriteString("</string>")
	case []any:
		b.WriteString("<array><data>\n")
		for _, e := range x {
			writeValue(b, e)
		}
		b.WriteString("</data></array>")
	case map[string]any:
		b.WriteString("<struct>\n")
		keys := make([]string, 0, len(x))
		for k := range x {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		for _, k := range keys {
			b.WriteString("<member>\n<name>")
			writeText(b, k)
			b.WriteString("</name>\n")
			writeValue(b, x[k])
			b.WriteString("</member>\n")
		}
		b.WriteString("</struct>")
	}
	b.WriteString("</value>\n")
}

// writeText writes a text without the control characters that XML has no way
// to hold.
func writeText(b *bytes.Buffer, s string) {
	s = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, s)
	b.WriteString(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;").Replace(s))
}
