// Package reporttest is what tests of reports import: it reads the text of the
// documents that framework/report makes. It imports nothing of Fusion.
package reporttest

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

var (
	stream = regexp.MustCompile(`(?s)<<([^>]*)>>\s*stream\r?\n`)
	length = regexp.MustCompile(`/Length (\d+)`)
	place  = regexp.MustCompile(`BT ([\d.]+) ([\d.]+) Td`)
)

// Text is the text of a document from top to bottom, a line for each line on
// paper with " | " between what stands apart, and a rule between pages.
func Text(pdf []byte) (string, error) {
	var pages []string
	for _, at := range stream.FindAllSubmatchIndex(pdf, -1) {
		dict := pdf[at[2]:at[3]]
		n := length.FindSubmatch(dict)
		if n == nil || bytes.Contains(dict, []byte("/Length1")) || bytes.Contains(dict, []byte("/Subtype")) {
			continue
		}
		size, err := strconv.Atoi(string(n[1]))
		if err != nil || at[1]+size > len(pdf) {
			return "", fmt.Errorf("reporttest: a stream is cut off")
		}
		content := pdf[at[1] : at[1]+size]
		if bytes.Contains(dict, []byte("/FlateDecode")) {
			r, err := zlib.NewReader(bytes.NewReader(content))
			if err != nil {
				return "", err
			}
			if content, err = io.ReadAll(r); err != nil {
				return "", err
			}
		}
		if text := page(content); text != "" {
			pages = append(pages, text)
		}
	}
	return strings.Join(pages, "\n----------------\n"), nil
}

type piece struct {
	x, y float64
	text string
}

// page is the text of the content of one page.
func page(content []byte) string {
	var pieces []piece
	for {
		at := place.FindSubmatchIndex(content)
		if at == nil {
			break
		}
		x, _ := strconv.ParseFloat(string(content[at[2]:at[3]]), 64)
		y, _ := strconv.ParseFloat(string(content[at[4]:at[5]]), 64)
		content = content[at[1]:]
		open := bytes.IndexByte(content, '(')
		if open < 0 {
			break
		}
		text, end := literal(content[open:])
		content = content[open+end:]
		pieces = append(pieces, piece{x, y, text})
	}
	slices.SortStableFunc(pieces, func(a, b piece) int {
		if c := cmp.Compare(b.y, a.y); c != 0 {
			return c
		}
		return cmp.Compare(a.x, b.x)
	})
	var lines []string
	for i, p := range pieces {
		if i > 0 && pieces[i-1].y == p.y {
			lines[len(lines)-1] += " | " + p.text
		} else {
			lines = append(lines, p.text)
		}
	}
	return strings.Join(lines, "\n")
}

// literal reads a string of PDF in UTF-16, and gives where it ends.
func literal(s []byte) (text string, end int) {
	var raw []byte
	i := 1
	for ; i < len(s) && s[i] != ')'; i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
			if s[i] == 'r' {
				raw = append(raw, '\r')
				continue
			}
		}
		raw = append(raw, s[i])
	}
	units := make([]uint16, 0, len(raw)/2)
	for k := 0; k+1 < len(raw); k += 2 {
		units = append(units, uint16(raw[k])<<8|uint16(raw[k+1]))
	}
	return string(utf16.Decode(units)), i + 1
}
