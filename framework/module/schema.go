package module

import (
	"maps"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
)

// NewSchema lets views be checked against a registry. groups and actions are
// the external ids that exist.
func NewSchema(r *orm.Registry, groups, actions []string) view.Schema {
	s := &viewSchema{reg: r, groups: map[string]bool{}, actions: map[string]bool{}}
	for _, g := range groups {
		s.groups[g] = true
	}
	for _, a := range actions {
		s.actions[a] = true
	}
	return s
}

type viewSchema struct {
	reg             *orm.Registry
	groups, actions map[string]bool
}

func (s *viewSchema) Model(name string) bool {
	_, ok := s.reg.Model(name)
	return ok
}

func (s *viewSchema) Field(model, name string) (view.FieldInfo, bool) {
	m, ok := s.reg.Model(model)
	if !ok || m.Fields[name] == nil {
		return view.FieldInfo{}, false
	}
	f := m.Fields[name]
	info := view.FieldInfo{Type: string(f.Kind), Comodel: f.Comodel}
	switch {
	case f.Kind == orm.SecretKind:
		info.Type = string(orm.Char)
	case f.Image:
		info.Type = "image"
	}
	return info, true
}

func (s *viewSchema) FieldNames(model string) []string {
	if m, ok := s.reg.Model(model); ok {
		return m.FieldNames()
	}
	return nil
}

func (s *viewSchema) Method(model, name string) bool {
	m, ok := s.reg.Model(model)
	return ok && m.HasMethod(name) && !strings.HasPrefix(name, "_")
}

func (s *viewSchema) MethodNames(model string) []string {
	m, ok := s.reg.Model(model)
	if !ok {
		return nil
	}
	return slices.DeleteFunc(m.Methods(), func(n string) bool { return strings.HasPrefix(n, "_") })
}

func (s *viewSchema) Group(id string) bool  { return s.groups[id] }
func (s *viewSchema) Groups() []string      { return slices.Sorted(maps.Keys(s.groups)) }
func (s *viewSchema) Action(id string) bool { return s.actions[id] }
func (s *viewSchema) Actions() []string     { return slices.Sorted(maps.Keys(s.actions)) }
