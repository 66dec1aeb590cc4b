package base

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"fusionsoft.ca/fusion/framework/orm"
)

// Attachment is a file or a link, alone or belonging to a record. With a
// record, who may read (write) the record may read (write) the attachment.
type Attachment struct {
	orm.Record   `orm:"ir.attachment" label:"Attachment" order:"id desc"`
	Name         string           `orm:"name,required" label:"Name"`
	Description  string           `orm:"description,text" label:"Description"`
	ResName      string           `orm:"res_name" label:"Resource Name"`
	ResModel     string           `orm:"res_model,index" label:"Resource Model"`
	ResField     string           `orm:"res_field,index" label:"Resource Field"`
	ResID        int64            `orm:"res_id,many2one_reference,model_field=res_model,index" label:"Resource ID"`
	CompanyID    orm.Ref[Company] `orm:"company_id,default=company" label:"Company"`
	Type         string           `orm:"type,required,default=binary" selection:"url:URL,binary:File" label:"Type"`
	URL          string           `orm:"url,index" label:"Url"`
	Public       bool             `orm:"public" label:"Is public document"`
	AccessToken  string           `orm:"access_token,nocopy" label:"Access Token" groups:"base.group_user"`
	Raw          orm.Binary       `orm:"raw,plain" label:"File Content (raw)"`
	Datas        orm.Binary       `orm:"datas" label:"File Content (base64)"`
	DBDatas      string           `orm:"db_datas,text,nocopy" label:"Database Data" groups:"base.group_no_one"`
	StoreFName   string           `orm:"store_fname,index" label:"Stored Filename"`
	FileSize     int64            `orm:"file_size,readonly" label:"File Size"`
	Checksum     string           `orm:"checksum,size=40,readonly,index" label:"Checksum/SHA1"`
	Mimetype     string           `orm:"mimetype,readonly" label:"Mime Type"`
	IndexContent string           `orm:"index_content,text,readonly" label:"Indexed Content"`
	CreateUID    orm.Ref[User]    `orm:"create_uid"`
}

func defineAttachment(r *orm.Registry) {
	a := orm.Define[Attachment](r)
	a.Compute("raw, datas", readContents, "store_fname", "db_datas")
	a.Inverse("raw", func(env *orm.Env, as []*Attachment) error {
		for _, a := range as {
			if err := storeContent(env, a, a.Raw); err != nil {
				return err
			}
		}
		return nil
	})
	a.Inverse("datas", func(env *orm.Env, as []*Attachment) error {
		for _, a := range as {
			if err := storeContent(env, a, a.Datas); err != nil {
				return err
			}
		}
		return nil
	})
	a.Compute("res_name", func(env *orm.Env, as []*Attachment) error {
		for _, a := range as {
			a.ResName = ""
			if a.ResModel == "" || a.ResID == 0 {
				continue
			}
			rs, err := env.Lookup(a.ResModel)
			if err != nil {
				continue // the model of an addon that is gone
			}
			names, err := rs.Browse(a.ResID).DisplayNames()
			if err == nil {
				a.ResName = names[a.ResID]
			} else if !orm.IsCode(err, orm.CodeMissing) && !orm.IsCode(err, orm.CodeAccess) {
				return err
			}
		}
		return nil
	}, "res_model", "res_id")
	a.OnSearch(searchAttachments)
	a.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			for i, vals := range list {
				if vals["mimetype"] == nil && isBlank(vals["raw"]) && isBlank(vals["datas"]) {
					list[i] = vals.Clone()
					list[i]["mimetype"] = guessType(orm.AsText(vals["name"]), nil)
				}
			}
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			return made, mayAttach(made)
		}
	})
	a.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := checkAttachments(rs, orm.OpWrite); err != nil {
				return err
			}
			if err := super(rs, vals); err != nil {
				return err
			}
			return mayAttach(rs)
		}
	})
	a.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			if err := checkAttachments(rs, orm.OpUnlink); err != nil {
				return err
			}
			return super(rs)
		}
	})
}

