package orm

import "errors"

var errTakenBack = errors.New("the trial is over")

// Trial hands fn the same records in a part of the unit of work that is taken
// back when fn returns, as when a form shows what would follow from values that
// are not stored yet. Inside, a record may lack what it needs: empty values
// stand for mandatory ones, references need not lead anywhere, and the
// constraints of the models are not looked at. What would not come back with
// the transaction is not done: a sequence keeps its number, no file is stored.
// The user's rights count as ever. The error is fn's own.
func (rs Records) Trial(fn func(rs Records) error) error {
	e := rs.Env
	var failed error
	err := e.Savepoint(func(*Env) (err error) {
		if e.u.trial {
			failed = fn(rs)
			return errTakenBack
		}
		e.u.trial = true
		defer func() { e.u.trial = false }()
		if err := e.control("SET CONSTRAINTS ALL DEFERRED"); err != nil {
			return err
		}
		failed = fn(rs.In(e.WithContext(map[string]any{"tracking_disable": true})))
		return errTakenBack
	})
	if errors.Is(err, errTakenBack) {
		return failed
	}
	return err
}

// Trial reports whether the work under way will be taken back.
func (e *Env) Trial() bool { return e.u.trial }

// blank is what the table holds in a trial in place of a mandatory value that
// is missing; it reads as the empty value.
func (f *Field) blank() any {
	switch {
	case f.Kind == Many2one || f.Kind == Many2oneRef:
		return int64(0)
	case f.Kind == DateKind || f.Kind == DatetimeKind:
		return "-infinity"
	case f.numeric():
		return f.zero()
	case f.Kind == JSONKind:
		return "null"
	}
	return ""
}

// copied collects the values of copies; it is found in the context, where no
// client can put it.
type copied struct {
	model *Model
	vals  []Values
}

// CopiedValues are the values that copies of the records would be created with,
// one of each, with what the model puts in them. Nothing is created, and
// reading the records is all the right it takes.
func (rs Records) CopiedValues(overrides Values) ([]Values, error) {
	c := &copied{model: rs.Model}
	err := rs.Trial(func(rs Records) error {
		_, err := rs.In(rs.Env.WithContext(map[string]any{"copied": c})).Copy(overrides.Clone())
		return err
	})
	if err != nil || len(c.vals) == len(rs.IDs) {
		return c.vals, err
	}
	c.vals = nil // the model copies in its own way
	for _, id := range rs.IDs {
		vals, err := rs.Browse(id).CopyData(overrides)
		if err != nil {
			return nil, err
		}
		c.vals = append(c.vals, vals)
	}
	return c.vals, nil
}
