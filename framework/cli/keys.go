package cli

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fusion/framework/orm"
)

// KeyEnv names the environment variable with the keys of secrets: 64 hex
// digits each, separated by commas, the newest first.
const KeyEnv = "FUSION_SECRET_KEYS"

// keyring reads the encryption keys from the environment or the data directory,
// where a new one is made when there is none.
func keyring(dataDir string) (*orm.Keyring, error) {
	text, where := os.Getenv(KeyEnv), KeyEnv
	if text == "" {
		where = filepath.Join(dataDir, "secret.key")
		b, err := os.ReadFile(where)
		if errors.Is(err, fs.ErrNotExist) {
			b, err = makeKey(where)
		}
		if err != nil {
			return nil, fmt.Errorf("the key of secrets: %w", err)
		}
		text = string(b)
	}
	var keys [][]byte
	for k := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		b, err := hex.DecodeString(strings.TrimSpace(k))
		if err != nil || len(b) != 32 {
			return nil, fmt.Errorf("%s does not hold keys of 64 hex digits, separated by commas", where)
		}
		keys = append(keys, b)
	}
	return orm.NewKeyring(keys...)
}

// makeKey stores a new key. The file appears whole or not at all, and of
// several programs that make one at once the first wins.
func makeKey(path string) ([]byte, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), "secret.key-") // readable by its owner only
	if err != nil {
		return nil, err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.WriteString(hex.EncodeToString(key) + "\n")
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}