func readContents(env *orm.Env, as []*Attachment) error {
	if err := checkAttachments(orm.RecordsOf(env, as...), orm.OpRead); err != nil {
		return err
	}
	sudo, err := orm.Read[Attachment](env.Sudo(), orm.IDs(env, as))
	if err != nil {
		return err
	}
	for i, a := range as {
		a.Raw, a.Datas = nil, nil
		var content []byte
		switch stored := sudo[i]; {
		case stored.StoreFName != "":
			if env.DB().Blobs == nil {
				return fmt.Errorf("attachment %d is kept in the file store, but none is configured", a.ID)
			}
			if content, err = env.DB().Blobs.Get(stored.StoreFName); err != nil {
				return fmt.Errorf("content of attachment %d: %w", a.ID, err)
			}
		case stored.DBDatas != "":
			if content, err = base64.StdEncoding.DecodeString(stored.DBDatas); err != nil {
				return fmt.Errorf("content of attachment %d is damaged: %w", a.ID, err)
			}
		}
		a.Raw, a.Datas = content, content
	}
	return nil
}

// storeContent puts a file into the store (the database, without one) and
// notes its size, checksum and type.
func storeContent(env *orm.Env, a *Attachment, content []byte) error {
	vals := orm.Values{"store_fname": false, "db_datas": false, "file_size": int64(len(content)), "checksum": false}
	if len(content) > 0 {
		sum := sha1.Sum(content)
		vals["checksum"] = hex.EncodeToString(sum[:])
		if blobs := env.DB().Blobs; blobs != nil {
			key, err := blobs.Put(content)
			if err != nil {
				return fmt.Errorf("the file %q cannot be stored: %w", a.Name, err)
			}
			vals["store_fname"] = key
		} else {
			vals["db_datas"] = base64.StdEncoding.EncodeToString(content)
		}
	}
	if a.Mimetype == "" {
		kind := guessType(a.Name, content)
		// What a browser would run stays plain text, but for those who may write
		// pages anyway: whoever opens the file did not write it.
		if runnable(kind) {
			may, err := env.WithUser(env.UID()).Model("ir.ui.view").HasAccess(orm.OpWrite)
			if err != nil {
				return err
			}
			if !may {
				kind = "text/plain"
			}
		}
		vals["mimetype"] = kind
	}
	return env.Sudo().Model("ir.attachment").Browse(a.ID).Write(vals)
}

// guessType is the media type by file name, else by content.
func guessType(name string, content []byte) string {
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" && len(content) > 0 {
		kind = http.DetectContentType(content)
	}
	kind, _, err := mime.ParseMediaType(kind)
	if err != nil {
		return "application/octet-stream"
	}
	return kind
}

// runnable tells the media types of which a browser runs what is in them.
func runnable(kind string) bool {
	return strings.Contains(kind, "ht") || strings.Contains(kind, "xml") && !strings.HasPrefix(kind, "application/vnd.openxmlformats") || strings.HasSuffix(kind, "javascript")
}

func isBlank(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case bool:
		return !x
	case string:
		return x == ""
	case []byte:
		return len(x) == 0
	}
	return false
}

// mayAttach refuses files on records one may not change. It looks at what was
// stored, since values can be spelled in many ways and come from defaults too.
func mayAttach(files orm.Records) error {
	if files.Env.Superuser() || files.Len() == 0 {
		return nil
	}
	rows, err := factsOfAttachments(files.Env, files.IDs)
	if err != nil {
		return err
	}
	byModel := map[string][]int64{}
	for _, r := range rows {
		if r.ResModel != "" && r.ResID != 0 {
			byModel[r.ResModel] = append(byModel[r.ResModel], r.ResID)
		}
	}
	for model, ids := range byModel {
		rs, err := files.Env.Lookup(model)
		if err != nil {
			return err
		}
		if err := rs.Browse(ids...).CheckAccess(orm.OpWrite); err != nil {
			return err
		}
	}
	return nil
}

type attachmentFacts struct {
	ID        int64
	ResModel  string
	ResID     int64
	ResField  string
	Public    bool
	CreateUID int64 `bun:"create_uid"`
}

func factsOfAttachments(env *orm.Env, ids []int64) ([]attachmentFacts, error) {
	var rows []attachmentFacts
	err := env.Tx().NewRaw(`SELECT id, COALESCE(res_model, '') AS res_model, COALESCE(res_id, 0) AS res_id, COALESCE(res_field, '') AS res_field,
		COALESCE(public, false) AS public, COALESCE(create_uid, 0) AS create_uid FROM ir_attachment WHERE id IN (?) ORDER BY id`, bunIDs(ids)).Scan(env, &rows)
	return rows, err
}

