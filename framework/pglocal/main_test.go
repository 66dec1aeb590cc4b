package pglocal

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"
)

// holderEnv makes the test binary a program that uses the cluster in the named
// directory until it is killed.
const holderEnv = "PGLOCAL_TEST_HOLDER"

func TestMain(m *testing.M) {
	dir := os.Getenv(holderEnv)
	if dir == "" {
		os.Exit(m.Run())
	}
	c, err := Start(context.Background(), Config{Dir: dir})
	if err != nil {
		fmt.Println("error:", err)
		os.Exit(1)
	}
	fmt.Printf("ready %d %d\n", c.pid, c.dog.cmd.Process.Pid)
	time.Sleep(5 * time.Minute) // killed long before
}
