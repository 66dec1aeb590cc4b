package server

import "fusionsoft.ca/fusion/framework/orm"

// continuation is what a handler has still to do when its unit of work is
// committed.
type continuation struct {
	out  *orm.CallOut
	then func(c *Context, result any) error
}

// Continue follows up a method that has something to do outside of any unit of
// work: when the one of the handler is committed, the [orm.CallOut] is done, and
// then gets its result, in a unit of work with a c.Env of its own, and answers. What
// the handler has answered before is forgotten.
func (c *Context) Continue(out *orm.CallOut, then func(c *Context, result any) error) error {
	c.next = &continuation{out, then}
	return nil
}

// runContinuation does what the handler left to be done. A server that commits nothing
// does nothing outside either.
func (s *Server) runContinuation(c *Context) error {
	for c.next != nil {
		next := c.next
		var asLoaded Session
		if c.Session != nil {
			asLoaded = *c.Session
		}
		deliver := func(env *orm.Env, result any) error {
			c.begin(env, asLoaded)
			if err := next.then(c, result); err != nil {
				return err
			}
			return s.stamp(c)
		}
		ctx := c.Request.Context()
		var err error
		if s.Config.ReadOnly {
			err = s.DB.View(ctx, next.out.User(), func(env *orm.Env) error { return deliver(env, nil) })
		} else {
			err = s.DB.FollowUp(ctx, next.out, deliver)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
