// Package walk reads everything in every way there is, as users of many kinds,
// and compares what comes with a naive reference of who may see what. Every
// text in its world is a marker that stands in one place only, so that a leak
// is found wherever it comes out. It may import everything; nothing imports it.
package walk
