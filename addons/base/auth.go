package base

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"fusionsoft.ca/fusion/framework/orm"
)

// Parameters of new password hashes: 19 MiB, two passes, one lane.
const (
	argonMemory = 19 * 1024
	argonTime   = 2
	argonLanes  = 1
	argonKey    = 32
	argonSalt   = 16
)

// decoy is a hash nobody's password matches. Verifying against it when a login
// is unknown takes as long as for one that exists.
const decoy = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// HashPassword makes the argon2id hash of a password, in PHC notation.
func HashPassword(password string) (string, error) {
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonLanes, argonKey)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonTime, argonLanes, b64.EncodeToString(salt), b64.EncodeToString(key)), nil
}

// VerifyPassword reports whether a password has made the hash. An unreadable
// hash matches nothing.
func VerifyPassword(hash, password string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	var version, memory, time, lanes int
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &time, &lanes); err != nil ||
		memory < 8 || memory > 1<<20 || time < 1 || time > 64 || lanes < 1 || lanes > 16 {
		return false
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) < 16 {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, uint32(time), uint32(memory), uint8(lanes), uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}

// Authenticate checks the login and the password of a person and returns the
// user. An API key is no password: who has one speaks for a program, which
// AuthenticateProgram lets in. Every failure is the same AccessDenied and takes
// as long, so that nobody learns which logins exist; too many make the next ones
// wait, see throttle.
func Authenticate(env *orm.Env, login, password string) (int64, error) {
	return authenticate(env, login, password, false)
}

// AuthenticateProgram is Authenticate for programs, which may give one of the
// user's API keys for calls ("rpc") in place of the password.
func AuthenticateProgram(env *orm.Env, login, secret string) (int64, error) {
	return authenticate(env, login, secret, true)
}

func authenticate(env *orm.Env, login, secret string, keys bool) (int64, error) {
	var found loginUser
	if len(login) <= maxLogin && utf8.ValidString(login) && !strings.ContainsRune(login, 0) {
		var err error
		if found, err = loginOf(env, orm.SQL("u.login = ?", login)); err != nil { // SQL: a condition of its statement
			return 0, err
		}
	}
	id := found.ID
	if _, err := checkSecret(env, "login "+strings.ToLower(strings.TrimSpace(login)), id, found.hash(), secret, keys); err != nil {
		return 0, err
	}
	_, err := env.WithUser(id).Sudo().Model("res.users.log").Create(orm.Values{"address": network(env.Address())})
	return id, err
}

// CheckCredentials checks the password or API key that a program sends along
// with every call for a user known by id; byKey tells which it was. It leaves no
// trace of a login.
func CheckCredentials(env *orm.Env, uid int64, secret string) (byKey bool, err error) {
	return checkUser(env, uid, secret, true)
}

// CheckPassword makes sure that it is the user who asks for something that an
// open session or an API key is not enough for.
func CheckPassword(env *orm.Env, uid int64, password string) error {
	_, err := checkUser(env, uid, password, false)
	return err
}

func checkUser(env *orm.Env, uid int64, secret string, keys bool) (byKey bool, err error) {
	found, err := loginOf(env, orm.SQL("u.id = ?", uid)) // SQL: a condition of its statement
	if err != nil {
		return false, err
	}
	return checkSecret(env, fmt.Sprint("user ", uid), found.ID, found.hash(), secret, keys)
}

// loginUser is an active user who may log in, ID 0 for nobody.
type loginUser struct {
	ID            int64
	Login         string
	PasswordCrypt string
}

// hash is that of the password; without a user, or without a password, it is one
// that takes as long and matches nothing.
func (l loginUser) hash() string {
	if l.PasswordCrypt == "" {
		return decoy
	}
	return l.PasswordCrypt
}

// loginOf finds the active user that meets a condition. SQL: nobody has the right
// to read the hash of a password.
func loginOf(env *orm.Env, cond orm.Statement) (loginUser, error) {
	found, _, err := orm.MaybeRow[loginUser](env, orm.SQL(`SELECT u.id, u.login, COALESCE(c.password_crypt, '') AS password_crypt
		FROM res_users u LEFT JOIN res_users_credential c ON c.user_id = u.id WHERE ? AND u.active`, cond).Reads("res.users", "login", "active").Reads("res.users.credential"))
	return found, err
}

// Longer logins and passwords are nobody's, and not looked at.
const (
	maxLogin    = 320
	maxPassword = 4096
)

