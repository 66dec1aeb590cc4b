package base

import (
	"errors"
	"strconv"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
)

// KeyWizard asks what a new API key is for, and for how long. The password
// shows that it is the user who asks; it is checked and not kept.
type KeyWizard struct {
	orm.Record `orm:"res.users.apikeys.description,transient" label:"API Key Description"`
	Name       string               `orm:"name,required" label:"Description" help:"What the key is for"`
	Duration   string               `orm:"duration,required,default=90" label:"Duration" selection:"1:1 Day,7:1 Week,30:1 Month,90:3 Months,180:6 Months,365:1 Year,-1:Custom Date,0:Persistent Key"`
	Expiration orm.Datetime         `orm:"expiration_date" label:"Expiration Date"`
	Scope      string               `orm:"scope" label:"Scope" help:"What the key may be used for: “rpc” for calls of other programs, or the name another addon gives; empty: everything"`
	Password   orm.Deferred[string] `orm:"password" label:"Your Password" help:"To be sure that it is you"`
	Checked    bool                 `orm:"checked,readonly" label:"Identity Checked"`
	CreateUID  orm.Ref[User]        `orm:"create_uid"`
}

// KeyShown shows a key, once; it is never stored.
type KeyShown struct {
	orm.Record `orm:"res.users.apikeys.show,transient" label:"Show API Key" rec:"key"`
	Key        string `orm:"key,readonly" label:"Key"`
}

var (
	// MakeKey makes the key that a wizard describes, and shows it.
	MakeKey = orm.Method[KeyWizard]{Name: "make_key"}
	// AskForKey opens the wizard.
	AskForKey = orm.Method[User]{Name: "api_key_wizard"}
)

func defineKeyWizard(r *orm.Registry) {
	w := orm.Define[KeyWizard](r)
	w.WriteOnly("password", func(env *orm.Env, ws []*KeyWizard) error {
		for _, w := range ws {
			if w.Password.Get() == "" {
				continue
			}
			if err := CheckPassword(env, env.UID(), w.Password.Get()); err != nil {
				if orm.IsCode(err, orm.CodeDenied) && !errors.Is(err, orm.ErrThrottled) {
					return orm.UserErrorf("This is not your password.")
				}
				return err
			}
			if err := orm.RecordsOf(env.Sudo(), w).Write(orm.Values{"checked": true}); err != nil {
				return err
			}
		}
		return nil
	})
	onlyByPassword := func(env *orm.Env, vals orm.Values) orm.Values {
		if !vals.Has("checked") || env.Superuser() {
			return vals
		}
		vals = vals.Clone()
		delete(vals, "checked")
		return vals
	}
	w.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			for i, vals := range list {
				list[i] = vals.Clone()
				list[i]["checked"] = false
			}
			return super(rs, list)
		}
	})
	w.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error { return super(rs, onlyByPassword(rs.Env, vals)) }
	})
	orm.Implement(w, MakeKey, makeKey)
	orm.Define[KeyShown](r).OnCreate(func(orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, _ []orm.Values) (orm.Records, error) {
			return rs, orm.UserErrorf("A key is shown once and never stored.")
		}
	})
}

func makeKey(env *orm.Env, ws []*KeyWizard, _ orm.Args) (any, error) {
	if internal, err := env.InAnyGroup("base.group_user"); err != nil || !internal {
		if err == nil {
			err = orm.AccessErrorf("Only internal users can create API keys")
		}
		return nil, err
	}
	if len(ws) != 1 {
		return nil, orm.ValueErrorf("Expected singleton: res.users.apikeys.description")
	}
	w := ws[0]
	if !w.Checked || w.CreateUID.ID != env.UID() {
		return nil, orm.UserErrorf("Enter your password, so that nobody else makes keys in your name.")
	}
	expiry := w.Expiration.Time()
	switch days, err := strconv.Atoi(w.Duration); {
	case err != nil:
		return nil, err
	case days > 0:
		expiry = env.Now().Add(time.Duration(days) * 24 * time.Hour)
	case days == 0:
		expiry = time.Time{}
	case w.Expiration.IsZero():
		return nil, orm.UserErrorf("Say until when the key is to be good.")
	case !expiry.After(env.Now()):
		return nil, orm.UserErrorf("The key must be good for some time to come.")
	}
	key, err := GenerateAPIKey(env, w.Scope, w.Name, expiry)
	if err != nil {
		return nil, err
	}
	if err := orm.RecordsOf(env.Sudo(), w).Unlink(); err != nil {
		return nil, err
	}
	return map[string]any{"type": "ir.actions.act_window", "res_model": "res.users.apikeys.show", "name": "API Key Ready", "view_mode": "form",
		"views": []any{[]any{false, "form"}}, "target": "new", "context": map[string]any{"default_key": key}}, nil
}

// askForKey opens the wizard for one's own key.
func askForKey(env *orm.Env, us []*User, _ orm.Args) (any, error) {
	for _, u := range us {
		if u.ID != env.UID() {
			return nil, orm.AccessErrorf("Users make their API keys themselves.")
		}
	}
	return map[string]any{"type": "ir.actions.act_window", "res_model": "res.users.apikeys.description", "name": "New API Key", "view_mode": "form",
		"views": []any{[]any{false, "form"}}, "target": "new"}, nil
}
