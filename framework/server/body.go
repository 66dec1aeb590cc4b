package server

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

// Large as Route.MaxBody stands for the server's MaxBody: routes that take files
// or records in bulk.
const Large = -1

const (
	// anonymousBody is what is read, in bytes, before it is known who calls.
	anonymousBody = 1 << 20
	// piece is what is read or written between two looks at the clock and at what
	// all requests hold together.
	piece = 64 << 10
)

// budget is the memory that the bodies of all requests under way may take, in
// bytes. Of bodies of anonymous callers a part counts that is smaller, so that they cannot
// keep out people who have logged in.
type budget struct {
	mu             sync.Mutex
	all, anonymous int64 // still free
	most           int64
}

func newBudget(most int64) *budget { return &budget{all: most, anonymous: most / 4, most: most} }

// reservation is what one request has taken of the budget.
type reservation struct {
	b         *budget
	n         int64
	anonymous int64 // of n, what counts as anonymous
	known     bool
	body      int64 // of n, what the body takes
}

func (h *reservation) take(n int64) bool {
	h.b.mu.Lock()
	defer h.b.mu.Unlock()
	strange := int64(0)
	if !h.known && h.n+n > piece { // the first piece is free, so that a login gets through
		strange = n
	}
	if n > h.b.all || strange > h.b.anonymous {
		return false
	}
	h.b.all, h.b.anonymous = h.b.all-n, h.b.anonymous-strange
	h.n, h.anonymous = h.n+n, h.anonymous+strange
	return true
}

// identified stops counting the request as anonymous.
func (h *reservation) identified() {
	h.b.mu.Lock()
	defer h.b.mu.Unlock()
	h.b.anonymous += h.anonymous
	h.anonymous, h.known = 0, true
}

// shrinkTo gives back all but n bytes.
func (h *reservation) shrinkTo(n int64) {
	h.b.mu.Lock()
	defer h.b.mu.Unlock()
	back := max(h.n-n, 0)
	strange := min(back, h.anonymous)
	h.b.all, h.b.anonymous = h.b.all+back, h.b.anonymous+strange
	h.n, h.anonymous = h.n-back, h.anonymous-strange
}

// Identified says that the caller has proven who they are, on routes that find it
// out by themselves: what the request takes no longer counts as anonymous.
func (c *Context) Identified() { c.held.identified() }

// Reserve takes memory, in bytes, for what the handler makes of the body; it is
// given back when the request is answered. It fails with 413 when no request may
// take so much, and with 503 when others have it now.
func (c *Context) Reserve(n int64) error {
	if n > c.held.b.most/2 {
		return Errorf(http.StatusRequestEntityTooLarge, "The request would take too much memory. Send its parts one after another.")
	}
	if !c.held.take(n) {
		return errBusy()
	}
	return nil
}

func errBusy() error {
	return Errorf(http.StatusServiceUnavailable, "The server has too many large requests to answer right now. Try again in a moment.")
}

func tooLarge(limit int64) error {
	return Errorf(http.StatusRequestEntityTooLarge, "The request is larger than %d bytes.", limit)
}

// readBody reads the request's body. Of a stranger it reads no more than a
// mebibyte, or what the route lets anybody send.
func (s *Server) readBody(rt Route, c *Context) error {
	most := rt.MaxBody
	switch most {
	case 0:
		most = min(anonymousBody, s.Config.MaxBody)
	case Large:
		most = s.Config.MaxBody
	}
	known := rt.Access == BearerAccess || c.Session != nil && c.Session.UID != 0
	if known {
		c.held.identified()
	}
	limit := most
	if !known && (rt.Access != NoAccess || rt.Vouch != nil) {
		limit = min(most, anonymousBody)
	}
	if declared := c.Request.ContentLength; declared > most || declared > limit && rt.Vouch == nil {
		return tooLarge(min(most, limit))
	}
	whole, err := c.readUpTo(limit, s.Config.Patience)
	if err == nil && !whole && limit < most && rt.Vouch != nil {
		head := c.Body[:limit]
		if err = s.within(c, func() error { return rt.Vouch(c, head) }); err == nil {
			c.held.identified()
			limit = most
			whole, err = c.readUpTo(limit, s.Config.Patience)
		}
	}
	if err == nil && !whole {
		err = tooLarge(limit)
	}
	if err != nil {
		_ = c.control.SetReadDeadline(time.Now()) // nobody waits for the rest
		return err
	}
	// From now on the connection is only watched for a client that goes away, however
	// long the work takes.
	_ = c.control.SetReadDeadline(time.Time{})
	c.held.body = c.held.n
	return nil
}

// readUpTo reads on until the body ends, or is longer than limit.
func (c *Context) readUpTo(limit int64, patience time.Duration) (whole bool, err error) {
	due := int64(-1)
	for int64(len(c.Body)) <= limit {
		size := int64(len(c.Body))
		if size >= due { // each piece has its own time, so that only who stops sending is dropped
			_ = c.control.SetReadDeadline(time.Now().Add(patience)) // recorders of tests have none
			due = size + piece
		}
		if size == c.held.n && !c.held.take(piece) {
			return false, errBusy()
		}
		room := min(c.held.n-size, limit+1-size)
		c.Body = slices.Grow(c.Body, int(room))
		n, err := c.Request.Body.Read(c.Body[size : size+room])
		c.Body = c.Body[:size+int64(n)]
		switch {
		case errors.Is(err, io.EOF):
			return int64(len(c.Body)) <= limit, nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return false, Errorf(http.StatusRequestTimeout, "The request arrived too slowly.")
		case err != nil:
			return false, Errorf(http.StatusBadRequest, "The request could not be read.")
		}
	}
	return false, nil
}

// deadlineWriter writes an answer piece by piece; a client that does not take a piece in
// time is dropped, however long the whole of it takes.
type deadlineWriter struct {
	http.ResponseWriter
	control  *http.ResponseController
	patience time.Duration
}

func newDeadlineWriter(w http.ResponseWriter, patience time.Duration) *deadlineWriter {
	p := &deadlineWriter{w, http.NewResponseController(w), patience}
	p.wait()
	return p
}

func (p *deadlineWriter) wait() { _ = p.control.SetWriteDeadline(time.Now().Add(p.patience)) }

// WriteHeader implements http.ResponseWriter.
func (p *deadlineWriter) WriteHeader(status int) {
	p.wait()
	p.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer.
func (p *deadlineWriter) Write(b []byte) (n int, err error) {
	for {
		p.wait()
		m, err := p.ResponseWriter.Write(b[n:min(len(b), n+piece)])
		n += m
		if err != nil || n == len(b) {
			return n, err
		}
	}
}

// Unwrap lets http.ResponseController reach the writer beneath.
func (p *deadlineWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }
