package orm

import (
	"strings"
	"testing"
)

type remote struct {
	Record `orm:"s.remote" label:"Remote"`
	URL    string `orm:"url"`
	Host   string `orm:"host"`
	Port   int    `orm:"port"`
	Key    Secret `orm:"key,sent_to=url" validate:"required"`
	Pass   Secret `orm:"pass,sent_to=host:port"`
	Free   Secret `orm:"free"`
}

// A secret does not follow its address to somewhere else.
func TestSecretsStayWithTheirAddress(t *testing.T) {
	db := testDBOf(t, registryOf(t, func(r *Registry) { Define[remote](r) }))
	for name, tc := range map[string]struct {
		write Values
		want  string // key/pass/free
	}{
		"other field":       {Values{"free": "f2"}, "k/p/f2"},
		"same address":      {Values{"url": "HTTPS://Shop.example:443/"}, "k/p/f"},
		"other host":        {Values{"url": "https://evil.example"}, "/p/f"},
		"other port":        {Values{"url": "https://shop.example:8443"}, "/p/f"},
		"other scheme":      {Values{"url": "http://shop.example"}, "/p/f"},
		"other path":        {Values{"url": "https://shop.example/~eve"}, "/p/f"},
		"user in front":     {Values{"url": "https://shop.example@evil.example"}, "/p/f"},
		"no address":        {Values{"url": nil}, "/p/f"},
		"with a new key":    {Values{"url": "https://evil.example", "key": "k2"}, "k2/p/f"},
		"same host":         {Values{"host": "Mail.example", "port": 25}, "k/p/f"},
		"other mail host":   {Values{"host": "evil.example"}, "k//f"},
		"other mail port":   {Values{"port": 26}, "k//f"},
		"all at once":       {Values{"url": "https://evil.example", "port": 26, "pass": "p2"}, "/p2/f"},
		"space and slashes": {Values{"url": " https://shop.example// "}, "k/p/f"},
	} {
		err := db.Run(t.Context(), System(), func(e *Env) error {
			one := &remote{URL: "https://shop.example", Host: "mail.example", Port: 25, Key: "k", Pass: "p", Free: "f"}
			if err := Create(e, one); err != nil {
				return err
			}
			if err := RecordsOf(e, one).Write(tc.write); err != nil {
				return err
			}
			if err := Reload(e, []*remote{one}); err != nil {
				return err
			}
			if got := strings.Join([]string{one.Key.Reveal(), one.Pass.Reveal(), one.Free.Reveal()}, "/"); got != tc.want {
				t.Errorf("%s: %s, want %s", name, got, tc.want)
			}
			return nil
		})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	// Of several records those lose their secrets that move.
	err := db.Run(t.Context(), System(), func(e *Env) error {
		stays := &remote{URL: "https://a.example", Key: "a"}
		moves := &remote{URL: "https://b.example", Key: "b"}
		if err := Create(e, stays, moves); err != nil {
			return err
		}
		if err := RecordsOf(e, stays, moves).Write(Values{"url": "https://a.example"}); err != nil {
			return err
		}
		if err := Reload(e, []*remote{stays, moves}); err != nil {
			return err
		}
		if stays.Key != "a" || moves.Key != "" {
			t.Errorf("%q %q", stays.Key.Reveal(), moves.Key.Reveal())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

type misdirected struct {
	Record `orm:"s.misdirected"`
	URL    string `orm:"url,sent_to=key"`
	Key    Secret `orm:"key,sent_to=adress"`
}

func TestAddressesAreChecked(t *testing.T) {
	t.Parallel()
	r := NewRegistry()
	Define[misdirected](r)
	err := r.Freeze()
	for _, want := range []string{"only a secret has sent_to", `sent_to names unknown field "adress"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
