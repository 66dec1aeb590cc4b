package orm

import (
	"fmt"
	"slices"
)

// Binary fields live in ir.attachment, one record per record and field.

func (rs Records) attachments(fields ...string) (Records, error) {
	if rs.Model.registry.models["ir.attachment"] == nil {
		return Records{}, fmt.Errorf("orm: files of %s need the model ir.attachment", rs.Model.Name)
	}
	att := rs.Env.Sudo().WithContext(map[string]any{"active_test": false}).Model("ir.attachment")
	d := And(Leaf("res_model", "=", rs.Model.Name), Leaf("res_id", "in", rs.IDs))
	if len(fields) > 0 {
		d = And(d, Leaf("res_field", "in", fields))
	} else { // said, since a search that does not mention them leaves the files of fields out
		d = And(d, Or(Leaf("res_field", "=", false), Leaf("res_field", "!=", false)))
	}
	return att.Search(d, SearchOptions{Order: "id"})
}

func (rs Records) binaries(f *Field) ([]any, error) {
	if rs.hasNew() {
		return rs.binariesMixed(f)
	}
	out := make([]any, len(rs.IDs))
	found, err := rs.attachments(f.Name)
	if err != nil || len(found.IDs) == 0 {
		return out, err
	}
	rows, err := found.Read("res_id", "raw")
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		id, _ := row["res_id"].(int64)
		if i := slices.Index(rs.IDs, id); i >= 0 {
			out[i] = row["raw"]
		}
	}
	return out, nil
}

func (rs Records) writeBinary(f *Field, v any) error {
	old, err := rs.attachments(f.Name)
	if err != nil {
		return err
	}
	if err := old.Unlink(); err != nil {
		return err
	}
	if v == nil {
		return nil
	}
	vals := make([]Values, len(rs.IDs))
	for i, id := range rs.IDs {
		vals[i] = Values{"name": f.Name, "res_model": rs.Model.Name, "res_field": f.Name, "res_id": id, "raw": v}
	}
	_, err = old.Create(vals...)
	return err
}

func (rs Records) dropAttachments() error {
	if rs.Model.registry.models["ir.attachment"] == nil || rs.Model.Name == "ir.attachment" {
		return nil
	}
	found, err := rs.attachments()
	if err != nil {
		return err
	}
	return found.Unlink()
}
