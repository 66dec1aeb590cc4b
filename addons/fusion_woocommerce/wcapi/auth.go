package wcapi

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// AuthMode is the way keys are shown to the store.
type AuthMode string

// The ways WooCommerce knows.
const (
	// AuthAuto is Basic over https and OAuth over plain http.
	AuthAuto AuthMode = ""
	// AuthBasic sends the keys in the Authorization header. The store ignores
	// it unless WordPress sees https.
	AuthBasic AuthMode = "basic"
	// AuthQuery sends the keys in the query string, for hosts that strip the
	// Authorization header. Never used over plain http; appears in the store's access log.
	AuthQuery AuthMode = "query"
	// AuthOAuth signs each request (OAuth 1.0a, HMAC-SHA256); the secret is not sent.
	AuthOAuth AuthMode = "oauth"
)

// param is one query parameter; order matters for bracketed lists.
type param struct{ name, value string }

// percent encodes as RFC 3986 wants it: everything but letters, digits and -._~
func percent(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

func encodeParams(ps []param) string {
	parts := make([]string, len(ps))
	for i, p := range ps {
		parts[i] = percent(p.name) + "=" + percent(p.value)
	}
	return strings.Join(parts, "&")
}

// sortForSigning orders parameters as WooCommerce does: by the name before the
// first bracket in byte order, members of one list as they come.
func sortForSigning(ps []param) []param {
	base := func(n string) string {
		b, _, _ := strings.Cut(n, "[")
		return b
	}
	out := slices.Clone(ps)
	slices.SortStableFunc(out, func(a, b param) int { return strings.Compare(base(a.name), base(b.name)) })
	return out
}

// numberBrackets rewrites status[] as status[0], status[1]…: PHP numbers them,
// and WooCommerce signs the numbered names.
func numberBrackets(ps []param) []param {
	next := map[string]int{}
	out := make([]param, len(ps))
	for i, p := range ps {
		if base, ok := strings.CutSuffix(p.name, "[]"); ok {
			p.name = base + "[" + strconv.Itoa(next[base]) + "]"
			next[base]++
		}
		out[i] = p
	}
	return out
}

// signatureBase is the text an OAuth signature covers. base is the address
// without query as the store itself would write it.
func signatureBase(method, base string, ps []param) string {
	parts := make([]string, 0, len(ps))
	for _, p := range sortForSigning(ps) {
		if p.name == "oauth_signature" {
			continue
		}
		parts = append(parts, percent(percent(p.name)+"="+percent(p.value)))
	}
	return strings.ToUpper(method) + "&" + percent(base) + "&" + strings.Join(parts, "%26")
}

// signOAuth returns ps, brackets numbered, with the OAuth parameters and the
// signature added.
func signOAuth(method, base string, ps []param, key, secret, nonce string, at time.Time) []param {
	ps = append(numberBrackets(ps),
		param{"oauth_consumer_key", key},
		param{"oauth_nonce", nonce},
		param{"oauth_signature_method", "HMAC-SHA256"},
		param{"oauth_timestamp", strconv.FormatInt(at.Unix(), 10)},
	)
	mac := hmac.New(sha256.New, []byte(secret+"&"))
	mac.Write([]byte(signatureBase(method, base, ps)))
	return append(ps, param{"oauth_signature", base64.StdEncoding.EncodeToString(mac.Sum(nil))})
}

// newNonce is 128 random bits in hex; the store refuses a nonce it has seen.
func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand never fails: it ends the program instead
	return hex.EncodeToString(b[:])
}
