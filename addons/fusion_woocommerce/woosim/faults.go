package woosim

import (
	"bytes"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// FaultKind is a way for a store to fail.
type FaultKind int

// The kinds of trouble a store can have.
const (
	FaultStatus      FaultKind = iota // answers Status with a WordPress error; nothing is done
	FaultDelay                        // waits Delay before answering; the request is done
	FaultCutBefore                    // cuts the connection; nothing is done
	FaultCutAfter                     // does the request, then cuts the connection
	FaultHTML                         // answers 200 with an HTML page; nothing is done
	FaultRateLimit                    // answers 429 with Retry-After; nothing is done
	FaultMaintenance                  // answers 503 as during an update; nothing is done
	FaultBOM                          // puts a byte order mark before the right answer
	FaultNotice                       // puts a PHP warning before the right answer
)

// Fault is trouble for the requests it matches.
type Fault struct {
	Kind        FaultKind
	Method      string         // "" is any
	Path        *regexp.Regexp // nil is any; matched against the path
	Header      string         // matches requests that carry this header; "" is any
	Count       int            // how many requests, 0 is without end
	Skip        int            // how many matching requests to leave alone first
	Probability float64        // 0 is always; drawn with the simulator's seed
	Status      int            // for FaultStatus; 0 is 500
	Delay       time.Duration  // for FaultDelay
	RetryAfter  time.Duration  // for FaultRateLimit and FaultMaintenance; 0 is their usual
}

type activeFault struct {
	Fault
	id, seen, hit int
}

// AddFault switches trouble on and returns a function that ends it.
func (s *Sim) AddFault(f Fault) (end func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faultID++
	id := s.faultID
	s.faults = append(s.faults, &activeFault{Fault: f, id: id})
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for i, a := range s.faults {
			if a.id == id {
				s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
				return
			}
		}
	}
}

// ClearFaults ends all trouble, of requests and of webhooks.
func (s *Sim) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.hookFaults = nil, WebhookFaults{}
}

func (s *Sim) matchFault(r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		if f.Method != "" && f.Method != r.Method || f.Path != nil && !f.Path.MatchString(r.URL.Path) || f.Header != "" && r.Header.Get(f.Header) == "" {
			continue
		}
		f.seen++
		if f.seen <= f.Skip || f.Count > 0 && f.hit >= f.Count || f.Probability > 0 && s.rng.Float64() >= f.Probability {
			continue
		}
		f.hit++
		hit := f.Fault
		return &hit
	}
	return nil
}

// before acts ahead of the request's work; true ends the request.
func (f *Fault) before(w http.ResponseWriter, r *http.Request) bool {
	switch f.Kind {
	case FaultDelay:
		t := time.NewTimer(f.Delay)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.Context().Done():
		}
	case FaultCutBefore:
		panic(http.ErrAbortHandler)
	case FaultStatus:
		status := f.Status
		if status == 0 {
			status = http.StatusInternalServerError
		}
		dead(w, status, "internal_server_error", `<p>There has been a critical error on this website.</p><p><a href="https://wordpress.org/documentation/article/faq-troubleshooting/">Learn more about troubleshooting WordPress.</a></p>`, r)
		return true
	case FaultHTML:
		w.Header().Set("Content-Type", "text/html; charset=UTF-8")
		_, _ = w.Write([]byte("<!DOCTYPE html>\n<html><head><title>Checking your browser</title></head><body><h1>One moment, please…</h1></body></html>\n"))
		return true
	case FaultRateLimit:
		f.retryAfter(w, 30)
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = w.Write([]byte(`{"code":"too_many_requests","message":"Too many requests.","data":{"status":429}}`))
		return true
	case FaultMaintenance:
		f.retryAfter(w, 600)
		dead(w, http.StatusServiceUnavailable, "wp_die", "Briefly unavailable for scheduled maintenance. Check back in a minute.", r)
		return true
	}
	return false
}

func (f *Fault) retryAfter(w http.ResponseWriter, def int) {
	if f.RetryAfter > 0 {
		def = int(f.RetryAfter / time.Second)
	}
	w.Header().Set("Retry-After", strconv.Itoa(def))
}

// dead is WordPress ending early: JSON for those who accept it, else a page.
func dead(w http.ResponseWriter, status int, code, message string, r *http.Request) {
	w.Header().Set("Expires", "Wed, 11 Jan 1984 05:00:00 GMT")
	w.Header().Set("Cache-Control", "no-cache, must-revalidate, max-age=0")
	if code != "wp_die" {
		w.Header().Set("Cache-Control", "no-cache, must-revalidate, max-age=0, no-store, private")
	}
	if strings.Contains(r.Header.Get("Accept"), "json") || code != "wp_die" {
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(status)
		_, _ = w.Write(encode(object("code", code, "message", message, "data", object("status", status), "additional_errors", []any{})))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte("<!DOCTYPE html>\n<html dir='ltr'>\n<head>\n\t<title>Maintenance</title>\n</head>\n<body id=\"error-page\">\n\t<div class=\"wp-die-message\"><h1>Briefly unavailable for scheduled maintenance. Check back in a minute.</h1></div></body>\n</html>\n"))
}

// after acts on the finished answer; true means it was dealt with.
func (f *Fault) after(w http.ResponseWriter, r *http.Request, rec *reply) bool {
	switch f.Kind {
	case FaultCutAfter:
		panic(http.ErrAbortHandler)
	case FaultBOM:
		rec.body = append([]byte("\xef\xbb\xbf"), rec.body...)
	case FaultNotice:
		rec.body = append([]byte("<br />\n<b>Warning</b>:  Undefined array key \"missing\" in <b>/var/www/html/wp-content/mu-plugins/woorec-mu.php</b> on line <b>73</b><br />\n"), rec.body...)
	}
	rec.body = bytes.Clone(rec.body)
	return false
}
