package mail_test

import (
	"errors"
	"net"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/keyring"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/outbound"
)

// The button that tries a mail server out connects between two units of work, and a
// password does not follow to another server.
func TestMailServerConnection(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("554 go away\r\n"))
			c.Close()
		}
	}()
	env := newEnv(t).Sudo()
	ring, err := keyring.New(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	env.DB().Keys = ring
	server, err := orm.New[mail.Server](env)
	if err != nil {
		t.Fatal(err)
	}
	server.Name, server.Host, server.Port, server.User, server.Pass = "Post", "127.0.0.1", l.Addr().(*net.TCPAddr).Port, "me", "secret"
	if err := orm.Create(env, server); err != nil {
		t.Fatal(err)
	}
	press := func(env *orm.Env) (any, error) { return orm.Invoke(env, mail.TestConnection, []*mail.Server{server}) }
	if _, err := ormtest.Call(env, press); !orm.IsCode(err, orm.CodeUser) || !strings.Contains(err.Error(), "554") {
		t.Errorf("a server that refuses: %v", err)
	}
	// Inside a unit of work nothing goes out, whatever the context.
	result, err := press(env)
	out, ok := orm.ToFollowUp(result)
	if err != nil || !ok {
		t.Fatal(result, err)
	}
	if err := out.Do(t.Context()); err == nil || !strings.Contains(err.Error(), (&outbound.BusyError{}).Error()) {
		t.Errorf("inside a unit of work: %v", err)
	}
	if err := orm.RecordsOf(env, server).Write(orm.Values{"smtp_host": "127.0.0.2"}); err != nil {
		t.Fatal(err)
	}
	if err := orm.Reload(env, []*mail.Server{server}); err != nil || server.Pass != "" {
		t.Errorf("the password follows to another server: %v", err)
	}
}

// Nothing reaches another machine inside a unit of work, by whatever client.
func TestNothingGoesOutInsideAUnit(t *testing.T) {
	t.Parallel()
	env := newEnv(t).Sudo()
	if err := base.SetParam(env, outbound.Parameter, "127.0.0.0/8"); err != nil {
		t.Fatal(err)
	}
	gate, err := base.OutboundGate(env)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gate.DialContext(t.Context(), "tcp", "127.0.0.1:9"); !errors.As(err, new(*outbound.BusyError)) {
		t.Errorf("with a context of its own: %v", err)
	}
	elsewhere := make(chan error)
	go func() {
		_, err := gate.DialContext(env, "tcp", "127.0.0.1:9")
		elsewhere <- err
	}()
	if err := <-elsewhere; !errors.As(err, new(*outbound.BusyError)) {
		t.Errorf("on another goroutine with the unit's context: %v", err)
	}
}
