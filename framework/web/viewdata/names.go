package viewdata

import (
	"fmt"
	"maps"
	"slices"

	"fusionsoft.ca/fusion/framework/orm"
)

// Names finds the display names of records: what is wanted is collected first,
// then each model is asked once.
type Names struct {
	env    *orm.Env
	want   map[string]map[int64]bool
	asked  map[string]map[int64]bool // by the client
	names  map[string]map[int64]string
	hidden map[string]map[int64]bool // which the user may not read
}

// NewNames starts without any.
func NewNames(env *orm.Env) *Names {
	return &Names{env: env, want: map[string]map[int64]bool{}, asked: map[string]map[int64]bool{}, names: map[string]map[int64]string{}, hidden: map[string]map[int64]bool{}}
}

// Add notes records that others point at, which the user may read.
func (n *Names) Add(model string, ids ...int64) { n.note(n.want, model, ids) }

// Ask notes records that the client has named by their ids. Their names are
// told to who may read them.
func (n *Names) Ask(model string, ids ...int64) { n.note(n.asked, model, ids) }

func (n *Names) note(in map[string]map[int64]bool, model string, ids []int64) {
	for _, id := range ids {
		if id <= 0 {
			continue
		}
		if _, known := n.names[model][id]; known {
			continue
		}
		if in[model] == nil {
			in[model] = map[int64]bool{}
		}
		in[model][id] = true
	}
}

// Load asks for all that is wanted. The name of a linked record is shown even
// to who may not read the record, as every client of Odoo expects.
func (n *Names) Load() error {
	for model, said := range n.asked {
		delete(n.asked, model)
		rs, err := n.env.Lookup(model)
		if err != nil {
			continue
		}
		seen, err := rs.Browse(slices.Collect(maps.Keys(said))...).Allowed(orm.OpRead)
		if err != nil {
			return err
		}
		n.Add(model, seen.IDs...)
	}
	for model, want := range n.want {
		delete(n.want, model)
		rs, err := n.env.Sudo().Lookup(model)
		if err != nil {
			continue // a reference to the model of an addon that is gone
		}
		ids := make([]int64, 0, len(want))
		for id := range want {
			ids = append(ids, id)
		}
		found, err := rs.Browse(ids...).DisplayNames()
		if orm.IsCode(err, orm.CodeMissing) {
			if rs, err = rs.Browse(ids...).Exists(); err == nil {
				found, err = rs.DisplayNames()
			}
		}
		if err != nil {
			return err
		}
		if n.names[model] == nil {
			n.names[model] = map[int64]string{}
		}
		for id, name := range found {
			n.names[model][id] = name
		}
		hidden, err := rs.Browse(ids...).In(n.env).Hidden()
		if err != nil {
			return err
		}
		for _, id := range hidden {
			if n.hidden[model] == nil {
				n.hidden[model] = map[int64]bool{}
			}
			n.hidden[model][id] = true
		}
	}
	return nil
}

// Of is the name of a record that has been loaded.
func (n *Names) Of(model string, id int64) string {
	if id == 0 {
		return ""
	}
	if s := n.names[model][id]; s != "" {
		return s
	}
	if _, known := n.names[model][id]; known {
		return "Unnamed"
	}
	return fmt.Sprintf("#%d", id)
}

// Hidden reports whether the user may not read a record, whose name he is shown all
// the same.
func (n *Names) Hidden(model string, id int64) bool { return n.hidden[model][id] }
