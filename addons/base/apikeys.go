package base

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
)

// APIKey lets a program act as a user. The key itself is shown once; the
// database keeps its SHA-256, which is enough since keys are 160 random bits.
// Keys are made by GenerateAPIKey and never changed; no way of creating and
// writing records makes or changes one, whoever asks.
type APIKey struct {
	orm.Record `orm:"res.users.apikeys" label:"Users API Keys" order:"id"`
	Name       string        `orm:"name,required,readonly" label:"Description"`
	UserID     orm.Ref[User] `orm:"user_id,required,readonly,index,ondelete=cascade" label:"User"`
	Scope      string        `orm:"scope,readonly" label:"Scope"`
	Expiration orm.Datetime  `orm:"expiration_date,readonly" label:"Expiration Date"`
	Index      string        `orm:"index,readonly,index,nocopy" label:"Index" groups:"."`
	Hash       string        `orm:"key_hash,readonly,nocopy" label:"Hash" groups:"."`
	CreateDate orm.Datetime  `orm:"create_date" label:"Creation Date"`
}

const (
	apiKeyBytes = 20
	apiKeyIndex = 8 // hex digits by which a key is found
)

// RemoveAPIKey deletes keys: one's own, or anybody's for who may manage users.
var RemoveAPIKey = orm.Method[APIKey]{Name: "remove"}

func defineAPIKeys(r *orm.Registry) {
	c := orm.Define[Credential](r)
	c.Unique("user_unique", "user_id", "A user has one password.")
	k := orm.Define[APIKey](r)
	orm.Implement(k, RemoveAPIKey, func(env *orm.Env, keys []*APIKey, _ orm.Args) (any, error) {
		system, err := env.InAnyGroup("base.group_system")
		if err != nil {
			return nil, err
		}
		for _, key := range keys {
			if key.UserID.ID != env.UID() && !system && !env.Superuser() {
				return nil, orm.AccessErrorf("You can not remove API keys unless they're yours or you are a system user")
			}
		}
		if err := orm.RecordsOf(env.Sudo(), keys...).Unlink(); err != nil {
			return nil, err
		}
		return map[string]any{"type": "ir.actions.act_window_close"}, nil
	})
	k.OnCreate(func(orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, _ []orm.Values) (orm.Records, error) {
			return rs, orm.AccessErrorf("API keys are made in one's preferences, not created as records.")
		}
	})
	k.OnWrite(func(orm.WriteFunc) orm.WriteFunc {
		return func(orm.Records, orm.Values) error {
			return orm.AccessErrorf("An API key stays as it was made. Remove it and make another.")
		}
	})
	k.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			if !rs.Env.Superuser() {
				return orm.AccessErrorf("API keys are removed in one's preferences, not deleted as records.")
			}
			return super(rs)
		}
	})
}

// GenerateAPIKey makes a key for the current user and returns it; it cannot be
// seen again. An empty scope allows every use; a zero expiry is for ever, which
// only administrators may ask for. Keys make no keys, so none outlives itself or
// widens what it may do.
func GenerateAPIKey(env *orm.Env, scope, name string, expiry time.Time) (string, error) {
	if env.ByKey() {
		return "", orm.AccessErrorf("An API key makes no API keys. Log in with your password to make one.")
	}
	if name == "" {
		return "", orm.UserErrorf("An API key needs a description.")
	}
	if err := expiryAllowed(env, expiry); err != nil {
		return "", err
	}
	raw := make([]byte, apiKeyBytes)
	if _, err := rand.Read(raw); err != nil {
		return "", err
	}
	key := hex.EncodeToString(raw)
	now := orm.DatetimeOf(env.Now())
	// SQL: nobody has the right to make a key or to read its hash.
	_, err := env.Exec(orm.SQL(`INSERT INTO res_users_apikeys (name, user_id, scope, expiration_date, index, key_hash, create_uid, create_date, write_uid, write_date)
		VALUES (?, ?, NULLIF(?, ''), ?::timestamp, ?, ?, ?, ?::timestamp, ?, ?::timestamp)`,
		name, env.UID(), scope, orm.DatetimeOf(expiry), key[:apiKeyIndex], apiKeyHash(key), env.UID(), now, env.UID(), now).Writes("res.users.apikeys"))
	return key, err
}

func expiryAllowed(env *orm.Env, expiry time.Time) error {
	system, err := env.InAnyGroup("base.group_system")
	if err != nil || system || env.Superuser() {
		return err
	}
	if expiry.IsZero() {
		return orm.UserErrorf("The API key must have an expiration date")
	}
	groups, err := env.Groups()
	if err != nil {
		return err
	}
	held, err := orm.Read[Group](env.Sudo(), slices.Sorted(maps.Keys(groups)))
	if err != nil {
		return err
	}
	var days float64
	for _, g := range held {
		days = max(days, g.APIKeyDays)
	}
	if days > 0 && expiry.Sub(env.Now()) > time.Duration(days*24*float64(time.Hour)) {
		return orm.UserErrorf("You cannot exceed %v days.", days)
	}
	return nil
}

func apiKeyHash(key string) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("sha256:%x", sum)
}

// CheckAPIKey finds the active user of a key that is valid for the scope and
// has not expired; ok is false for any other key. Wrong ones are counted by the
// client's address.
func CheckAPIKey(env *orm.Env, scope, key string) (uid int64, ok bool, err error) {
	a := account(env, "key "+apiKeyHash(key), 0)
	err = a.try(env, func() bool { return true }, func() (bool, error) {
		uid, ok, err = findKey(env, scope, key)
		return ok, err
	})
	if orm.IsCode(err, orm.CodeDenied) && !errors.Is(err, orm.ErrThrottled) {
		err = nil
	}
	return uid, ok, err
}

func findKey(env *orm.Env, scope, key string) (uid int64, ok bool, err error) {
	if len(key) != 2*apiKeyBytes {
		return 0, false, nil
	}
	type candidate struct {
		UserID  int64
		KeyHash string
	}
	// SQL: nobody has the right to read the hash of a key.
	rows, err := orm.Rows[candidate](env, orm.SQL(`SELECT k.user_id, k.key_hash FROM res_users_apikeys k JOIN res_users u ON u.id = k.user_id
		WHERE u.active AND k.index = ? AND (k.scope IS NULL OR k.scope = ?) AND (k.expiration_date IS NULL OR k.expiration_date >= ?::timestamp)`,
		key[:apiKeyIndex], scope, orm.DatetimeOf(env.Now())).Reads("res.users.apikeys").Reads("res.users", "active"))
	if err != nil {
		return 0, false, err
	}
	hash := apiKeyHash(key)
	for _, r := range rows {
		if subtle.ConstantTimeCompare([]byte(hash), []byte(r.KeyHash)) == 1 {
			return r.UserID, true, nil
		}
	}
	return 0, false, nil
}
