package module

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in an addon: its manifest, models or data files.
type Problem struct {
	Addon   string // "" when it cannot be told
	File    string // path within the addon, "" for the manifest
	Line    int    // from 1, 0 when unknown
	Record  string // external id, "" outside of a record
	Message string // what is wrong and what to do
}

// String is one line: addon/file:line: record id: message.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.Addon)
	if p.File != "" {
		b.WriteString("/" + p.File)
	}
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	if p.Record != "" {
		fmt.Fprintf(&b, "record %s: ", p.Record)
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems are several mistakes as one error, one a line.
type Problems []Problem

func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// err is ps as an error, nil when there is none.
func (ps Problems) err() error {
	if len(ps) == 0 {
		return nil
	}
	return ps
}

// tidy sorts the problems and drops repetitions.
func (ps Problems) tidy() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		if c := strings.Compare(a.Addon, b.Addon); c != 0 {
			return c
		}
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		return a.Line - b.Line
	})
	return slices.Compact(ps)
}

// place is where something stands in an addon's files.
type place struct {
	addon, file string
	line        int
	record      string
}

func (p place) problem(format string, args ...any) Problem {
	return Problem{Addon: p.addon, File: p.file, Line: p.line, Record: p.record, Message: fmt.Sprintf(format, args...)}
}

// errorf is a problem as an error of its own; %w keeps its cause.
func (p place) errorf(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	return &dataError{p.problem("%s", err), errors.Unwrap(err)}
}

type dataError struct {
	problem Problem
	cause   error
}

func (e *dataError) Error() string { return e.problem.String() }
func (e *dataError) Unwrap() error { return e.cause }
