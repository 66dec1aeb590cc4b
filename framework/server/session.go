package server

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"fusionsoft.ca/fusion/framework/orm"

	"github.com/gorilla/sessions"
)

const (
	cookieName  = "session_id"
	sessionLife = 7 * 24 * time.Hour
)

// Session is a visitor's session. It is created when something is put in it.
type Session struct {
	UID     int64
	Login   string
	Context map[string]any

	notes   []Note
	stamp   string
	raw     *sessions.Session
	changed bool
	renew   bool
}

// SignIn makes the session a user's, under a new id so that an id known
// before the login is worthless.
func (s *Session) SignIn(uid int64, login string, keys map[string]any) {
	s.UID, s.Login, s.Context, s.changed, s.renew = uid, login, keys, true, true
}

// SignOut ends the session.
func (s *Session) SignOut() {
	s.UID, s.Login, s.Context, s.changed, s.renew = 0, "", nil, true, true
}

// SetContext replaces the user's context.
func (s *Session) SetContext(keys map[string]any) { s.Context, s.changed = keys, true }

// Note is a message for the next page the visitor sees.
type Note struct {
	Kind  string `json:"kind,omitempty"` // info, success, warning, danger
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`
}

// Tell keeps a note for the next page.
func (s *Session) Tell(n Note) {
	n.Title, n.Text = shorten(n.Title, 200), shorten(n.Text, 4000)
	s.notes, s.changed = append(s.notes, n), true
}

// Notes gives the notes that wait, and forgets them.
func (s *Session) Notes() []Note {
	out := s.notes
	if len(out) > 0 {
		s.notes, s.changed = nil, true
	}
	return out
}

// ID is the session's token, as the cookie carries it; "" when it is new.
func (s *Session) ID() string {
	if s.raw == nil {
		return ""
	}
	return s.raw.ID
}

// SessionStore keeps sessions in the database under a hash of their token; it
// implements sessions.Store of gorilla.
type SessionStore struct{ db *orm.DB }

var _ sessions.Store = (*SessionStore)(nil)

func (st *SessionStore) migrate() error {
	_, err := st.db.ExecContext(context.Background(), `CREATE TABLE IF NOT EXISTS http_session (
		id text PRIMARY KEY, uid bigint, data jsonb NOT NULL, ip text, agent text,
		created timestamptz NOT NULL DEFAULT now(), seen timestamptz NOT NULL DEFAULT now());
		CREATE INDEX IF NOT EXISTS http_session_uid ON http_session (uid)`)
	return err
}

type sessionData struct {
	IP      string         `json:"-"`
	UID     int64          `json:"uid"`
	Login   string         `json:"login"`
	Context map[string]any `json:"context"`
	Notes   []Note         `json:"notes,omitempty"`
	Stamp   string         `json:"stamp,omitempty"`
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Get implements sessions.Store.
func (st *SessionStore) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(st, name)
}

// New implements sessions.Store: the session of the request's cookie, or a
// fresh one.
func (st *SessionStore) New(r *http.Request, name string) (*sessions.Session, error) {
	s := sessions.NewSession(st, name)
	s.Options = &sessions.Options{Path: "/", MaxAge: int(sessionLife.Seconds()), HttpOnly: true, SameSite: http.SameSiteLaxMode}
	s.IsNew = true
	token := ""
	if c, err := r.Cookie(name); err == nil {
		token = c.Value
	}
	if h := r.Header.Get("X-Openerp-Session-Id"); h != "" {
		token = h
	}
	if token == "" {
		return s, nil
	}
	var raw []byte
	var seen time.Time
	err := st.db.QueryRowContext(r.Context(), "SELECT data, seen FROM http_session WHERE id = ? AND seen > ?", hashToken(token), time.Now().Add(-sessionLife)).Scan(&raw, &seen)
	if errors.Is(err, sql.ErrNoRows) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	var d sessionData
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // ids of the context stay integers
	if err := dec.Decode(&d); err != nil {
		return s, nil
	}
	d.Context, _ = orm.Plain(d.Context).(map[string]any)
	s.ID, s.IsNew = token, false
	s.Values["data"] = d
	if time.Since(seen) > 10*time.Minute {
		st.db.ExecContext(r.Context(), "UPDATE http_session SET seen = now() WHERE id = ?", hashToken(s.ID))
	}
	return s, nil
}

// Save implements sessions.Store.
func (st *SessionStore) Save(r *http.Request, w http.ResponseWriter, s *sessions.Session) error {
	ctx := context.WithoutCancel(r.Context())
	if s.Options.MaxAge < 0 {
		if s.ID != "" {
			if _, err := st.db.ExecContext(ctx, "DELETE FROM http_session WHERE id = ?", hashToken(s.ID)); err != nil {
				return err
			}
		}
		http.SetCookie(w, sessions.NewCookie(s.Name(), "", s.Options))
		return nil
	}
	d, _ := s.Values["data"].(sessionData)
	raw, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if s.ID == "" {
		token := make([]byte, 32)
		if _, err := rand.Read(token); err != nil {
			return err
		}
		s.ID = hex.EncodeToString(token)
	}
	_, err = st.db.ExecContext(ctx, `INSERT INTO http_session (id, uid, data, ip, agent) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET uid = EXCLUDED.uid, data = EXCLUDED.data, seen = now()`,
		hashToken(s.ID), d.UID, string(raw), d.IP, r.UserAgent())
	if err != nil {
		return err
	}
	http.SetCookie(w, sessions.NewCookie(s.Name(), s.ID, s.Options))
	return nil
}

// load reads the session of a request.
func (st *SessionStore) load(r *http.Request) (*Session, error) {
	raw, err := st.New(r, cookieName)
	if err != nil {
		return nil, err
	}
	s := &Session{raw: raw}
	if d, ok := raw.Values["data"].(sessionData); ok {
		s.UID, s.Login, s.Context, s.notes, s.stamp = d.UID, d.Login, d.Context, d.Notes, d.Stamp
	}
	return s, nil
}

// finish stores a session that changed and sets its cookie.
func (st *SessionStore) finish(w http.ResponseWriter, r *http.Request, s *Session, secure bool, ip string) error {
	if !s.changed {
		return nil
	}
	if s.renew && s.raw.ID != "" {
		if _, err := st.db.ExecContext(context.WithoutCancel(r.Context()), "DELETE FROM http_session WHERE id = ?", hashToken(s.raw.ID)); err != nil {
			return err
		}
		s.raw.ID = ""
	}
	if s.UID == 0 {
		s.raw.Options.MaxAge = -1
	}
	s.raw.Options.Secure = secure
	s.raw.Values["data"] = sessionData{ip, s.UID, s.Login, s.Context, s.notes, s.stamp}
	return st.Save(r, w, s.raw)
}

// sweep removes the sessions that have ended by themselves.
func (st *SessionStore) sweep(ctx context.Context) {
	if _, err := st.db.ExecContext(ctx, "DELETE FROM http_session WHERE seen <= ?", time.Now().Add(-sessionLife)); err != nil && ctx.Err() == nil {
		st.db.Logger.Error("old sessions are not removed", "error", err.Error())
	}
}

// EndAll ends all sessions of a user but the one given, after a change of
// password.
func (st *SessionStore) EndAll(ctx context.Context, uid int64, except string) error {
	_, err := st.db.ExecContext(ctx, "DELETE FROM http_session WHERE uid = ? AND id <> ?", uid, hashToken(except))
	return err
}
