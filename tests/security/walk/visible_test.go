package walk

import (
	"fmt"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// ownAccess are the models that say by themselves which records a user may
// read, beside access rights and record rules.
func ownAccess() map[string]func(r *reference, v *visitor, id int64) bool {
	return map[string]func(r *reference, v *visitor, id int64) bool{
		"ir.attachment":  mayAttachment,
		"mail.message":   mayMessage,
		"mail.activity":  mayActivity,
		"mail.followers": mayFollower,
	}
}

// mayDocument reports whether a user may read the record that something hangs on.
func (r *reference) mayDocument(v *visitor, model any, id any) bool {
	name, _ := model.(string)
	if _, known := r.reg.Model(name); !known {
		return false
	}
	return r.mayRead(v, name, number(id))
}

func mayAttachment(r *reference, v *visitor, id int64) bool {
	row := r.rows["ir.attachment"][id]
	model, _ := row["res_model"].(string)
	on := number(row["res_id"])
	switch {
	case row["public"] == true:
		return true
	case model == "":
		return v.in(r, "base.group_system") || number(row["create_uid"]) == v.id
	case on == 0:
		return number(row["create_uid"]) == v.id
	}
	if field, _ := row["res_field"].(string); field != "" {
		m, ok := r.reg.Model(model)
		if !ok || m.Fields[field] == nil || !r.mayField(v, m.Fields[field]) {
			return false
		}
	}
	return r.mayDocument(v, model, on)
}

func mayMessage(r *reference, v *visitor, id int64) bool {
	row := r.rows["mail.message"][id]
	subtype := number(row["subtype_id"])
	internal := row["is_internal"] == true || subtype == 0 || r.rows["mail.message.subtype"][subtype]["internal"] == true
	if internal && !v.in(r, "base.group_user") {
		return false // also to its author and to those it was sent to
	}
	if v.partner != 0 && number(row["author_id"]) == v.partner {
		return true
	}
	for _, list := range []string{"partner_ids", "notified_partner_ids"} {
		if slices.Contains(r.links["mail.message."+list][id], v.partner) {
			return true
		}
	}
	return r.mayDocument(v, row["model"], row["res_id"])
}

func mayActivity(r *reference, v *visitor, id int64) bool {
	row := r.rows["mail.activity"][id]
	return number(row["user_id"]) == v.id || r.mayDocument(v, row["res_model"], row["res_id"])
}

// mayFollower: following a document does not open it, and people from outside are
// told of themselves only.
func mayFollower(r *reference, v *visitor, id int64) bool {
	row := r.rows["mail.followers"][id]
	return r.mayDocument(v, row["res_model"], row["res_id"]) && (v.in(r, "base.group_user") || number(row["partner_id"]) == v.partner)
}

// openLinks are computed links whose names are for all who may read the record,
// with the reason. Of others the names are for who may read what they lead to.
func openLinks() map[string]string {
	return map[string]string{
		"stock.location.warehouse_id": "a place lies in its warehouse as in the places above it, whose names are part of its own",
	}
}

// deriveLinks reads the links of openLinks, past all access.
func (r *reference) deriveLinks(env *orm.Env) error {
	for name := range openLinks() {
		model, field := name[:strings.LastIndexByte(name, '.')], name[strings.LastIndexByte(name, '.')+1:]
		rows, err := env.Model(model).Browse(r.ids[model]...).Read(field)
		if err != nil {
			return err
		}
		r.derived[name] = map[int64]int64{}
		for _, row := range rows {
			r.derived[name][row.ID("id")] = row.ID(field)
		}
	}
	return nil
}

// sight is all that a user may see.
type sight struct {
	v        *visitor
	readable map[string]map[int64]bool
	places   map[place]bool
	marks    map[string]bool
}

// sees finds all that a user may see: the fields of the records he may read,
// the names of what they point at, and what related fields bring along.
func (r *reference) sees(v *visitor) *sight {
	s := &sight{v: v, readable: map[string]map[int64]bool{}, places: map[place]bool{}, marks: map[string]bool{}}
	for _, m := range r.reg.Models() {
		if m.Abstract {
			continue
		}
		s.readable[m.Name] = map[int64]bool{}
		if !r.mayModel(v, m.Name) {
			continue
		}
		for _, id := range r.ids[m.Name] {
			if r.ruled(v, m.Name, id) {
				s.readable[m.Name][id] = true
			}
		}
		r.opens(s, m)
	}
	r.openTracked(s)
	for mark, at := range r.marks {
		// The label of a field is for who may see the field, and for who may read the
		// row of ir.model.fields in which it stands as well.
		if slices.ContainsFunc(at, func(p place) bool {
			if p.id != labelOf {
				return s.places[p]
			}
			m, _ := r.reg.Model(p.model)
			return r.mayModel(v, m.Name) && r.mayField(v, m.Fields[p.field])
		}) {
			s.marks[mark] = true
		}
	}
	return s
}

// openTracked notes what messages tell of changes, to who may read the message
// and the field that has changed. The rows themselves are for administrators.
func (r *reference) openTracked(s *sight) {
	for _, id := range r.ids["mail.tracking.value"] {
		row := r.rows["mail.tracking.value"][id]
		message := number(row["mail_message_id"])
		model, _ := r.rows["mail.message"][message]["model"].(string)
		field, _ := r.rows["ir.model.fields"][number(row["field_id"])]["name"].(string)
		m, known := r.reg.Model(model)
		if !known || !s.readable["mail.message"][message] || m.Fields[field] == nil || !r.mayField(s.v, m.Fields[field]) {
			continue
		}
		for _, column := range []string{"old_value_char", "new_value_char", "old_value_text", "new_value_text"} {
			s.places[place{"mail.tracking.value", id, column}] = true
		}
	}
}

// opens notes the places that the readable records of a model lay open.
func (r *reference) opens(s *sight, m *orm.Model) {
	for _, name := range m.FieldNames() {
		f := m.Fields[name]
		if !r.mayField(s.v, f) {
			continue
		}
		for id := range s.readable[m.Name] {
			on, owner, of := r.owner(m.Name, id, f)
			r.open(s, on, owner, of)
			if len(of.Related) > 0 && !of.Inherited() {
				if on, at, end := r.end(on, owner, of.Related); end != nil {
					r.open(s, on, at, end)
				}
			}
		}
	}
	for id := range s.readable[m.Name] {
		r.openName(s, m, id)
	}
}

// open notes a field of a record, and the names of what it points at.
func (r *reference) open(s *sight, model string, id int64, f *orm.Field) {
	s.places[place{model, id, f.Name}] = true
	row := r.rows[model][id]
	switch {
	case f.CompanyDependent:
		byCompany, _ := row[f.Name].(map[string]any)
		for _, c := range s.v.companies {
			s.places[place{model, id, fmt.Sprint(f.Name, "@", c)}] = true
			if f.Kind == orm.Many2one {
				r.openName(s, f.ComodelOf(), number(byCompany[fmt.Sprint(c)]))
			}
		}
	case r.derived[model+"."+f.Name] != nil:
		r.openName(s, f.ComodelOf(), r.derived[model+"."+f.Name][id])
	case f.Kind == orm.Many2one && f.Stored:
		co := f.ComodelOf()
		r.openName(s, co, number(row[f.Name]))
	case f.Kind == orm.Many2oneRef:
		if model, _ := row[f.ModelField].(string); model != "" {
			if co, known := r.reg.Model(model); known {
				r.openName(s, co, number(row[f.Name]))
			}
		}
	case f.Kind == orm.Reference:
		if text, _ := row[f.Name].(string); text != "" {
			var model string
			var id int64
			for i := range text {
				if text[i] == ',' {
					model = text[:i]
					fmt.Sscan(text[i+1:], &id)
				}
			}
			if co, known := r.reg.Model(model); known {
				r.openName(s, co, id)
			}
		}
	}
}

// openName notes the places of a record's name, which is shown where a record
// points at it.
func (r *reference) openName(s *sight, m *orm.Model, id int64) {
	if id == 0 {
		return
	}
	for _, mark := range marker.FindAllString(r.names[m.Name][id], -1) {
		s.marks[mark] = true
	}
}
