package walk

import (
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
)

// walker calls methods of a model as a user and looks at all that comes back.
type walker struct {
	w   *world
	s   *sight
	env *orm.Env
	m   *orm.Model
	out *findings
	// rate is which part of the calls is made, drawn by lot.
	rate float64
}

// errNotMade stands for the answer of a call that was not drawn.
var errNotMade = errors.New("not made")

// findings are the leaks of a walk, each kind of them reported once.
type findings struct {
	t     *testing.T
	mu    sync.Mutex
	calls int
	known map[string]bool
}

func (f *findings) add(key, text string) {
	f.t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.known[key] {
		f.known[key] = true
		f.t.Error(text)
	}
}

// open are the fields of the model for the user.
func (k *walker) open() []*orm.Field {
	var out []*orm.Field
	for _, name := range k.m.FieldNames() {
		if f := k.m.Fields[name]; k.w.ref.mayField(k.s.v, f) {
			out = append(out, f)
		}
	}
	return out
}

func (k *walker) openNames() []any {
	var out []any
	for _, f := range k.open() {
		out = append(out, f.Name)
	}
	return out
}

// reserved are the fields of the model that are for others.
func (k *walker) reserved() []*orm.Field {
	var out []*orm.Field
	for _, name := range k.m.FieldNames() {
		if f := k.m.Fields[name]; !k.w.ref.mayField(k.s.v, f) {
			out = append(out, f)
		}
	}
	return out
}

// visible are some records that may be read, hidden ones that may not.
func (k *walker) visible(most int) []int64 { return k.some(most, true) }
func (k *walker) hidden(most int) []int64  { return k.some(most, false) }

func (k *walker) some(most int, readable bool) []int64 {
	out := []int64{}
	all := k.w.ref.ids[k.m.Name]
	for i := range all { // the newest, which the walk has made
		id := all[len(all)-1-i]
		if k.s.readable[k.m.Name][id] == readable && len(out) < most {
			out = append(out, id)
		}
	}
	return out
}

func (k *walker) all() []int64 { return append(k.visible(3), k.hidden(3)...) }

// call calls a method, undoes what it has changed, and looks for what must not
// be in its answer.
func (k *walker) call(method string, pos []any, kw map[string]any) (out any, err error) {
	if k.rate < 1 && k.w.rng.Float64() >= k.rate {
		return nil, errNotMade
	}
	k.out.calls++
	args := map[string]any{}
	for name, v := range kw {
		args[name] = v
	}
	var text string
	serr := k.undone(func(env *orm.Env) {
		out, err = rpc.Call(env, k.m.Name, method, pos, args)
		if err == nil {
			err = env.Flush()
		}
		if err == nil {
			raw, e := server.EncodeJSON(out)
			text, err = string(raw)+k.sent(env), e
		}
	})
	if !errors.Is(serr, errUndo) {
		k.problem(method, fmt.Sprintf("%v %v breaks the unit of work: %v", pos, kw, serr))
		if err == nil {
			out, err = nil, serr
		}
		k.begin()
	}
	if err != nil {
		text = k.shown(method, pos, kw, err)
	}
	k.look(method, fmt.Sprint(pos, kw), text)
	return out, err
}

// sent are the mails that a call has put into the queue: who makes one must not
// send what he may not see.
func (k *walker) sent(env *orm.Env) string {
	last := int64(0)
	if known := k.w.ref.ids["mail.mail"]; len(known) > 0 {
		last = known[len(known)-1]
	}
	rows, err := ormtest.Texts(env, `SELECT concat_ws(' ', m.subject, m.record_name, m.body, x.body_html, x.email_to, m.email_from, m.reply_to)
		FROM mail_mail x JOIN mail_message m ON m.id = x.mail_message_id WHERE x.id > ?`, last)
	if err != nil {
		k.w.t.Fatal(err)
	}
	var all strings.Builder
	for _, row := range rows {
		all.WriteString("\n" + row[0])
	}
	return all.String()
}

// undone does something and undoes what it has changed.
func (k *walker) undone(do func(env *orm.Env)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v in %s", p, frame(string(debug.Stack())))
		}
	}()
	return k.env.Savepoint(func(env *orm.Env) error {
		do(env)
		return errUndo
	})
}

// frame is the first line of a stack that is of an addon or of the walk.
func frame(stack string) string {
	for _, line := range strings.Split(stack, "\n") {
		if strings.Contains(line, "/addons/") && strings.Contains(line, ".go:") {
			return strings.TrimSpace(line)
		}
	}
	return stack
}

