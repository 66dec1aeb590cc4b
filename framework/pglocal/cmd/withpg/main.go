// Command withpg runs a command with FUSION_TEST_PG set to a private, fast
// PostgreSQL that ends with it:
//
//	go run ./framework/pglocal/cmd/withpg go test ./...
//
// Its exit code is the command's. With -durable the server writes as a
// production server does, which benchmarks need.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"fusionsoft.ca/fusion/framework/pglocal"
	"fusionsoft.ca/fusion/framework/pglocal/pgtest"
)

func main() {
	code, err := run(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "withpg:", err)
	}
	os.Exit(code)
}

func run(args []string) (code int, err error) {
	durable := len(args) > 0 && args[0] == "-durable"
	if durable {
		args = args[1:]
	}
	if len(args) == 0 {
		return 2, errors.New("usage: withpg [-durable] COMMAND [ARGUMENT...]")
	}
	dir, err := os.MkdirTemp("", "fusion-withpg-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	// Interrupts end the command first, the server after it.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)

	ctx := context.Background()
	c, err := pglocal.Start(ctx, pglocal.Config{Dir: dir, Fast: !durable})
	if err != nil {
		return 1, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
		defer cancel()
		err = errors.Join(err, c.Stop(ctx))
	}()

	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), pgtest.Env+"="+c.URL(pglocal.MaintenanceDB))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s) // ended already is fine
		}
	}()
	err = cmd.Wait()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return max(exit.ExitCode(), 1), nil // -1 after a signal
	}
	return 0, err
}
