package module

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// maxExpanded bounds the text that entities may add to a document, in bytes.
const maxExpanded = 1 << 20

var (
	declared   = regexp.MustCompile(`^<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']`)
	entityDecl = regexp.MustCompile(`<!ENTITY\s+([\w.:-]+)\s+(?:"([^"]*)"|'([^']*)')\s*>`)
	// opaqueText are the parts of a document in which "&" means itself, and
	// the entities to replace elsewhere.
	opaqueText = regexp.MustCompile(`(?s)<!--.*?-->|<!\[CDATA\[.*?\]\]>|&[A-Za-z_][\w.:-]*;`)
)

// xmlText brings the source of a document to UTF-8 and puts the values of the
// entities it declares where it names them, so that the XML of a view can be
// taken from it as it stands. Lines keep their numbers.
func xmlText(src []byte) ([]byte, error) {
	src, err := toUTF8(src)
	if err != nil {
		return nil, err
	}
	known := map[string]string{"nbsp": "&#160;", "copy": "&#169;", "hellip": "&#8230;"} // which HTML has taught people
	if i := bytes.Index(src, []byte("<!DOCTYPE")); i >= 0 {
		for _, m := range entityDecl.FindAllSubmatch(src[i:doctypeEnd(src, i)], -1) {
			known[string(m[1])] = strings.ReplaceAll(string(m[2])+string(m[3]), "\n", " ")
		}
	}
	return expandEntities(src, known, 0)
}

// doctypeEnd is where the document type declaration that begins at i ends.
func doctypeEnd(src []byte, i int) int {
	depth := 0
	for ; i < len(src); i++ {
		switch src[i] {
		case '<':
			depth++
		case '>':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return i
}

func expandEntities(src []byte, known map[string]string, depth int) ([]byte, error) {
	if !bytes.ContainsRune(src, '&') {
		return src, nil
	}
	grown, again := 0, false
	out := opaqueText.ReplaceAllFunc(src, func(m []byte) []byte {
		if m[0] != '&' {
			return m
		}
		v, ok := known[string(m[1:len(m)-1])]
		if grown += len(v); !ok || grown > maxExpanded {
			return m // one of XML's own, or an error of the parser
		}
		again = again || strings.Contains(v, "&")
		return []byte(v)
	})
	if grown > maxExpanded || depth > 8 {
		return nil, &xmlError{1, "its entities expand without end"}
	}
	if again {
		return expandEntities(out, known, depth+1)
	}
	return out, nil
}

// toUTF8 reads a document in the encoding its first bytes declare.
func toUTF8(src []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(src, []byte("\xff\xfe")), bytes.HasPrefix(src, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(src)
	case bytes.HasPrefix(src, []byte("\xef\xbb\xbf")):
		return src[3:], nil
	}
	m := declared.FindSubmatch(src)
	if m == nil {
		return src, nil
	}
	name := strings.NewReplacer("-", "", "_", "", " ", "", "latin", "iso8859", "cp125", "windows125").Replace(strings.ToLower(string(m[1])))
	if name == "utf8" || name == "usascii" || name == "ascii" {
		return src, nil
	}
	for _, e := range charmap.All {
		if strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(fmt.Sprint(e))) == name {
			return e.NewDecoder().Bytes(src)
		}
	}
	return nil, &xmlError{1, fmt.Sprintf("the encoding %q is not known; write the file in UTF-8", m[1])}
}

var cdata = regexp.MustCompile(`(?s)<!\[CDATA\[(.*?)\]\]>`)

// plainMarkup is the XML between the tags of an element, with CDATA written as
// escaped text: HTML does not know it. An element that holds nothing but text
// gives that text, which is how markup is written in CDATA.
func plainMarkup(e *element) string {
	if !strings.Contains(e.inner, "<![CDATA[") {
		return e.inner
	}
	if len(e.kids) == 0 {
		return e.text
	}
	return cdata.ReplaceAllStringFunc(e.inner, func(s string) string {
		return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(cdata.FindStringSubmatch(s)[1])
	})
}