// begin opens a unit of work of the user, in place of the one there was.
func (k *walker) begin() {
	if k.env != nil {
		k.env.Rollback()
	}
	var err error
	if k.env, err = k.w.db.Begin(k.w.t.Context(), orm.User{ID: k.s.v.id}); err != nil {
		k.w.t.Fatal(err)
	}
}

// shown is what a client is told of an error.
func (k *walker) shown(method string, pos []any, kw map[string]any, err error) string {
	if oe, ok := errors.AsType[*orm.Error](err); ok {
		return oe.Message
	}
	if strings.Contains(fmt.Sprintf("%T", err), "rpc.") {
		return err.Error()
	}
	k.out.add("internal "+k.m.Name+"."+method+err.Error(), fmt.Sprintf("%s.%s%v %v fails inside: %v", k.m.Name, method, pos, kw, err))
	return ""
}

var encodedMark = regexp.MustCompile(`dGV4dCBjbnJ5[A-Za-z0-9+/]{11}=`)

// decoded adds to a text what stands in it as base64.
func decoded(text string) string {
	for _, code := range encodedMark.FindAllString(text, -1) {
		if raw, err := base64.StdEncoding.DecodeString(code); err == nil {
			text += "\n" + string(raw)
		}
	}
	return text
}

// look reports the markers of a text that the user may not see. What he has
// asked with does not count.
func (k *walker) look(method, asked, text string) {
	for _, at := range k.s.leaks(k.w.ref, asked, text) {
		k.out.add(fmt.Sprint(k.m.Name, method, at[0].model, at[0].field), fmt.Sprintf("%s: %s.%s%.300s shows %v", k.s.v.login, k.m.Name, method, asked, at))
	}
}

// leaks are the places of the markers in a text that the user may not see and
// has not asked with.
func (s *sight) leaks(r *reference, asked, text string) [][]place {
	var out [][]place
	for _, mark := range marker.FindAllString(strings.ToLower(decoded(text)), -1) {
		if at := r.marks[mark]; !s.marks[mark] && len(at) > 0 && !strings.Contains(asked, mark) {
			out = append(out, at) // markers without a place are of records the call has made
		}
	}
	return out
}

func (k *walker) problem(method, text string) {
	k.out.add(fmt.Sprint(k.m.Name, method, text[:min(len(text), 20)]), fmt.Sprintf("%s: %s.%s: %s", k.s.v.login, k.m.Name, method, text))
}

// refused makes a call that has to fail.
func (k *walker) refused(method string, pos []any, kw map[string]any) {
	if out, err := k.call(method, pos, kw); err == nil {
		k.out.add("refuse "+k.m.Name+method, fmt.Sprintf("%s: %s.%s%.300s is not refused: %.200s", k.s.v.login, k.m.Name, method, fmt.Sprint(pos, kw), fmt.Sprint(out)))
	}
}

// onlyReadable checks that nothing was found that may not be read.
func (k *walker) onlyReadable(what string, found []int64) {
	for _, id := range found {
		if !k.s.readable[k.m.Name][id] && slices.Contains(k.w.ref.ids[k.m.Name], id) {
			k.problem("search", fmt.Sprintf("%s finds %d, which may not be read", what, id))
			return
		}
	}
}

// agrees compares the records that a search finds, and those that may be read by
// id, with those of the reference. It leaves nothing to the lot: what the
// reference allows too freely would be a leak that no call of the walk reports.
func (k *walker) agrees() {
	env := k.env.WithContext(map[string]any{"active_test": false})
	allowed, err := env.Model(k.m.Name).Browse(k.w.ref.ids[k.m.Name]...).Allowed(orm.OpRead)
	if err != nil {
		k.w.t.Fatal(k.m.Name, err)
	}
	k.same("read by id", allowed.IDs)
	if !k.counted() || !k.w.ref.mayModel(k.s.v, k.m.Name) {
		return
	}
	found, err := env.Model(k.m.Name).Search(nil, orm.SearchOptions{})
	if err != nil {
		k.w.t.Fatal(k.m.Name, err)
	}
	k.same("found", found.IDs)
}

// same reports the records in which a list differs from the reference.
func (k *walker) same(what string, got []int64) {
	var more, less []int64
	for _, id := range k.w.ref.ids[k.m.Name] {
		switch may := k.s.readable[k.m.Name][id]; {
		case may && !slices.Contains(got, id):
			less = append(less, id)
		case !may && slices.Contains(got, id):
			more = append(more, id)
		}
	}
	if len(more)+len(less) > 0 {
		k.out.add(fmt.Sprint("agree ", k.m.Name, what), fmt.Sprintf("%s: of %s, %v are %s and should not be, %v should be and are not", k.s.v.login, k.m.Name, more, what, less))
	}
}