// checkSecret is where every password, and every API key given in place of one,
// is checked and counted. who names the account as the client did.
func checkSecret(env *orm.Env, who string, uid int64, hash, secret string, keys bool) (byKey bool, err error) {
	if len(secret) > maxPassword {
		return false, orm.AccessDenied()
	}
	known := orm.Local(env.DB(), verifiedKey{}, newVerified)
	a := account(env, who, uid)
	err = a.try(env, func() bool { return known.has(hash, secret) }, func() (bool, error) {
		if known.check(hash, secret) {
			return true, nil
		}
		if !keys {
			return false, nil
		}
		owner, ok, err := findKey(env, "rpc", secret)
		byKey = ok && owner == uid
		return byKey, err
	})
	return byKey, err
}

// verified remembers which passwords have matched which hashes, as clients that
// send the password with every call would otherwise pay for argon2 each time.
// It holds digests under a key that dies with the process, and since a changed
// password has another hash, nothing has to be forgotten.
type verified struct {
	key [32]byte
	mu  sync.Mutex
	ok  map[[32]byte]bool
}

type verifiedKey struct{}

// maxVerified bounds the memory; a full one starts over.
const maxVerified = 10000

func newVerified() *verified {
	v := &verified{ok: map[[32]byte]bool{}}
	if _, err := rand.Read(v.key[:]); err != nil {
		v.ok = nil // without a secret key nothing is remembered
	}
	return v
}

func (v *verified) digest(hash, password string) [32]byte {
	mac := hmac.New(sha256.New, v.key[:])
	mac.Write([]byte(hash + "\x00" + password))
	return [32]byte(mac.Sum(nil))
}

// has reports whether the password is remembered to match.
func (v *verified) has(hash, password string) bool {
	digest := v.digest(hash, password)
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.ok[digest]
}

func (v *verified) check(hash, password string) bool {
	if v.has(hash, password) {
		return true
	}
	if !VerifyPassword(hash, password) {
		return false
	}
	digest := v.digest(hash, password)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ok != nil {
		if len(v.ok) >= maxVerified {
			clear(v.ok)
		}
		v.ok[digest] = true
	}
	return true
}

// SessionStamp names the state of a user's credentials without telling them:
// it changes with the login and the password, and is "" for a user who is
// archived or gone.
func SessionStamp(env *orm.Env, uid int64) (string, error) {
	found, err := loginOf(env, orm.SQL("u.id = ?", uid)) // SQL: a condition of its statement
	if err != nil || found.ID == 0 {
		return "", err
	}
	sum := sha256.Sum256([]byte(found.Login + " " + found.PasswordCrypt))
	return base64.RawStdEncoding.EncodeToString(sum[:16]), nil
}

// Credential keeps the hash of a user's password, in a table of its own that
// nobody has access rights to, so that no reading of users can ever return it.
type Credential struct {
	orm.Record    `orm:"res.users.credential" label:"User credentials" rec:"user_id"`
	UserID        orm.Ref[User] `orm:"user_id,required,index,ondelete=cascade,nocopy" label:"User"`
	PasswordCrypt string        `orm:"password_crypt,nocopy" label:"Password hash" groups:"."`
}

func setPassword(env *orm.Env, user int64, password string) error {
	sudo := env.Sudo()
	old, err := sudo.Model("res.users.credential").Search(orm.Leaf("user_id", "=", user), orm.SearchOptions{})
	if err != nil {
		return err
	}
	if password == "" {
		return old.Unlink()
	}
	hash, err := HashPassword(password)
	if err != nil {
		return err
	}
	if old.Len() > 0 {
		return old.Write(orm.Values{"password_crypt": hash})
	}
	_, err = sudo.Model("res.users.credential").Create(orm.Values{"user_id": user, "password_crypt": hash})
	return err
}

// ChangeOwnPassword gives the current user a new password, the old one being
// proof of identity.
func ChangeOwnPassword(env *orm.Env, old, fresh string) error {
	if old == "" {
		return orm.AccessDenied()
	}
	if err := CheckPassword(env, env.UID(), old); err != nil {
		return err
	}
	if fresh = strings.TrimSpace(fresh); fresh == "" {
		return orm.UserErrorf("Setting empty passwords is not allowed for security reasons!")
	}
	return setPassword(env, env.UID(), fresh)
}