// checkAttachments refuses an operation on attachments unless it is allowed on
// the records they belong to: reading to read, writing for anything else.
func checkAttachments(rs orm.Records, op orm.Op) error {
	if rs.Env.Superuser() || rs.Len() == 0 {
		return nil
	}
	allowed, err := allowedAttachments(rs.Env, rs.IDs, op)
	if err != nil {
		return err
	}
	for _, id := range rs.IDs {
		if !slices.Contains(allowed, id) {
			return orm.AccessErrorf("Sorry, you are not allowed to access this document.")
		}
	}
	return nil
}

func allowedAttachments(env *orm.Env, ids []int64, op orm.Op) ([]int64, error) {
	rows, err := factsOfAttachments(env, ids)
	if err != nil {
		return nil, err
	}
	system, err := env.InAnyGroup("base.group_system")
	if err != nil {
		return nil, err
	}
	byModel := map[string][]int64{}
	for _, r := range rows {
		if r.ResModel != "" && r.ResID != 0 {
			byModel[r.ResModel] = append(byModel[r.ResModel], r.ResID)
		}
	}
	readable := map[string]map[int64]bool{}
	for model, records := range byModel {
		if readable[model], err = allowedRecords(env, model, records, op); err != nil {
			return nil, err
		}
	}
	var out []int64
	for _, r := range rows {
		switch {
		case r.Public && op == orm.OpRead, system && r.ResModel == "",
			r.ResID == 0 && r.CreateUID == env.UID(),
			r.ResModel != "" && r.ResID != 0 && readable[r.ResModel][r.ResID]:
			out = append(out, r.ID)
		}
	}
	return out, nil
}

// ReadableRecords tells which records of a model the user may read.
func ReadableRecords(env *orm.Env, model string, ids []int64) (map[int64]bool, error) {
	return allowedRecords(env, model, ids, orm.OpRead)
}

// allowedRecords tells on which records of a model an operation is allowed.
func allowedRecords(env *orm.Env, model string, ids []int64, op orm.Op) (map[int64]bool, error) {
	out := map[int64]bool{}
	rs, err := env.WithContext(map[string]any{"active_test": false}).Lookup(model)
	if err != nil {
		return out, nil // the model of an addon that is gone
	}
	if op != orm.OpRead {
		op = orm.OpWrite
	}
	if ok, err := rs.HasAccess(op); err != nil || !ok {
		return out, err
	}
	if op == orm.OpRead {
		found, err := rs.Search(orm.Leaf("id", "in", ids), orm.SearchOptions{})
		for _, id := range found.IDs {
			out[id] = true
		}
		return out, err
	}
	for _, id := range ids {
		if _, known := out[id]; known {
			continue
		}
		err := rs.Browse(id).CheckAccess(op)
		if err != nil && !orm.IsCode(err, orm.CodeAccess) && !orm.IsCode(err, orm.CodeMissing) {
			return nil, err
		}
		out[id] = err == nil
	}
	return out, nil
}

// searchAttachments hides the files of fields, unless asked for by name, and
// those of records the user may not read.
func searchAttachments(super orm.SearchFunc) orm.SearchFunc {
	return func(rs orm.Records, d orm.Domain, o orm.SearchOptions) ([]int64, error) {
		if !names(d, "id", "res_field") {
			d = orm.And(d, orm.Leaf("res_field", "=", false))
		}
		if rs.Env.Superuser() {
			return super(rs, d, o)
		}
		all := o
		all.Limit, all.Offset = 0, 0
		ids, err := super(rs, d, all)
		if err != nil {
			return nil, err
		}
		allowed, err := allowedAttachments(rs.Env, ids, orm.OpRead)
		if err != nil {
			return nil, err
		}
		ids = slices.DeleteFunc(ids, func(id int64) bool { return !slices.Contains(allowed, id) })
		ids = ids[min(o.Offset, len(ids)):]
		if o.Limit > 0 {
			ids = ids[:min(o.Limit, len(ids))]
		}
		return ids, nil
	}
}

// names reports whether a domain has a leaf on one of the fields.
func names(d orm.Domain, fields ...string) bool {
	for _, term := range d {
		if leaf, ok := term.([]any); ok && len(leaf) == 3 && slices.Contains(fields, orm.AsText(leaf[0])) {
			return true
		}
	}
	return false
}

// LinkAttachments hangs files on a record, as posting a message does with the
// files uploaded for it.
func LinkAttachments(env *orm.Env, ids []int64, model string, id int64) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := env.Tx().NewUpdate().Table("ir_attachment").Set("res_model = ?", model).Set("res_id = ?", id).
		Where("id IN (?)", bun.List(ids)).Exec(env)
	return err
}
