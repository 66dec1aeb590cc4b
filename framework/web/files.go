package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web/convert"
)

// filePage answers with a file of a record.
type filePage struct{ *page }

func onFile(fn func(filePage) error) func(*page) error {
	return func(p *page) error { return fn(filePage{p}) }
}

// inlineTypes are shown in the browser; everything else is downloaded, since
// whoever uploaded it could have it act in the visitor's name.
func inlineTypes() []string {
	return []string{"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf", "text/plain", "text/plain; charset=utf-8"}
}

// sendFile answers with a file, to be shown when inline is set and it is safe.
func (p *page) sendFile(name, kind string, content []byte, inline bool) error {
	if kind == "" {
		kind = http.DetectContentType(content)
	}
	disposition := "attachment"
	base, _, err := mime.ParseMediaType(kind)
	switch {
	case inline && err == nil && slices.Contains(inlineTypes(), base):
		disposition = "inline"
	case err != nil || strings.Contains(base, "ht") || strings.Contains(base, "xml") || strings.Contains(base, "script"):
		kind = "application/octet-stream" // nothing that a browser would run, whoever has stored it
	}
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == '/' || r == '\\' {
			return '-'
		}
		return r
	}, path.Base(name))
	h := p.Header()
	h.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": name}))
	h.Set("Cache-Control", "private, no-cache")
	return p.Send(http.StatusOK, kind, content)
}

// attachment sends the content of an attachment the user may read.
func (p filePage) attachment() error {
	rs, err := p.env().Lookup("ir.attachment")
	if err != nil {
		return err
	}
	rows, err := rs.Browse(convert.ID(p.Var("id"))).Read("name", "type", "url", "mimetype", "file_size", "raw")
	if err != nil {
		return err
	}
	r := rows[0]
	if convert.Text(r["type"]) == "url" {
		return p.openLink(convert.Text(r["url"]))
	}
	content, _ := r["raw"].([]byte)
	if n, _ := r["file_size"].(int64); n > 0 && len(content) == 0 {
		return server.Errorf(http.StatusNotFound, "The file is gone from the file store. Upload it again.")
	}
	return p.sendFile(convert.Text(r["name"]), convert.Text(r["mimetype"]), content, p.Query("download") == "")
}

// binary reads a file field of a record, as the user.
func (p filePage) binary() (content []byte, m *orm.Model, f *orm.Field, id int64, err error) {
	rs, err := p.env().Lookup(p.Var("model"))
	if err != nil {
		return nil, nil, nil, 0, server.Errorf(http.StatusNotFound, "There is no such file.")
	}
	f = rs.Model.Fields[p.Var("field")]
	if f == nil || f.Kind != orm.BinaryKind {
		return nil, nil, nil, 0, server.Errorf(http.StatusNotFound, "There is no such file.")
	}
	id = convert.ID(p.Var("id"))
	v, err := rs.Browse(id).Value(f.Name)
	if err != nil {
		return nil, nil, nil, 0, err
	}
	switch x := v.(type) {
	case []byte:
		content = x
	case orm.Binary:
		content = x
	}
	return content, rs.Model, f, id, nil
}

func (p filePage) field() error {
	content, m, f, id, err := p.binary()
	if err != nil {
		return err
	}
	if len(content) == 0 {
		return server.Errorf(http.StatusNotFound, "There is no such file.")
	}
	name := f.Label
	for _, candidate := range []string{f.Name + "_name", f.Name + "_filename", "filename", "file_name", "name"} {
		if nf := m.Fields[candidate]; nf != nil && nf.Kind == orm.Char {
			v, err := p.env().Model(m.Name).Browse(id).Value(candidate)
			if err != nil {
				return err
			}
			if s := convert.Text(v); s != "" {
				name = s
				break
			}
		}
	}
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		kind = http.DetectContentType(content)
	}
	return p.sendFile(name, kind, content, false)
}

// image sends a picture, or a drawing in its place when there is none.
func (p filePage) image() error {
	content, m, _, _, err := p.binary()
	if err != nil {
		return err
	}
	kind := http.DetectContentType(content)
	if !slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, kind) {
		p.Header().Set("Cache-Control", "private, max-age=300")
		drawing := noPicture
		if p.ofPeople(m) {
			drawing = noFace
		}
		return p.Send(http.StatusOK, "image/svg+xml", []byte(drawing))
	}
	if p.Query("v") != "" {
		p.Header().Set("Cache-Control", "private, max-age=86400")
	}
	return p.Send(http.StatusOK, kind, content)
}

// ofPeople reports whether records of a model are people: users, or what they
// delegate to.
func (p filePage) ofPeople(m *orm.Model) bool {
	users := usersOf(p.Reader).Model
	return m == users || slices.ContainsFunc(users.Delegates, func(f *orm.Field) bool { return f.Comodel == m.Name })
}

// The drawings shown where there is no picture.
const (
	noFrame   = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" rx="6" fill="#8b93a7" fill-opacity=".18"/><g fill="none" stroke="#8b93a7" stroke-width="2.5">`
	noFace    = noFrame + `<circle cx="32" cy="25" r="9"/><path d="M14 53c2-11 9-16 18-16s16 5 18 16"/></g></svg>`
	noPicture = noFrame + `<rect x="15" y="18" width="34" height="28" rx="3"/><path d="M15 40l10-10 8 8 5-5 11 11"/><circle cx="40" cy="26" r="3"/></g></svg>`
)

// fingerprint names the state of the static files, so that browsers fetch
// them anew when they change.
func fingerprint(files fs.FS) string {
	if files == nil {
		return ""
	}
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		h.Write([]byte(name))
		h.Write(bytes.TrimSpace(b))
		return nil
	})
	if err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil)[:6])
}
