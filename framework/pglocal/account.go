package pglocal

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is who runs the server.
type account struct {
	name     string
	uid, gid int
	drop     bool // this process is root and changes to the account for its children
}

// chooseAccount decides who runs the server on pgdata, which need not exist.
func chooseAccount(wanted, pgdata string) (account, error) {
	self := account{uid: os.Geteuid(), gid: os.Getegid(), name: "uid " + strconv.Itoa(os.Geteuid())}
	owner, exists := ownerOf(pgdata)
	if self.uid != 0 {
		if exists && owner != self.uid {
			return self, fmt.Errorf("pglocal: %s belongs to %s: run as that account (or as root), or choose another data directory", pgdata, nameOf(owner))
		}
		return self, nil
	}
	names := []string{"postgres", "nobody"}
	switch {
	case wanted != "":
		names = []string{wanted}
	case exists && owner != 0:
		names = []string{strconv.Itoa(owner)}
	}
	for _, name := range names {
		u, err := user.Lookup(name)
		if err != nil {
			u, err = user.LookupId(name)
		}
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil && uid != 0 {
			return account{name: u.Username, uid: uid, gid: gid, drop: true}, nil
		}
	}
	return self, fmt.Errorf("pglocal: PostgreSQL does not run as root, and no other account fits (tried %v): create one, for instance with the Debian package \"postgresql\"", names)
}

func ownerOf(path string) (uid int, exists bool) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}

func nameOf(uid int) string {
	if u, err := user.LookupId(strconv.Itoa(uid)); err == nil {
		return u.Username
	}
	return "uid " + strconv.Itoa(uid)
}

// attr runs a child as the account, out of reach of the terminal's Ctrl-C:
// only Stop and the watchdog end the server.
func (a account) attr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setsid: true}
	if a.drop {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	return attr
}

// own gives path and what is below it to the account.
func (a account) own(path string) error {
	if !a.drop {
		return nil
	}
	return filepath.WalkDir(path, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, a.uid, a.gid)
	})
}

// barred returns the first folder on the way to dir that the account may not
// enter, or "". Only the permission bits are looked at.
func (a account) barred(dir string) string {
	if !a.drop {
		return ""
	}
	var bar string
	for d := dir; ; d = filepath.Dir(d) {
		if info, err := os.Stat(d); err == nil {
			if st, ok := info.Sys().(*syscall.Stat_t); ok {
				mode := info.Mode().Perm()
				switch {
				case int(st.Uid) == a.uid:
					mode >>= 6
				case int(st.Gid) == a.gid:
					mode >>= 3
				}
				if mode&1 == 0 {
					bar = d
				}
			}
		}
		if d == filepath.Dir(d) {
			return bar
		}
	}
}

// handedDir is how a child names the open directory it was handed as its first
// extra file. The link leads straight to the directory, past folders on the way
// that the child may not enter.
const handedDir = "/proc/self/fd/3"

// command prepares a child that works on dir. The returned path is what the
// child must call dir. close must be called after the child was started.
func (a account) command(cmd *exec.Cmd, dir string) (path string, close func(), err error) {
	cmd.SysProcAttr = a.attr()
	cmd.Dir = "/"
	// Nothing of this process's environment: it may hold secrets, and PG*
	// variables would change what the server does.
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"}
	bar := a.barred(dir)
	if bar == "" {
		return dir, func() {}, nil
	}
	f, err := os.Open(dir)
	if err != nil {
		return "", nil, fmt.Errorf("pglocal: %w", err)
	}
	probe := exec.Command("/bin/sh", "-c", "cd "+handedDir)
	probe.SysProcAttr, probe.Dir, probe.ExtraFiles = a.attr(), "/", []*os.File{f}
	if err := probe.Run(); err != nil {
		_ = f.Close()
		return "", nil, fmt.Errorf("pglocal: PostgreSQL does not run as root, and the account %q that runs it may not enter %s: choose a data directory it can reach, for instance below /var/lib, or allow it with chmod o+x %s", a.name, bar, bar)
	}
	cmd.ExtraFiles = []*os.File{f}
	return handedDir, func() { _ = f.Close() }, nil
}
