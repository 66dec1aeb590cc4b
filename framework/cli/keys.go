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
	"syscall"

	"fusionsoft.ca/fusion/framework/keyring"
)

// KeyEnv names the environment variable with the keys of secrets: 64 hex
// digits each, separated by commas, the newest first.
const KeyEnv = "FUSION_SECRET_KEYS"

// keyFile is where the keys are when the environment names none.
func keyFile(dataDir string) string { return filepath.Join(dataDir, "secret.key") }

// openKeyring reads the encryption keys from the environment or the data directory,
// where a new one is made when there is none.
func openKeyring(dataDir string) (*keyring.Keyring, error) {
	keys, err := readKeys(dataDir)
	if err != nil {
		return nil, err
	}
	ring, err := keyring.New(keys...)
	if err != nil {
		return nil, err
	}
	ring.Reload = func() error {
		keys, err := readKeys(dataDir)
		if err != nil {
			return err
		}
		return ring.Set(keys...)
	}
	return ring, nil
}

// readKeys gives the keys, that which encrypts first.
func readKeys(dataDir string) ([][]byte, error) {
	text, where := os.Getenv(KeyEnv), KeyEnv
	if text == "" {
		where = keyFile(dataDir)
		b, err := os.ReadFile(where)
		if errors.Is(err, fs.ErrNotExist) {
			b, err = makeKeyFile(where)
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
	return keys, nil
}

func newKey() ([]byte, error) {
	key := make([]byte, 32)
	_, err := rand.Read(key)
	return key, err
}

// writeKeys stores keys beside their file, to be put in its place: the file is
// whole at any time.
func writeKeys(path string, keys ...[]byte) (tmp string, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "secret.key-") // readable by its owner only
	if err != nil {
		return "", err
	}
	var texts []string
	for _, k := range keys {
		texts = append(texts, hex.EncodeToString(k))
	}
	_, err = f.WriteString(strings.Join(texts, ",\n") + "\n")
	if err == nil {
		err = f.Sync()
	}
	return f.Name(), errors.Join(err, f.Close())
}

// makeKeyFile stores a new key. The file appears whole or not at all, and of
// several programs that make one at once the first wins.
func makeKeyFile(path string) ([]byte, error) {
	key, err := newKey()
	if err != nil {
		return nil, err
	}
	tmp, err := writeKeys(path, key)
	if tmp != "" {
		defer os.Remove(tmp)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Link(tmp, path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}

// replaceKeys puts other keys in the place of those in the file, for good: the
// disk has them when it returns.
func replaceKeys(path string, keys ...[]byte) error {
	tmp, err := writeKeys(path, keys...)
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// lockKeys keeps other processes from changing the keys of a data directory.
func lockKeys(dataDir string) (unlock func(), err error) {
	if err := os.MkdirAll(dataDir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dataDir, "secret.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, errors.New("another process is changing the keys of this data directory; wait until it is done")
	}
	return func() { f.Close() }, nil
}
