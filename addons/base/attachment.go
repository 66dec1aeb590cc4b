package base

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// Attachment is a file or a link, alone or belonging to a record. With a
// record, who may read (write) the record may read (write) the attachment.
type Attachment struct {
	orm.Record   `orm:"ir.attachment" label:"Attachment" order:"id desc"`
	Name         string                   `orm:"name,required" label:"Name"`
	Description  string                   `orm:"description,text" label:"Description"`
	ResName      orm.Deferred[string]     `orm:"res_name" label:"Resource Name"`
	ResModel     string                   `orm:"res_model,index" label:"Resource Model"`
	ResField     string                   `orm:"res_field,index" label:"Resource Field"`
	ResID        int64                    `orm:"res_id,many2one_reference,model_field=res_model,index" label:"Resource ID"`
	CompanyID    orm.Ref[Company]         `orm:"company_id,default=company" label:"Company"`
	Type         string                   `orm:"type,required,default=binary" selection:"url:URL,binary:File" label:"Type"`
	URL          string                   `orm:"url,index" label:"Url"`
	Public       bool                     `orm:"public" label:"Is public document"`
	AccessToken  string                   `orm:"access_token,nocopy,system" label:"Access Token"`
	Raw          orm.Deferred[orm.Binary] `orm:"raw,plain" label:"File Content (raw)"`
	Datas        orm.Deferred[orm.Binary] `orm:"datas" label:"File Content (base64)"`
	DBDatas      string                   `orm:"db_datas,text,nocopy,system" label:"Database Data"`
	StoreFName   string                   `orm:"store_fname,index,nocopy,system" label:"Stored Filename"`
	FileSize     int64                    `orm:"file_size,readonly,nocopy,system=write" label:"File Size"`
	Checksum     string                   `orm:"checksum,size=40,readonly,index,nocopy,system=write" label:"Checksum/SHA1"`
	Mimetype     string                   `orm:"mimetype,readonly" label:"Mime Type"`
	IndexContent string                   `orm:"index_content,text,readonly,nocopy,system=write" label:"Indexed Content"`
	CreateUID    orm.Ref[User]            `orm:"create_uid"`
}

func defineAttachment(r *orm.Registry) {
	a := orm.Define[Attachment](r)
	a.Compute("raw, datas", readContents, "store_fname", "db_datas")
	a.Inverse("raw", func(env *orm.Env, as []*Attachment) error {
		for _, a := range as {
			if err := storeContent(env, a, a.Raw.Get()); err != nil {
				return err
			}
		}
		return nil
	})
	a.Inverse("datas", func(env *orm.Env, as []*Attachment) error {
		for _, a := range as {
			if err := storeContent(env, a, a.Datas.Get()); err != nil {
				return err
			}
		}
		return nil
	})
	a.Compute("res_name", func(env *orm.Env, as []*Attachment) error {
		for _, a := range as {
			a.ResName.Set("")
			if a.ResModel == "" || a.ResID == 0 {
				continue
			}
			rs, err := env.Lookup(a.ResModel)
			if err != nil {
				continue // the model of an addon that is gone
			}
			names, err := rs.Browse(a.ResID).DisplayNames()
			if err == nil {
				a.ResName.Set(names[a.ResID])
			} else if !orm.IsCode(err, orm.CodeMissing) && !orm.IsCode(err, orm.CodeAccess) {
				return err
			}
		}
		return nil
	}, "res_model", "res_id")
	a.OnSearch(searchAttachments)
	a.OnAccess(attachmentAccess)
	a.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			for i, vals := range list {
				list[i] = withoutStorage(rs.Env, vals)
				if vals["mimetype"] == nil && isBlank(vals["raw"]) && isBlank(vals["datas"]) {
					list[i]["mimetype"] = guessType(vals.Text("name"), nil)
				}
			}
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			return made, replaceUnsafeTypes(made)
		}
	})
	a.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := super(rs, withoutStorage(rs.Env, vals)); err != nil {
				return err
			}
			return replaceUnsafeTypes(rs)
		}
	})
	a.OnCopyData(func(super orm.CopyDataFunc) orm.CopyDataFunc {
		return func(rs orm.Records, vals orm.Values) (orm.Values, error) {
			if vals["raw"] != nil || vals["datas"] != nil {
				return super(rs, vals)
			}
			var err error
			if vals["raw"], err = rs.Value("raw"); err != nil {
				return nil, err
			}
			return super(rs, vals)
		}
	})
}

// withoutStorage leaves out what clients send along of where and how a file is
// stored, as Odoo does: it follows from the content.
func withoutStorage(env *orm.Env, vals orm.Values) orm.Values {
	vals = vals.Clone()
	if !env.Superuser() {
		for _, name := range []string{"store_fname", "checksum", "file_size"} {
			delete(vals, name)
		}
	}
	return vals
}

