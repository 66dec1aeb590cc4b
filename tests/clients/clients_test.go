package clients

import (
	"bytes"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
)

const database = "shop"

// journal collects what the server logs.
type journal struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.b.Write(p)
}

// site is a server with a fresh database and an API key of its administrator.
type site struct {
	host, port, key string
	log             *journal
}

func start(t *testing.T) *site {
	t.Helper()
	db := ormtest.DB(t, base.Addon())
	s := &site{log: &journal{}}
	srv, err := server.New(db, server.Config{Database: database, Logger: slog.New(slog.NewTextHandler(s.log, nil)),
		Auth: server.Auth{Login: base.Authenticate, Program: base.AuthenticateProgram, Password: base.CheckCredentials, Key: base.CheckAPIKey, Stamp: base.SessionStamp, Context: base.UserContext}})
	if err != nil {
		t.Fatal(err)
	}
	rpc.Mount(srv)
	err = db.Run(t.Context(), orm.System(), func(env *orm.Env) (err error) {
		s.key, err = base.GenerateAPIKey(env.WithUser(2), "rpc", "clients", time.Time{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	l := httptest.NewServer(srv)
	t.Cleanup(l.Close)
	if s.host, s.port, err = net.SplitHostPort(strings.TrimPrefix(l.URL, "http://")); err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs a script in testdata against a server of its own; its last line says
// that it came to its end.
func run(t *testing.T, program, script string) {
	t.Helper()
	s := start(t)
	out, err := exec.CommandContext(t.Context(), program, script, s.host, s.port, database, s.key).CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), "done\n") {
		t.Errorf("%s: %v\n%s\n%s", script, err, out, &s.log.b)
	}
}

// python is Debian's own, for which the package python3-odoorpc is.
const python = "/usr/bin/python3"

func TestPython(t *testing.T) {
	t.Parallel()
	if err := exec.Command(python, "-c", "import odoorpc").Run(); err != nil {
		t.Fatalf("%s has no odoorpc (%v); .ci/setup installs it (Debian package python3-odoorpc)", python, err)
	}
	t.Run("OdooRPC", func(t *testing.T) { t.Parallel(); run(t, python, "testdata/odoorpc_client.py") })
	t.Run("xmlrpc.client", func(t *testing.T) { t.Parallel(); run(t, python, "testdata/xmlrpc_client.py") })
}

func TestJavaScript(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("there is no node; .ci/setup installs it (Debian package nodejs)")
	}
	for _, client := range []string{"@fernandoslim/odoo-jsonrpc", "odoo-xmlrpc-ts"} {
		if _, err := os.Stat("testdata/node/node_modules/" + client); err != nil {
			t.Fatalf("the client %s is not installed; .ci/setup does it (npm ci in tests/clients/testdata/node)", client)
		}
	}
	t.Run("odoo-jsonrpc", func(t *testing.T) { t.Parallel(); run(t, node, "testdata/node/jsonrpc.js") })
	t.Run("odoo-xmlrpc-ts", func(t *testing.T) { t.Parallel(); run(t, node, "testdata/node/xmlrpc.js") })
}
