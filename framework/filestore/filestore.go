// Package filestore keeps attachment contents as files named by their hash, so
// that equal files are stored once. It imports nothing of Fusion.
package filestore

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Dir is a store in a directory; it implements orm.BlobStore. Files are
// written to the side and renamed, so a crash leaves none half written.
type Dir string

// Put stores content and returns its key, the SHA-256 in hex.
func (d Dir) Put(content []byte) (string, error) {
	sum := sha256.Sum256(content)
	key := hex.EncodeToString(sum[:])
	path := d.path(key)
	if _, err := os.Stat(path); err == nil {
		return key, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	tmp, err := os.CreateTemp(string(d), "new-")
	if err != nil {
		return "", err
	}
	_, err = tmp.Write(content)
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(tmp.Name()))
	}
	return key, nil
}

// Get reads the content of a key.
func (d Dir) Get(key string) ([]byte, error) {
	if len(key) != 2*sha256.Size || filepath.Base(key) != key {
		return nil, fmt.Errorf("file %q: %w", key, fs.ErrNotExist)
	}
	return os.ReadFile(d.path(key))
}

// path spreads files over 256 folders.
func (d Dir) path(key string) string { return filepath.Join(string(d), key[:2], key) }
