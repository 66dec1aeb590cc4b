package pglocal

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// watchdogScript waits until its standard input closes, which happens when the
// process holding the other end ends. Then, unless somebody else uses the
// cluster, it stops the server and keeps the lock until it is gone. It asks for
// the lock several times, as a dying process may close its pipe before its lock.
const watchdogScript = `
trap '' HUP INT TERM
while read -r line; do :; done
exec 9<"$1" || exit 1
tries=0
until flock -n -x 9; do
	tries=$((tries+1))
	[ $tries -ge 5 ] && exit 0
	sleep 1
done
tries=0
until { read -r pid; read -r x; read -r x; read -r x; read -r socket; } <"$2/postmaster.pid"; do
	tries=$((tries+1))
	[ $tries -ge 5 ] && exit 0
	sleep 1
done 2>/dev/null
[ -d /proc/self ] && { [ "/proc/$pid/cwd" -ef "$2" ] || exit 0; }
kill -INT "$pid" || exit 0
while read -r now <"$2/postmaster.pid" && [ "$now" = "$pid" ] && kill -0 "$pid"; do
	sleep 0.1
done 2>/dev/null
rmdir "$socket"
exit 0
`

// watchdog stops the server when this process ends without doing so itself.
type watchdog struct {
	cmd  *exec.Cmd
	pipe *os.File // closes with this process
}

func startWatchdog(useLock, pgdata string) (*watchdog, error) {
	if _, err := exec.LookPath("flock"); err != nil {
		return nil, fmt.Errorf("pglocal: the program flock is missing: install the Debian package \"util-linux\"")
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pglocal: watchdog: %w", err)
	}
	cmd := exec.Command("/bin/sh", "-c", watchdogScript, "fusion-pg-watchdog", useLock, pgdata)
	cmd.Stdin, cmd.Dir = r, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	_ = r.Close()
	if err != nil {
		_ = w.Close()
		return nil, fmt.Errorf("pglocal: watchdog: %w", err)
	}
	return &watchdog{cmd, w}, nil
}

// dismiss ends the watchdog without any effect on the server.
func (w *watchdog) dismiss() {
	_ = w.cmd.Process.Kill()
	_ = w.cmd.Wait()
	_ = w.pipe.Close()
}
