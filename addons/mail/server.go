package mail

import (
	"context"
	"time"

	gomail "github.com/wneessen/go-mail"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/outbound"
)

// Server is where mail is handed in.
type Server struct {
	orm.Record `orm:"ir.mail_server" label:"Mail Server" order:"sequence, id"`
	Name       string     `orm:"name,required" label:"Name"`
	FromFilter string     `orm:"from_filter" label:"FROM Filtering" help:"Addresses or domains this server may send for, separated by commas; empty for all"`
	Host       string     `orm:"smtp_host" label:"SMTP Server"`
	Port       int        `orm:"smtp_port,default=25" label:"SMTP Port"`
	Auth       string     `orm:"smtp_authentication,required,default=login" selection:"login:Username" label:"Authenticate with"`
	User       string     `orm:"smtp_user" label:"Username" groups:"base.group_system"`
	Pass       orm.Secret `orm:"smtp_pass,sent_to=smtp_host:smtp_port" label:"Password" groups:"base.group_system"`
	Encryption string     `orm:"smtp_encryption,required,default=none" selection:"none:None,starttls:TLS (STARTTLS),ssl:SSL/TLS" label:"Connection Encryption"`
	Debug      bool       `orm:"smtp_debug" label:"Debugging"`
	Sequence   int        `orm:"sequence,default=10" label:"Priority" help:"When no specific mail server is requested for a mail, the highest priority one is used. Default priority is 10 (smaller number = higher priority)"`
	Active     bool       `orm:"active,default=true" label:"Active"`
}

// TestConnection is the button that tries to log in at the server.
var TestConnection = orm.Method[Server]{Name: "test_smtp_connection", Groups: []string{"base.group_system"}, Waiting: "Connecting to the mail server"}

const smtpTimeout = 30 * time.Second

func defineServer(r *orm.Registry) {
	s := orm.Define[Server](r)
	orm.Implement(s, TestConnection, func(env *orm.Env, ss []*Server, _ orm.Args) (any, error) {
		var all []*relay
		for _, server := range ss {
			p, err := server.relay(env)
			if err != nil {
				return nil, orm.UserErrorf("The mail server %s is not set up completely: %v", server.Name, err)
			}
			all = append(all, p)
		}
		return env.CallOut(&orm.CallOut{
			Title: TestConnection.Waiting,
			Do: func(ctx context.Context) error {
				for _, p := range all {
					if err := p.with(ctx, login); err != nil {
						return orm.UserErrorf("The connection to %s failed: %v. Check host, port, encryption and password.", p.name, err)
					}
				}
				return nil
			},
			Then: func(*orm.Env) (any, error) {
				return map[string]any{"type": "ir.actions.client", "tag": "display_notification",
					"params": map[string]any{"message": "The connection works.", "type": "success", "sticky": false}}, nil
			},
		})
	})
}

func login(ctx context.Context, c *gomail.Client) error {
	if err := c.DialWithContext(ctx); err != nil {
		return err
	}
	return c.Close()
}

// relay is the way to a mail server.
type relay struct {
	name   string
	client *gomail.Client
	gate   *outbound.Gate
}

// relay reads how a server is reached. Administrators alone set servers up, so that
// one may be anywhere.
func (s *Server) relay(env *orm.Env) (*relay, error) {
	gate, err := base.OutboundGate(env)
	if err != nil {
		return nil, err
	}
	client, err := s.client()
	return &relay{s.Name, client, gate}, err
}

// with does something with the server, outside of any unit of work.
func (p *relay) with(ctx context.Context, do func(context.Context, *gomail.Client) error) error {
	if err := p.gate.Open(ctx); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, smtpTimeout)
	defer cancel()
	return do(ctx, p.client)
}

// client makes the SMTP client of a server.
func (s *Server) client() (*gomail.Client, error) {
	opts := []gomail.Option{gomail.WithPort(s.Port), gomail.WithTimeout(smtpTimeout)}
	switch s.Encryption {
	case EncryptionSSL:
		opts = append(opts, gomail.WithSSL())
	case EncryptionStartTLS:
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSMandatory))
	default:
		opts = append(opts, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.User != "" {
		opts = append(opts, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User), gomail.WithPassword(s.Pass.Reveal()))
	}
	return gomail.NewClient(s.Host, opts...)
}
