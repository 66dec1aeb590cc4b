package module

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
)

// extID is an external id: a row of ir.model.data, or one about to be.
type extID struct {
	row      int64 // id in ir_model_data, 0 until it is stored
	module   string
	name     string
	model    string
	resID    int64 // 0 while the record waits in a batch
	noupdate bool
	used     bool // named by the files that were loaded
}

func (x *extID) full() string { return x.module + "." + x.name }

// idIndex holds the external ids of a database by full name.
type idIndex struct {
	byName map[string]*extID
	fresh  []*extID // to be inserted
}

func loadIndex(env *orm.Env) (*idIndex, error) {
	type known struct {
		ID                  int64
		Module, Name, Model string
		ResID               int64
		Noupdate            bool
	}
	rows, err := orm.Rows[known](env, orm.SQL("SELECT id, module, name, model, COALESCE(res_id, 0) AS res_id, COALESCE(noupdate, false) AS noupdate FROM ir_model_data").Reads("ir.model.data"))
	if err != nil {
		return nil, err
	}
	ix := &idIndex{byName: make(map[string]*extID, len(rows)+1024)}
	for _, r := range rows {
		x := &extID{row: r.ID, module: r.Module, name: r.Name, model: r.Model, resID: r.ResID, noupdate: r.Noupdate}
		ix.byName[x.full()] = x
	}
	return ix, nil
}

// index gives the external ids of the database, after setting aside those in the
// name of an addon of the program that the loader has not made: somebody gave a
// record of his own the name under which the addon is about to look for its own.
// They go on as names of imported records. What they lead to stays as it is; the
// addon makes its own record, and neither writes nor deletes the other.
func (in *installer) index(env *orm.Env) (*idIndex, error) {
	var names []string
	for _, a := range in.known {
		names = append(names, a.Name)
	}
	type renamed struct {
		Was, Now, Model string
		ResID, UID      *int64
	}
	rows, err := orm.Rows[renamed](env, orm.SQL(`UPDATE ir_model_data AS d SET module = '__import__', name = d.module || '_' || d.name || '_' || d.id
		FROM ir_model_data AS old WHERE old.id = d.id AND d.module = ANY(?) AND d.create_uid IS DISTINCT FROM ?
		RETURNING old.module || '.' || old.name AS was, d.module || '.' || d.name AS now, d.model, d.res_id, d.create_uid AS uid`, names, orm.SuperuserID).Writes("ir.model.data", "module", "name"))
	if err != nil {
		return nil, fmt.Errorf("setting aside external ids that no addon has made: %w", err)
	}
	for _, r := range rows {
		in.log.Warn("an external id in the name of an addon was not made by it and has been renamed", "id", r.Was, "now", r.Now, "model", r.Model, "record", number(r.ResID), "by user", number(r.UID))
	}
	return loadIndex(env)
}

// number is what a column holds, 0 for NULL.
func number(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// add enters an external id that is not known yet; it is stored by save.
func (ix *idIndex) add(full, model string, resID int64, noupdate bool) *extID {
	module, name, _ := strings.Cut(full, ".")
	x := &extID{module: module, name: name, model: model, resID: resID, noupdate: noupdate, used: true}
	ix.byName[full] = x
	ix.fresh = append(ix.fresh, x)
	return x
}

// save stores the external ids that are new.
func (ix *idIndex) save(env *orm.Env) error {
	for _, noupdate := range []bool{false, true} {
		var modules, names, models []string
		var ids []int64
		for _, x := range ix.fresh {
			if x.noupdate == noupdate && x.resID != 0 {
				modules, names, models, ids = append(modules, x.module), append(names, x.name), append(models, x.model), append(ids, x.resID)
			}
		}
		if len(ids) == 0 {
			continue
		}
		_, err := env.Exec(orm.SQL(`INSERT INTO ir_model_data (module, name, model, res_id, noupdate, create_uid, create_date, write_uid, write_date)
			SELECT m, n, o, r, ?, ?, now() AT TIME ZONE 'UTC', ?, now() AT TIME ZONE 'UTC'
			FROM unnest(?::text[], ?::text[], ?::text[], ?::bigint[]) AS t(m, n, o, r)`,
			noupdate, orm.SuperuserID, orm.SuperuserID, modules, names, models, ids).Writes("ir.model.data"))
		if err != nil {
			return err
		}
	}
	ix.fresh = slices.DeleteFunc(ix.fresh, func(x *extID) bool { return x.resID != 0 })
	return nil
}

// forget drops the external ids of records that are gone.
func (ix *idIndex) forget(env *orm.Env, model string, ids []int64) error {
	for full, x := range ix.byName {
		if x.model == model && slices.Contains(ids, x.resID) {
			delete(ix.byName, full)
		}
	}
	_, err := env.Exec(orm.SQL("DELETE FROM ir_model_data WHERE model = ? AND res_id = ANY(?)", model, ids).Writes("ir.model.data"))
	return err
}

// names lists the known external ids, for suggestions.
func (ix *idIndex) names() []string { return slices.Sorted(maps.Keys(ix.byName)) }

// suggest proposes an external id for a wrong one, looking first among those
// with the same name in other addons.
func (ix *idIndex) suggest(full string) string { return suggestID(full, ix.names()) }

func suggestID(full string, known []string) string {
	_, name, _ := strings.Cut(full, ".")
	for _, k := range known {
		if _, n, _ := strings.Cut(k, "."); n == name {
			return "; did you mean \"" + k + "\"?"
		}
	}
	return expr.DidYouMean(full, known)
}
