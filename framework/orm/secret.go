package orm

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
)

// Keyring encrypts Secret fields with AES-256-GCM. The first key encrypts; all
// of them decrypt, so that a key can be rotated by putting a new one in front.
type Keyring struct {
	ids  []string
	keys map[string]cipher.AEAD
}

// NewKeyring makes a keyring of 32-byte keys.
func NewKeyring(keys ...[]byte) (*Keyring, error) {
	k := &Keyring{keys: map[string]cipher.AEAD{}}
	for _, key := range keys {
		if len(key) != 32 {
			return nil, errors.New("a secret key must have 32 bytes")
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(key)
		id := hex.EncodeToString(sum[:4])
		k.ids = append(k.ids, id)
		k.keys[id] = aead
	}
	if len(k.ids) == 0 {
		return nil, errors.New("a keyring needs a key")
	}
	return k, nil
}

const sealPrefix = "v1:"

// Seal encrypts a text.
func (k *Keyring) Seal(plain string) (string, error) {
	aead := k.keys[k.ids[0]]
	nonce := make([]byte, aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	return sealPrefix + k.ids[0] + ":" + base64.StdEncoding.EncodeToString(aead.Seal(nonce, nonce, []byte(plain), nil)), nil
}

// Open decrypts what Seal made.
func (k *Keyring) Open(sealed string) (string, error) {
	id, data, ok := strings.Cut(strings.TrimPrefix(sealed, sealPrefix), ":")
	aead := k.keys[id]
	if !ok || !strings.HasPrefix(sealed, sealPrefix) {
		return "", errors.New("a stored secret is damaged")
	}
	if aead == nil {
		return "", errors.New("a stored secret was encrypted with a key that is not configured (key " + id + ")")
	}
	raw, err := base64.StdEncoding.DecodeString(data)
	if err != nil || len(raw) < aead.NonceSize() {
		return "", errors.New("a stored secret is damaged")
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], nil)
	if err != nil {
		return "", errors.New("a stored secret cannot be decrypted")
	}
	return string(plain), nil
}

func (e *Env) seal(plain string) (any, error) {
	if plain == "" {
		return nil, nil
	}
	if e.u.db.Keys == nil {
		return nil, UserErrorf("Secrets cannot be stored: no encryption key is configured.")
	}
	return e.u.db.Keys.Seal(plain)
}

// openSecrets decrypts a column in place; on the dynamic face Wire masks it.
func (e *Env) openSecrets(col []any) error {
	for i, v := range col {
		s, ok := v.(string)
		if !ok || s == "" {
			continue
		}
		if e.u.db.Keys == nil {
			return errors.New("secrets are stored but no encryption key is configured")
		}
		plain, err := e.u.db.Keys.Open(s)
		if err != nil {
			return err
		}
		col[i] = plain
	}
	return nil
}
