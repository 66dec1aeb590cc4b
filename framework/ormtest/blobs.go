package ormtest

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// blobDir keeps attachment contents of test databases under their hash. It
// outlives a test program because templates do.
type blobDir string

func (d blobDir) Put(content []byte) (string, error) {
	sum := sha256.Sum256(content)
	key := hex.EncodeToString(sum[:])
	path := filepath.Join(string(d), key)
	if _, err := os.Stat(path); err == nil {
		return key, nil
	}
	if err := os.MkdirAll(string(d), 0o700); err != nil {
		return "", err
	}
	tmp, err := os.CreateTemp(string(d), "new-")
	if err != nil {
		return "", err
	}
	_, err = tmp.Write(content)
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		return "", errors.Join(err, os.Remove(tmp.Name()))
	}
	return key, nil
}

func (d blobDir) Get(key string) ([]byte, error) {
	if filepath.Base(key) != key {
		return nil, fs.ErrNotExist
	}
	return os.ReadFile(filepath.Join(string(d), key))
}
