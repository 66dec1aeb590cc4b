package orm

import (
	"slices"
	"strings"
)

// A record may belong to a document: a record of any model, which a
// many2one_reference and the field with its model name. Document makes of "who
// may read (change) the document" a condition that is compiled to SQL, one
// sub-select for each model that has documents of the kind.

// documentOf is the value of a leaf that Document makes; no client can send it.
type documentOf struct{ op Op }

// opPost stands for the right that each model of documents asks of who writes
// about them.
const opPost Op = "post"

// Document is the domain of the records whose document the user may read, or
// for any other operation than reading, may change. ref names the
// many2one_reference. The rights are those of the user, also when the search
// itself is done with all rights. Records whose document does not exist, or
// whose model is not installed, do not match.
func Document(ref string, op Op) Domain {
	if op != OpRead {
		op = OpWrite
	}
	return Leaf(ref, "any", documentOf{op})
}

// PostDocument is the domain of the records about whose document the user may
// write, as its model says by PostRight. For the rest it is Document.
func PostDocument(ref string) Domain { return Leaf(ref, "any", documentOf{opPost}) }

// document compiles a leaf of Document or PostDocument.
func (s *selection) document(f *Field, op Op) (frag, error) {
	kind := s.model.Fields[f.ModelField]
	if !f.column() || kind == nil || !kind.column() {
		return frag{}, ValueErrorf("The document of %s cannot be searched: %s and %s must be stored.", s.model.Label, f.Name, f.ModelField)
	}
	env := s.env.NoSudo().WithContext(map[string]any{"active_test": false})
	names, err := env.documentModels(kind)
	if err != nil {
		return frag{}, err
	}
	within := append(slices.Clone(s.within), s.model)
	var parts []frag
	for _, name := range names {
		co := env.u.db.Registry.models[name]
		if co == nil || co.Abstract || slices.Contains(within, co) {
			continue // of an addon that is gone, or documents in a circle
		}
		rs, right := env.Model(name), op
		if op == opPost {
			right = co.PostRight
		}
		if ok, err := rs.HasAccess(right); err != nil {
			return frag{}, err
		} else if !ok {
			continue
		}
		sub, err := s.sub(env, co)
		if err != nil {
			return frag{}, err
		}
		sub.within = within
		cond := sqlTrue
		if d, limited, err := rs.accessDomain(right); err != nil {
			return frag{}, err
		} else if limited {
			if cond, err = sub.unchecked().domain(d); err != nil {
				return frag{}, err
			}
		}
		parts = append(parts, sqlf("(? = ? AND EXISTS (SELECT 1 FROM ? WHERE "+sub.alias+".id = ? AND ?))",
			s.stored(s.alias, kind), name, sub.from(), s.stored(s.alias, f), cond))
	}
	if len(parts) == 0 {
		return sqlFalse, nil
	}
	return sqlf("(?)", join(parts, " OR ")), nil
}

// documentModels are the models whose names stand in a column. Its index is
// jumped through from name to name, of which there are few.
func (e *Env) documentModels(kind *Field) ([]string, error) {
	known := e.u.cache.documents
	if names, ok := known[kind]; ok {
		return names, nil
	}
	names := []string{}
	t, c := quote(kind.Model.Table), quote(kind.Name)
	err := e.each(sqlf("WITH RECURSIVE m(name) AS ((SELECT "+c+" FROM "+t+" WHERE "+c+" > '' ORDER BY "+c+" LIMIT 1) UNION ALL "+
		"SELECT (SELECT "+c+" FROM "+t+" WHERE "+c+" > m.name ORDER BY "+c+" LIMIT 1) FROM m WHERE m.name IS NOT NULL) SELECT name FROM m WHERE name IS NOT NULL"),
		func(row [][]byte) error {
			names = append(names, string(row[0]))
			return nil
		})
	if err == nil {
		known[kind] = names
	}
	return names, err
}

// moves reports whether a domain of access depends on one of the named fields:
// a change of them may give records another document or another owner.
func (m *Model) moves(d Domain, names []string) bool {
	n, err := parseDomain(d)
	if err != nil {
		return true
	}
	return n.any(func(l leaf) bool {
		head, _, _ := strings.Cut(l.path, ".")
		on := []string{head}
		if f := m.Fields[head]; f != nil && f.Kind == Many2oneRef {
			on = append(on, f.ModelField)
			if kind := m.Fields[f.ModelField]; kind != nil && len(kind.Related) > 0 {
				on = append(on, kind.Related[0])
			}
		}
		return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(on, name) })
	})
}
