// Package view reads the arch of a view as Odoo writes it, applies the views
// that inherit from it, checks every name in it and gives the tree a renderer
// walks.
//
// The way of a view: Parse keeps the XML with the file and line of every
// element; Apply lets extensions change it by XPath or by example; Build makes
// the typed tree; Validate checks that tree against a Schema and collects all
// mistakes at once. Every value is inert: nothing here knows of a database;
// package viewstore finds the views that one stores.
//
// The package may import framework/expr and nothing else of Fusion; what it
// needs to know of models, groups, actions and methods it asks of Schema.
package view
