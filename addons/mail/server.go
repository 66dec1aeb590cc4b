package mail

import (
	"context"
	"time"

	gomail "github.com/wneessen/go-mail"

	"fusionsoft.ca/fusion/framework/orm"
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
var TestConnection = orm.Method[Server]{Name: "test_smtp_connection", Groups: []string{"base.group_system"}}

const smtpTimeout = 30 * time.Second

func defineServer(r *orm.Registry) {
	s := orm.Define[Server](r)
	orm.Implement(s, TestConnection, func(env *orm.Env, ss []*Server, _ orm.Args) (any, error) {
		for _, server := range ss {
			c, err := server.client()
			if err != nil {
				return nil, orm.UserErrorf("The mail server %s is not set up completely: %v", server.Name, err)
			}
			ctx, cancel := context.WithTimeout(env, smtpTimeout)
			err = c.DialWithContext(ctx)
			if err == nil {
				err = c.Close()
			}
			cancel()
			if err != nil {
				return nil, orm.UserErrorf("The connection to %s failed: %v. Check host, port, encryption and password.", server.Name, err)
			}
		}
		return map[string]any{"type": "ir.actions.client", "tag": "display_notification",
			"params": map[string]any{"message": "The connection works.", "type": "success", "sticky": false}}, nil
	})
}

// client makes the SMTP client of a server.
func (s *Server) client() (*gomail.Client, error) {
	opts := []gomail.Option{gomail.WithPort(s.Port), gomail.WithTimeout(smtpTimeout)}
	switch s.Encryption {
	case "ssl":
		opts = append(opts, gomail.WithSSL())
	case "starttls":
		opts = append(opts, gomail.WithTLSPolicy(gomail.TLSMandatory))
	default:
		opts = append(opts, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if s.User != "" {
		opts = append(opts, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User), gomail.WithPassword(s.Pass.Reveal()))
	}
	return gomail.NewClient(s.Host, opts...)
}
