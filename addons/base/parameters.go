package base

import (
	"encoding/json"
	"fmt"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/outbound"
)

// Parameter is a system parameter: a text under a key.
type Parameter struct {
	orm.Record `orm:"ir.config_parameter" label:"System Parameter" order:"key" rec:"key"`
	Key        string `orm:"key,required" label:"Key"`
	Value      string `orm:"value,text,required" label:"Value"`
}

// Logging is a line of the log that somebody should see in the back office.
type Logging struct {
	orm.Record `orm:"ir.logging" label:"Logging" order:"id desc"`
	CreateDate orm.Datetime `orm:"create_date"`
	Name       string       `orm:"name,required" label:"Name"`
	Type       string       `orm:"type,required,index" selection:"client:Client,server:Server" label:"Type"`
	DBName     string       `orm:"dbname,index" label:"Database Name"`
	Level      string       `orm:"level,index" label:"Level"`
	Message    string       `orm:"message,text,required" label:"Message"`
	Path       string       `orm:"path,required" label:"Path"`
	Func       string       `orm:"func,required" label:"Function"`
	Line       string       `orm:"line,required" label:"Line"`
}

// Filter is a search somebody saved.
type Filter struct {
	orm.Record `orm:"ir.filters" label:"Filters" order:"model_id, name, id desc"`
	Name       string          `orm:"name,required,translate" label:"Filter Name"`
	UserID     orm.Ref[User]   `orm:"user_id,ondelete=cascade,default=uid" label:"User" help:"The user this filter is private to. When left empty the filter is public and available to all users."`
	Domain     string          `orm:"domain,text,required" label:"Domain"`
	Context    string          `orm:"context,text,required" label:"Context"`
	Sort       string          `orm:"sort,text,required" label:"Sort"`
	Model      string          `orm:"model_id,required" label:"Model"`
	IsDefault  bool            `orm:"is_default" label:"Default Filter"`
	ActionID   orm.Ref[Action] `orm:"action_id" label:"Action"`
	Active     bool            `orm:"active,default=true" label:"Active"`
}

// Default is a value new records start with, for everybody, a company or a
// user.
type Default struct {
	orm.Record `orm:"ir.default" label:"Default Values" order:"id" rec:"field_id"`
	FieldID    orm.Ref[IrField] `orm:"field_id,required,index,ondelete=cascade" label:"Field"`
	UserID     orm.Ref[User]    `orm:"user_id,index,ondelete=cascade" label:"User"`
	CompanyID  orm.Ref[Company] `orm:"company_id,index,ondelete=cascade" label:"Company"`
	Condition  string           `orm:"condition" label:"Condition"`
	JSONValue  string           `orm:"json_value,required" label:"Default Value (JSON format)"`
}

// Methods of parameters and defaults that clients call.
var (
	ParameterGet = orm.ModelMethod[Parameter]{Name: "get_param"}
	ParameterSet = orm.ModelMethod[Parameter]{Name: "set_param"}
	DefaultSet   = orm.ModelMethod[Default]{Name: "set"}
)

