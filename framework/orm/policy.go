package orm

import "fusionsoft.ca/fusion/framework/expr"

// Policy tells the ORM who users are and what they may do. An addon keeps that in
// models of its own (base does) and gives its policy to the registry with SetPolicy;
// the ORM knows none of these models and their tables. What the policy says is kept
// between units of work until a record of one of its models changes, in any process.
type Policy interface {
	// Models names the models that the policy stands on.
	Models() PolicyModels
	// Rights are what groups may do. nil says that nothing is regulated, as before
	// the tables are there.
	Rights(env *Env) (*Rights, error)
	// UserInfo reads who a user is, the groups that his groups imply among them.
	UserInfo(env *Env, rights *Rights, user int64) (*UserInfo, error)
	// RuleUser is the value of `user` in the domains of record rules, as a rule an
	// [expr.Object], which looks up only what a rule asks for.
	RuleUser(env *Env, info *UserInfo) any
	// Languages are the codes of the active languages.
	Languages(env *Env) ([]string, error)
	// WeekStart is the first day of the week in a language, from 1 for Monday to 7
	// for Sunday; 0 if the language is not active.
	WeekStart(env *Env, lang string) (int, error)
}

// PolicyModels are names of models; what a policy has not is "".
type PolicyModels struct {
	// Users is the model of who created and who changed a record.
	Users string
	// Groups is the model whose external ids stand in groups="…".
	Groups    string
	Companies string
	// Defaults is the model of the default values in Rights.
	Defaults string
	// Sources are the models whose change makes unknown what the policy said.
	Sources []string
}

// Rights are the access rights, record rules and default values of a database.
type Rights struct {
	// Implied are the groups that a group implies directly.
	Implied map[int64][]int64
	Grants  map[string][]Grant // by model
	Rules   map[string][]Rule  // by model, in order
	// Defaults are by model and field; a user's own before everybody's, a company's
	// before all companies'.
	Defaults map[string]map[string][]StoredDefault
	// Internal is the external id of the group whose members may use a wizard on
	// which nobody was granted anything.
	Internal string
}

// Grant lets a group (0: everybody) do operations on the records of a model.
type Grant struct {
	Group int64
	Ops   map[Op]bool
}

// Rule is a record rule. Without groups it goes for everybody.
type Rule struct {
	ID     int64
	Name   string
	Groups []int64
	Domain string
	Ops    map[Op]bool
}

// StoredDefault is a default value that somebody has set, for a user and a company
// (0: for all).
type StoredDefault struct {
	User, Company int64
	Condition     string
	Value         any // as JSON has it
}

// UserInfo is what the ORM asks of a user.
type UserInfo struct {
	Groups    map[int64]bool
	Company   int64
	Companies []int64
	Partner   int64 // see Env.PartnerID
	Login, TZ string
}

// SetPolicy gives the policy of a registry. Without one, as in small tests, nothing
// is regulated: everything is allowed, users have no groups and no companies, records
// know the numbers of their creators only, and there is one language.
func (r *Registry) SetPolicy(p Policy) {
	if _, ok := r.policy.(OpenPolicy); !ok {
		r.errorf("there is a policy already")
	}
	r.policy, r.policyModels = p, p.Models()
}

// PolicyModels are the models of the registry's policy.
func (r *Registry) PolicyModels() PolicyModels { return r.policyModels }

// OpenPolicy regulates nothing.
type OpenPolicy struct{}

// Models are none.
func (OpenPolicy) Models() PolicyModels { return PolicyModels{} }

// Rights are nil.
func (OpenPolicy) Rights(*Env) (*Rights, error) { return nil, nil }

// UserInfo knows nothing.
func (OpenPolicy) UserInfo(*Env, *Rights, int64) (*UserInfo, error) { return &UserInfo{}, nil }

// RuleUser is never asked for.
func (OpenPolicy) RuleUser(*Env, *UserInfo) any { return nil }

// Languages are none but the default one.
func (OpenPolicy) Languages(*Env) ([]string, error) { return nil, nil }

// WeekStart is not known.
func (OpenPolicy) WeekStart(*Env, string) (int, error) { return 0, nil }

// policySources marks the models that the policy stands on.
func (b *builder) policySources() {
	names := b.r.policyModels
	for _, name := range names.Sources {
		m := b.r.models[name]
		if m == nil {
			b.errorf("the policy stands on an unknown model %q%s", name, expr.DidYouMean(name, b.r.names))
			continue
		}
		m.kept = true
	}
	for _, name := range []string{names.Users, names.Groups, names.Companies, names.Defaults} {
		if name != "" && b.r.models[name] == nil {
			b.errorf("the policy names an unknown model %q%s", name, expr.DidYouMean(name, b.r.names))
		}
	}
}
