package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// client talks to the server under test as an RPC client would.
type client struct {
	url, db, login, password string
	http                     http.Client
}

type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) json() (any, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(r.body))
	d.UseNumber()
	err := d.Decode(&v)
	return v, err
}

// rpcError is an answer with an error member.
type rpcError struct{ detail any }

func (e *rpcError) Error() string {
	m, _ := e.detail.(map[string]any)
	data, _ := m["data"].(map[string]any)
	return fmt.Sprintf("%v: %v", data["name"], data["message"])
}

func (c *client) send(method, path string, body []byte, header map[string]string, cookies map[string]string) (reply, error) {
	req, err := http.NewRequest(method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	var pairs []string
	for k, v := range cookies {
		pairs = append(pairs, k+"="+v)
	}
	if len(pairs) > 0 {
		req.Header.Set("Cookie", strings.Join(pairs, "; "))
	}
	res, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	for _, k := range res.Cookies() {
		if cookies != nil {
			cookies[k.Name] = k.Value
		}
	}
	raw, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, raw}, err
}

// service calls a service of /jsonrpc.
func (c *client) service(service, method string, args []any) (any, error) {
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "call", "id": 1,
		"params": map[string]any{"service": service, "method": method, "args": args}})
	if err != nil {
		return nil, err
	}
	r, err := c.send("POST", "/jsonrpc", body, map[string]string{"Content-Type": "application/json"}, nil)
	if err != nil {
		return nil, err
	}
	doc, err := r.json()
	if err != nil {
		return nil, fmt.Errorf("HTTP %d, the body is no JSON: %.200q", r.status, r.body)
	}
	m, _ := doc.(map[string]any)
	if e, ok := m["error"]; ok {
		return nil, &rpcError{e}
	}
	return m["result"], nil
}
