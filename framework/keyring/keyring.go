// Package keyring keeps the keys with which secrets are encrypted where they are
// stored. Package rotate replaces them.
package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"sync"
)

// Keyring encrypts texts with AES-256-GCM. The first key encrypts; all
// of them decrypt, so that a key can be rotated by putting a new one in front,
// see package rotate. What is encrypted names its key. A keyring is safe for
// concurrent use.
type Keyring struct {
	// Reload, if set, gets the keys anew when a secret names one that is not
	// there: another process may have rotated them. It is to call Set.
	Reload func() error

	mu   sync.RWMutex
	ids  []string
	keys map[string]cipher.AEAD
}

// New makes a keyring of 32-byte keys.
func New(keys ...[]byte) (*Keyring, error) {
	k := &Keyring{}
	return k, k.Set(keys...)
}

// Set replaces the keys, in a running program whose keys have changed.
func (k *Keyring) Set(keys ...[]byte) error {
	var ids []string
	aeads := map[string]cipher.AEAD{}
	for _, key := range keys {
		if len(key) != 32 {
			return errors.New("a secret key must have 32 bytes")
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return err
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return err
		}
		id := KeyID(key)
		ids = append(ids, id)
		aeads[id] = aead
	}
	if len(ids) == 0 {
		return errors.New("a keyring needs a key")
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ids, k.keys = ids, aeads
	return nil
}

// KeyID names a key without telling anything of it; a stored secret begins with
// it.
func KeyID(key []byte) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:4])
}

// IDs are the names of the keys, that which encrypts first.
func (k *Keyring) IDs() []string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return slices.Clone(k.ids)
}

func (k *Keyring) key(id string) cipher.AEAD {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.keys[id]
}

const sealPrefix = "v1:"

// Seal encrypts a text.
func (k *Keyring) Seal(plain string) (string, error) {
	k.mu.RLock()
	id := k.ids[0]
	aead := k.keys[id]
	k.mu.RUnlock()
	nonce := make([]byte, aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return "", err
	}
	return sealPrefix + id + ":" + base64.StdEncoding.EncodeToString(aead.Seal(nonce, nonce, []byte(plain), nil)), nil
}

// Open decrypts what Seal made.
func (k *Keyring) Open(sealed string) (string, error) {
	id, data, ok := strings.Cut(strings.TrimPrefix(sealed, sealPrefix), ":")
	if !ok || !strings.HasPrefix(sealed, sealPrefix) {
		return "", errors.New("a stored secret is damaged")
	}
	aead := k.key(id)
	if aead == nil && k.Reload != nil {
		if err := k.Reload(); err != nil {
			return "", err
		}
		aead = k.key(id)
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