func defineParameters(r *orm.Registry) {
	p := orm.Define[Parameter](r)
	p.Unique("key_uniq", "key", "Key must be unique.")
	p.Constrain("key,value", func(_ *orm.Env, ps []*Parameter) error {
		for _, p := range ps {
			if p.Key != outbound.Parameter {
				continue
			}
			if _, err := outbound.Parse(p.Value); err != nil {
				return orm.ValidationErrorf("%s: %v.", p.Key, err)
			}
		}
		return nil
	})
	orm.ImplementModel(p, ParameterGet, func(env *orm.Env, args orm.Args) (any, error) {
		if ok, err := env.Model("ir.config_parameter").HasAccess(orm.OpRead); err != nil || !ok {
			if err == nil {
				err = orm.AccessErrorf("System parameters are reserved to administrators.")
			}
			return nil, err
		}
		if err := args.Check("get_param", 1, "key", "default"); err != nil {
			return nil, err
		}
		v, ok, err := GetParam(env, args.String(0, "key"))
		if err != nil || ok && v != "" {
			return v, err
		}
		if d := args.Get(1, "default"); d != nil {
			return d, nil
		}
		return false, nil
	})
	orm.ImplementModel(p, ParameterSet, func(env *orm.Env, args orm.Args) (any, error) {
		if err := args.Check("set_param", 2, "key", "value"); err != nil {
			return nil, err
		}
		key, value := args.String(0, "key"), args.Get(1, "value")
		old, err := env.Model("ir.config_parameter").Search(orm.Leaf("key", "=", key), orm.SearchOptions{})
		if err != nil {
			return nil, err
		}
		before, _, err := GetParam(env, key)
		if err != nil {
			return nil, err
		}
		if value == nil || value == false {
			if old.Len() == 0 {
				return false, nil
			}
			return before, old.Unlink()
		}
		text := fmt.Sprint(value)
		if value == true {
			text = "True"
		}
		if old.Len() > 0 {
			return before, old.Write(orm.Values{"value": text})
		}
		_, err = env.Model("ir.config_parameter").Create(orm.Values{"key": key, "value": text})
		return false, err
	})
	orm.Define[Logging](r)
	f := orm.Define[Filter](r)
	// A filter goes to nobody for whom its writer could not have made it.
	f.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := super(rs, vals); err != nil {
				return err
			}
			if !vals.Has("user_id") {
				return nil
			}
			return rs.CheckAccess(orm.OpCreate)
		}
	})
	f.Default("context", func(*orm.Env) (any, error) { return "{}", nil })
	f.Default("sort", func(*orm.Env) (any, error) { return "[]", nil })
	f.Default("domain", func(*orm.Env) (any, error) { return "[]", nil })
	f.Unique("name_model_uid_unique", "model_id, user_id, action_id, name", "Filter names must be unique")
	d := orm.Define[Default](r)
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := super(rs, vals); err != nil {
				return err
			}
			return rs.CheckAccess(orm.OpWrite) // nobody makes his own default somebody else's
		}
	})
	d.Constrain("json_value", func(_ *orm.Env, ds []*Default) error {
		for _, d := range ds {
			if !json.Valid([]byte(d.JSONValue)) {
				return orm.ValidationErrorf("Invalid JSON format in Default Value field.")
			}
		}
		return nil
	})
	orm.ImplementModel(d, DefaultSet, func(env *orm.Env, args orm.Args) (any, error) {
		return true, SetDefault(env, args.String(0, "model_name"), args.String(1, "field_name"), args.Get(2, "value"), args.Get(3, "user_id"), args.Get(4, "company_id"))
	})
}

// GetParam reads a system parameter with all rights; ok is false when it is not
// set.
func GetParam(env *orm.Env, key string) (value string, ok bool, err error) {
	p, err := orm.First[Parameter](env.Sudo(), orm.Leaf("key", "=", key), "")
	if err != nil || p == nil {
		return "", false, err
	}
	return p.Value, true, nil
}

// SetParam stores a system parameter with all rights; "" removes it.
func SetParam(env *orm.Env, key, value string) error {
	_, err := orm.InvokeModel(env.Sudo(), ParameterSet, key, value)
	if value == "" {
		_, err = orm.InvokeModel(env.Sudo(), ParameterSet, key, false)
	}
	return err
}

// OutboundGate is the gate through which the program connects to addresses that
// people entered. It lets to private addresses only where an administrator
// listed them in the system parameter [outbound.Parameter].
func OutboundGate(env *orm.Env) (*outbound.Gate, error) {
	list, _, err := GetParam(env, outbound.Parameter)
	if err != nil {
		return nil, err
	}
	gate, err := outbound.Parse(list)
	if err != nil {
		return nil, err
	}
	return gate.Unless(env.DB().InUnit), nil
}

// SetDefault stores the value new records of a model start with in a field.
// user and company are an id, true for the current one, or false for all.
func SetDefault(env *orm.Env, model, field string, value, user, company any) error {
	f, err := orm.First[IrField](env.Sudo(), orm.And(orm.Leaf("model", "=", model), orm.Leaf("name", "=", field)), "")
	if err != nil {
		return err
	}
	if f == nil {
		return orm.ValidationErrorf("Invalid field %s.%s", model, field)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return orm.ValidationErrorf("The default of %s.%s cannot be stored: %v", model, field, err)
	}
	scope := func(v any, current int64) any {
		if id, ok := v.(int64); ok && id != 0 {
			return id
		}
		if v == true {
			return current
		}
		return false
	}
	u, c := scope(user, env.UID()), scope(company, env.Company())
	old, err := env.Model("ir.default").Search(orm.And(orm.Leaf("field_id", "=", f.ID), orm.Leaf("user_id", "=", u), orm.Leaf("company_id", "=", c)), orm.SearchOptions{})
	if err != nil {
		return err
	}
	if old.Len() > 0 {
		return old.Write(orm.Values{"json_value": string(text)})
	}
	_, err = env.Model("ir.default").Create(orm.Values{"field_id": f.ID, "user_id": u, "company_id": c, "json_value": string(text)})
	return err
}
