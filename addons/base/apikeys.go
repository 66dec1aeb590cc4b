package base

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
)

// APIKey lets a program act as a user. The key itself is shown once; the
// database keeps its SHA-256, which is enough since keys are 160 random bits.
type APIKey struct {
	orm.Record `orm:"res.users.apikeys" label:"Users API Keys" order:"id"`
	Name       string        `orm:"name,required,readonly" label:"Description"`
	UserID     orm.Ref[User] `orm:"user_id,required,readonly,index,ondelete=cascade" label:"User"`
	Scope      string        `orm:"scope,readonly" label:"Scope"`
	Expiration orm.Datetime  `orm:"expiration_date,readonly" label:"Expiration Date"`
	Index      string        `orm:"index,readonly,index,nocopy" label:"Index" groups:"base.group_no_one"`
	Hash       string        `orm:"key_hash,readonly,nocopy" label:"Hash" groups:"base.group_no_one"`
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
	k.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			if !rs.Env.Superuser() {
				return rs, orm.AccessErrorf("API keys are made in one's preferences, not created as records.")
			}
			return super(rs, list)
		}
	})
}

// GenerateAPIKey makes a key for the current user and returns it; it cannot be
// seen again. An empty scope allows every use; a zero expiry is for ever, which
// only administrators may ask for.
func GenerateAPIKey(env *orm.Env, scope, name string, expiry time.Time) (string, error) {
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
	vals := orm.Values{"name": name, "user_id": env.UID(), "index": key[:apiKeyIndex], "key_hash": apiKeyHash(key)}
	if scope != "" {
		vals["scope"] = scope
	}
	if !expiry.IsZero() {
		vals["expiration_date"] = orm.DatetimeOf(expiry)
	}
	_, err := env.Sudo().Model("res.users.apikeys").Create(vals)
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
	var days float64
	err = env.Tx().NewRaw(`WITH RECURSIVE g(id) AS (
			SELECT gid FROM res_groups_users_rel WHERE uid = ?
			UNION SELECT r.hid FROM res_groups_implied_rel r JOIN g ON g.id = r.gid)
		SELECT COALESCE(max(api_key_duration), 0) FROM res_groups JOIN g USING (id)`, env.UID()).Scan(env, &days)
	if err != nil {
		return err
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
// has not expired; ok is false for any other key.
func CheckAPIKey(env *orm.Env, scope, key string) (uid int64, ok bool, err error) {
	if len(key) != 2*apiKeyBytes {
		return 0, false, nil
	}
	var rows []struct {
		UserID  int64
		KeyHash string
	}
	err = env.Tx().NewRaw(`SELECT k.user_id, k.key_hash FROM res_users_apikeys k JOIN res_users u ON u.id = k.user_id
		WHERE u.active AND k.index = ? AND (k.scope IS NULL OR k.scope = ?) AND (k.expiration_date IS NULL OR k.expiration_date >= ?::timestamp)`,
		key[:apiKeyIndex], scope, orm.DatetimeOf(env.Now()).String()).Scan(env, &rows)
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