func readContents(env *orm.Env, as []*Attachment) error {
	sudo, err := orm.Read[Attachment](env.Sudo(), orm.IDs(env, as))
	if err != nil {
		return err
	}
	for i, a := range as {
		a.Raw.Set(nil)
		a.Datas.Set(nil)
		var content []byte
		switch stored := sudo[i]; {
		case stored.StoreFName != "":
			if env.DB().Blobs == nil {
				return fmt.Errorf("attachment %d is kept in the file store, but none is configured", a.ID)
			}
			content, err = env.DB().Blobs.Get(stored.StoreFName)
			if errors.Is(err, fs.ErrNotExist) {
				env.Log().Warn("the file of an attachment is gone", "attachment", a.ID)
			} else if err != nil {
				return fmt.Errorf("content of attachment %d: %w", a.ID, err)
			}
		case stored.DBDatas != "":
			if content, err = base64.StdEncoding.DecodeString(stored.DBDatas); err != nil {
				return fmt.Errorf("content of attachment %d is damaged: %w", a.ID, err)
			}
		}
		a.Raw.Set(content)
		a.Datas.Set(content)
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
		kind, err := safeMimetype(env, guessType(a.Name, content))
		if err != nil {
			return err
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

// safeMimetype is the media type a file of the user's is stored with. What a browser
// would run stays plain text, but for those who may write pages anyway: whoever
// opens the file did not write it. What is no media type could end a line of a
// mail's header.
func safeMimetype(env *orm.Env, kind string) (string, error) {
	if _, _, err := mime.ParseMediaType(kind); err != nil {
		return "application/octet-stream", nil
	}
	if runnable(kind) {
		if may, err := env.WithUser(env.UID()).Model("ir.ui.view").HasAccess(orm.OpWrite); err != nil || may {
			return kind, err
		}
		return "text/plain", nil
	}
	return kind, nil
}

// replaceUnsafeTypes replaces media types that a user may not store, however they came
// into the record.
func replaceUnsafeTypes(files orm.Records) error {
	if files.Env.Superuser() || files.Len() == 0 {
		return nil
	}
	sudo := files.In(files.Env.Sudo())
	rows, err := sudo.Read("mimetype")
	if err != nil {
		return err
	}
	for _, r := range rows {
		given := r.Text("mimetype")
		kind, err := safeMimetype(files.Env, given)
		if err != nil {
			return err
		}
		if given != "" && kind != given {
			if err := sudo.Browse(r.ID("id")).Write(orm.Values{"mimetype": kind}); err != nil {
				return err
			}
		}
	}
	return nil
}

// runnable tells the media types of which a browser runs what is in them.
func runnable(kind string) bool {
	kind = strings.ToLower(kind)
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

// attachmentAccess gives the files of a record to who may read (change) the
// record, the file of a field if he may see the field as well. A file that
// belongs to no record is its creator's and the administrators', and a public
// one is everybody's to read.
func attachmentAccess(super orm.AccessFunc) orm.AccessFunc {
	return func(rs orm.Records, op orm.Op) (orm.Domain, error) {
		rules, err := super(rs, op)
		if err != nil {
			return nil, err
		}
		env := rs.Env
		own := orm.Or(orm.Leaf("res_model", "=", false), orm.Leaf("res_id", "in", []any{false, 0}))
		system, err := env.InAnyGroup("base.group_system")
		if err != nil {
			return nil, err
		}
		if !system {
			own = orm.And(own, orm.Leaf("create_uid", "=", env.UID()))
		}
		ways := []orm.Domain{own, orm.Document("res_id", op)}
		if op != orm.OpRead { // who may not change himself may still put a picture into his signature
			ways = append(ways, orm.And(orm.Leaf("res_model", "=", "res.users"), orm.Leaf("res_id", "=", env.UID())))
		}
		fields, err := visibleFiles(env)
		if err != nil {
			return nil, err
		}
		d := orm.And(fields, orm.Or(ways...))
		if op == orm.OpRead {
			d = orm.Or(orm.Leaf("public", "=", true), d)
		}
		return orm.And(rules, d), nil
	}
}

type fileFields struct{}

// visibleFiles matches the files that are no field's, and those of fields that
// the user may see.
func visibleFiles(env *orm.Env) (orm.Domain, error) {
	all, err := orm.Kept(env, fileFields{}, func() ([]*orm.Field, error) {
		var out []*orm.Field
		for _, m := range env.Registry().Models() {
			for _, name := range m.FieldNames() {
				if f := m.Fields[name]; f.Kind == orm.BinaryKind && !f.Inherited() {
					out = append(out, f)
				}
			}
		}
		return out, nil
	})
	if err != nil {
		return nil, err
	}
	ways := []orm.Domain{orm.Leaf("res_field", "=", false)}
	names := map[string][]any{}
	var models []string
	for _, f := range all {
		ok, err := env.FieldAllowed(f)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		if names[f.Model.Name] == nil {
			models = append(models, f.Model.Name)
		}
		names[f.Model.Name] = append(names[f.Model.Name], f.Name)
	}
	for _, model := range models {
		ways = append(ways, orm.And(orm.Leaf("res_model", "=", model), orm.Leaf("res_field", "in", names[model])))
	}
	return orm.Or(ways...), nil
}

// searchAttachments hides the files of fields, unless asked for by name.
func searchAttachments(super orm.SearchFunc) orm.SearchFunc {
	return func(rs orm.Records, d orm.Domain, o orm.SearchOptions) ([]int64, error) {
		if !names(d, "id", "res_field") {
			d = orm.And(d, orm.Leaf("res_field", "=", false))
		}
		return super(rs, d, o)
	}
}

// names reports whether a domain has a leaf on one of the fields.
func names(d orm.Domain, fields ...string) bool {
	for _, term := range d {
		if leaf, ok := term.([]any); ok && len(leaf) == 3 {
			if name, ok := leaf[0].(string); ok && slices.Contains(fields, name) {
				return true
			}
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
	// SQL: whoever posts may not write what the files then hang on.
	_, err := env.Exec(orm.SQL("UPDATE ir_attachment SET res_model = ?, res_id = ? WHERE id = ANY(?)", model, id, ids).Writes("ir.attachment", "res_model", "res_id"))
	return err
}
