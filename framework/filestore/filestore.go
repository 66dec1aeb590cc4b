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
	"strings"
	"time"
)

// Dir is a store in a directory; it implements orm.BlobStore. Files are
// written to the side and renamed, so a crash leaves none half written.
type Dir string

// Key is the key of a content: its SHA-256 in hex.
func Key(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// Put stores content and returns its key. Content that is there already counts
// as new for Sweep.
func (d Dir) Put(content []byte) (string, error) {
	key := Key(content)
	path := d.path(key)
	now := time.Now()
	if err := os.Chtimes(path, now, now); err == nil {
		// Sweep may have taken the file away while its time was being set. When
		// it is still there, Sweep will see the new time.
		if _, err := os.Stat(path); err == nil {
			return key, nil
		}
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

// Get reads the content of a key. A key that names no file of the store, or is
// none at all, is an fs.ErrNotExist.
func (d Dir) Get(key string) ([]byte, error) {
	if !IsKey(key) {
		return nil, fmt.Errorf("file %q: %w", key, fs.ErrNotExist)
	}
	return os.ReadFile(d.path(key))
}

// IsKey reports whether a text is what Put gives, a SHA-256 in hex. Anything else
// could lead out of the directory.
func IsKey(key string) bool {
	if len(key) != 2*sha256.Size {
		return false
	}
	return !strings.ContainsFunc(key, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

// Sweep deletes files that nobody needs: those last put before a time and not
// among the keys in use, which it asks for some hundreds at a time. What is
// being stored for a transaction that has not ended is in nobody's use yet, so
// before must lie further back than any transaction lasts.
func (d Dir) Sweep(before time.Time, inUse func(keys []string) (map[string]bool, error)) (deleted int, err error) {
	folders, err := os.ReadDir(string(d))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	for _, folder := range folders {
		if !folder.IsDir() {
			if old(filepath.Join(string(d), folder.Name()), before) && strings.HasPrefix(folder.Name(), "new-") {
				err = errors.Join(err, os.Remove(filepath.Join(string(d), folder.Name()))) // left by a crash
			}
			continue
		}
		files, rerr := os.ReadDir(filepath.Join(string(d), folder.Name()))
		if rerr != nil {
			return deleted, errors.Join(err, rerr)
		}
		var keys []string
		for _, f := range files {
			if IsKey(f.Name()) && old(d.path(f.Name()), before) {
				keys = append(keys, f.Name())
			}
		}
		if len(keys) == 0 {
			continue
		}
		used, uerr := inUse(keys)
		if uerr != nil {
			return deleted, errors.Join(err, uerr)
		}
		for _, key := range keys {
			if used[key] {
				continue
			}
			gone, derr := d.drop(key, before)
			if err = errors.Join(err, derr); gone {
				deleted++
			}
		}
	}
	return deleted, err
}

// drop deletes a file unless it is put again at this moment.
func (d Dir) drop(key string, before time.Time) (bool, error) {
	aside := filepath.Join(string(d), "new-"+key)
	if err := os.Rename(d.path(key), aside); err != nil {
		return false, err
	}
	if !old(aside, before) {
		return false, os.Rename(aside, d.path(key))
	}
	return true, os.Remove(aside)
}

func old(path string, before time.Time) bool {
	info, err := os.Stat(path)
	return err == nil && info.ModTime().Before(before)
}

// path spreads files over 256 folders.
func (d Dir) path(key string) string { return filepath.Join(string(d), key[:2], key) }
