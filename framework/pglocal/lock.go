package pglocal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

const poll = 25 * time.Millisecond

// fileLock is an advisory lock that the kernel gives back when the process ends.
type fileLock struct{ f *os.File }

func openLock(path string) (*fileLock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("pglocal: lock file: %w", err)
	}
	return &fileLock{f}, nil
}

// try asks for the lock (syscall.LOCK_SH or LOCK_EX) without waiting. A lock
// already held is changed to the wanted kind.
func (l *fileLock) try(how int) (bool, error) {
	for {
		err := syscall.Flock(int(l.f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case errors.Is(err, syscall.EINTR):
		default:
			return false, fmt.Errorf("pglocal: lock %s: %w", l.f.Name(), err)
		}
	}
}

// wait tries until it has the lock or ctx ends. It polls, since a blocked flock
// cannot be cancelled.
func (l *fileLock) wait(ctx context.Context, how int) error {
	for {
		ok, err := l.try(how)
		if ok || err != nil {
			return err
		}
		if !sleep(ctx, poll) {
			return fmt.Errorf("pglocal: waiting for %s: %w", l.f.Name(), ctx.Err())
		}
	}
}

// release gives the lock back and closes the file.
func (l *fileLock) release() { _ = l.f.Close() }

// sleep returns false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
