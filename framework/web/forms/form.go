package forms

import (
	"cmp"
	"net/url"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
	"fusionsoft.ca/fusion/framework/web/action"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/render"
)

// Form is one record being shown, typed in or posted.
type Form struct {
	p       *Submission
	Action  *action.Action
	Records orm.Records
	View    *view.View
	ID      int64
	Rights  render.Rights

	Hint     string // why what follows from the typed values is not shown
	Conflict bool   // somebody else changed the record
	Focus    string // prefix of the line just added
}

// New prepares the form of a record of an action, or with id 0 of a new one.
func New(sub *Submission, act *action.Action, id int64) (*Form, error) {
	f := &Form{p: sub, Action: act, ID: id}
	rs, err := sub.Env().Lookup(act.Model)
	if err != nil {
		return nil, err
	}
	if f.View, err = sub.View(act.Model, "form", act.Views["form"]); err != nil {
		return nil, err
	}
	if f.Rights, err = sub.Rights(act.Model); err != nil {
		return nil, err
	}
	// Archived records and lines are shown where they are linked to.
	f.Records = rs.Browse()
	if id != 0 {
		f.Records = rs.Browse(id)
	} else if !f.Rights.Create {
		return nil, cmp.Or(rs.CheckAccess(orm.OpCreate), orm.AccessErrorf("%s cannot be created by hand.", rs.Model.Label))
	}
	return f, nil
}

// Editable reports whether the user, the view and the context let the record be changed.
func (f *Form) Editable() bool {
	return f.Rights.Write && f.View.Root.Flag("edit", true) && f.p.Flag("edit")
}

// LineButton finds a button in the lines of a form: "line_ids:12:1:action_x".
func (f *Form) LineButton(arg string) (n *view.Node, list *view.View, rs orm.Records, err error) {
	name, rest, _ := strings.Cut(arg, ":")
	id, key, _ := strings.Cut(rest, ":")
	fi := f.Records.Model.Fields[name]
	stale := orm.UserErrorf("The page is out of date. Load it again.")
	if fi == nil || !fi.X2many() || convert.ID(id) == 0 {
		return nil, nil, rs, stale
	}
	for _, at := range f.View.Fields() {
		if at.Name() != name {
			continue
		}
		if list, err = f.p.LinesView(fi, at); err != nil || list == nil {
			return nil, nil, rs, err
		}
		if n = render.FindButton(list, key); n != nil {
			return n, list, f.p.Env().Model(fi.Comodel).Browse(convert.ID(id)), nil
		}
	}
	return nil, nil, rs, stale
}

// Version names the state of a record.
func Version(rec *render.Record) string {
	d, ok := rec.Values["write_date"].(orm.Datetime)
	if !ok || d.IsZero() {
		return ""
	}
	return d.Time().Format(time.RFC3339Nano)
}

// Carry hands on what was typed for fields that are hidden now, so that it is
// there again, and saved, when they come back.
func Carry(t *render.Posted, base map[string]string) []render.Hidden {
	if t == nil {
		return nil
	}
	keep := url.Values{}
	for input, was := range t.Base {
		if _, shown := base[input]; shown {
			continue
		}
		if list := inLines(input); list != "" {
			if _, shown := base[render.InputPrefix+list]; shown {
				continue // a line that is gone
			}
		}
		for k, v := range t.Form {
			if k == input || strings.HasPrefix(k, input+"~") {
				keep[k] = v
			}
		}
		base[input] = was
	}
	return render.HiddenInputs(keep)
}

// inLines is the x2many field an input of a line belongs to, "" for others.
func inLines(input string) string {
	list, _, ok := strings.Cut(strings.TrimPrefix(input, render.InputPrefix), ".")
	if !ok {
		return ""
	}
	return list
}
