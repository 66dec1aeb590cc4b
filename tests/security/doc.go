// Package security attacks the program as strangers, users and stores would, and
// checks that nothing gives way. It may import everything; nothing imports it.
package security
