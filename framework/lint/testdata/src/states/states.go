// Package states declares a model with states.
package states

const Done = "done"

type Job struct {
	Name  string `orm:"name"`
	State string `orm:"state" selection:"draft:Draft,done:Done"` // want State:"selection"
}

func Open(j *Job) bool {
	if j.Name == "draft" || j.State == "" {
		return false
	}
	return j.State != Done && j.State == "draft" // want `State is a selection: compare it with a constant instead of "draft"`
}
