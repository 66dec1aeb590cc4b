// Package pglocal runs a private PostgreSQL cluster for one data directory, so
// that one command gives a working system on the real engine.
//
// The cluster listens on a unix socket only, in a directory that nobody but its
// owner (and root) can enter, and never on TCP. Its life:
//
//	Start → initdb, once → postgres as a child → ready → … → Stop
//
// Several programs may Start the same directory: the first starts the server,
// the others join it, and the last to Stop stops it. Two lock files keep them
// in step. "start.lock" is held while somebody starts; "use.lock" is shared by
// everybody who uses the cluster and exclusive for whoever stops it.
//
// Each user of the cluster has a watchdog, a small shell reading from a pipe
// that closes when the user's process ends for whatever reason, kill -9
// included. The watchdog of the last user stops the server, so nothing is
// orphaned. Where even the watchdog was killed, the next Start joins the server
// that is still running; where everything was killed, PostgreSQL's own crash
// recovery brings back what was committed.
//
// PostgreSQL refuses to run as root, so a root process runs it as the owner of
// the data, or as "postgres", or as "nobody". A data directory below a folder
// that this account may not enter (/root, a 0700 temporary directory) works
// too on Linux: the server is handed the open directory and reaches it as
// /proc/self/fd/3. No permission of a foreign folder is ever changed.
//
// The package needs a Unix with sh and flock (util-linux), and imports nothing
// of ours.
package pglocal
