package orm_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
)

// project and task are the models of the examples.
type project struct {
	orm.Record `orm:"example.project" label:"Project" order:"name"`
	Name       string          `orm:"name,required" label:"Name"`
	TaskIDs    orm.Many[task]  `orm:"task_ids,inverse=project_id" label:"Tasks"`
	Hours      decimal.Decimal `orm:"hours,store,readonly,digits=2" label:"Hours"`
}

type task struct {
	orm.Record `orm:"example.task" label:"Task" order:"id"`
	Name       string            `orm:"name,required" label:"Name"`
	ProjectID  orm.Ref[project]  `orm:"project_id,required,ondelete=cascade" label:"Project"`
	Hours      decimal.Decimal   `orm:"hours,digits=2,default=0" label:"Hours"`
	Day        orm.Date          `orm:"day" label:"Day"`
	State      string            `orm:"state,default=open" selection:"open:Open,done:Done" label:"Status"`
	TagIDs     orm.Many[taskTag] `orm:"tag_ids" label:"Tags"`
}

type taskTag struct {
	orm.Record `orm:"example.tag" label:"Tag" order:"name"`
	Name       string `orm:"name,required" label:"Name"`
}

var finish = orm.Method[task]{Name: "action_finish"}

// projects is the addon that declares them.
func projects() module.Addon {
	return module.Addon{Name: "projects", Version: "1.0.0", Depends: []string{"base"}, Define: func(r *orm.Registry) {
		p := orm.Define[project](r)
		p.Compute("hours", func(_ *orm.Env, ps []*project) error {
			for _, p := range ps {
				p.Hours = decimal.Zero
				for _, t := range p.TaskIDs.All() {
					p.Hours = p.Hours.Add(t.Hours)
				}
			}
			return nil
		}, "task_ids.hours")
		t := orm.Define[task](r)
		t.Check("hours", "hours >= 0", "Nobody works less than no time.")
		orm.Implement(t, finish, func(env *orm.Env, ts []*task, _ orm.Args) (any, error) {
			for _, t := range ts {
				t.State = "done"
			}
			return nil, orm.Save(env, ts, "state")
		})
		orm.Define[taskTag](r)
	}}
}

// reviews is another addon, which changes the method of the first.
func reviews() module.Addon {
	return module.Addon{Name: "reviews", Version: "1.0.0", Depends: []string{"projects"}, Define: func(r *orm.Registry) {
		orm.Override(r, finish, func(super orm.Action[task]) orm.Action[task] {
			return func(env *orm.Env, ts []*task, args orm.Args) (any, error) {
				for _, t := range ts {
					if t.Hours.IsZero() {
						return nil, orm.UserErrorf("How long did %s take?", t.Name)
					}
				}
				return super(env, ts, args)
			}
		})
	}}
}

// house makes a project with three tasks.
func house(env *orm.Env) (*project, error) {
	p := &project{Name: "House"}
	day := orm.NewDate(2026, 1, 30)
	p.TaskIDs.Do(
		orm.CreateLine(orm.Values{"name": "Walls", "hours": 40, "day": day}),
		orm.CreateLine(orm.Values{"name": "Roof", "hours": 12.5, "day": day.AddDays(1)}),
		orm.CreateLine(orm.Values{"name": "Door", "day": day.AddDays(2)}),
	)
	return p, orm.Create(env, p)
}

// try runs an example on a database that is as before afterwards.
func try(fn func(env *orm.Env) error, more ...module.Addon) {
	if err := ormtest.Run(fn, append([]module.Addon{kernel.Addon(), projects()}, more...)...); err != nil {
		fmt.Println(err)
	}
}

// A model is declared by a struct, and its records are handled as such structs.
// The project's hours are computed from its tasks, whoever changes those.
func Example() {
	try(func(env *orm.Env) error {
		p, err := house(env)
		if err != nil {
			return err
		}
		fmt.Println(p.Name, p.Hours)

		tasks, err := orm.Search[task](env, orm.Leaf("project_id", "=", p.ID), orm.SearchOptions{Order: "name"})
		if err != nil {
			return err
		}
		for _, t := range tasks {
			fmt.Println("-", t.Name, t.State, t.Day)
		}

		tasks[0].Hours = decimal.NewFromInt(3)
		if err := orm.Save(env, tasks[:1], "hours"); err != nil {
			return err
		}
		if err := orm.Reload(env, []*project{p}); err != nil {
			return err
		}
		fmt.Println(p.Name, p.Hours)
		return orm.Delete(env, tasks)
	})
	// Output:
	// House 52.5
	// - Door open 2026-02-01
	// - Roof open 2026-01-31
	// - Walls open 2026-01-30
	// House 55.5
}

// Generic code, such as views and JSON-RPC, knows models and fields by their
// names only. Both ways lead through the same rights, rules and constraints.
func ExampleRecords() {
	try(func(env *orm.Env) error {
		made, err := env.Model("example.project").Create(orm.Values{"name": "Garden"}, orm.Values{"name": "Fence"})
		if err != nil {
			return err
		}
		rows, err := made.Read("name", "hours")
		if err != nil {
			return err
		}
		fmt.Println(made.Len(), rows[0]["name"], rows[0]["hours"])
		if err := made.Write(orm.Values{"name": "Park"}); err != nil {
			return err
		}
		n, err := env.Model("example.project").SearchCount(orm.Leaf("name", "ilike", "par"), 0)
		fmt.Println(n, err)
		return made.Unlink()
	})
	// Output:
	// 2 Garden 0
	// 2 <nil>
}

// Domains are conditions in Odoo's notation. A path with dots leads through
// relations.
func ExampleDomain() {
	try(func(env *orm.Env) error {
		if _, err := house(env); err != nil {
			return err
		}
		for _, d := range []orm.Domain{
			orm.And(orm.Leaf("project_id.name", "=", "House"), orm.Leaf("hours", ">", 12)),
			orm.Or(orm.Leaf("name", "=like", "D%"), orm.Leaf("name", "in", []string{"Roof", "Cellar"})),
			orm.Not(orm.Leaf("day", ">=", "2026-01-31")),
			{"|", []any{"hours", "=", 0}, []any{"hours", "=", 40}}, // as a client sends it
		} {
			found, err := orm.Search[task](env, d, orm.SearchOptions{Order: "name"})
			if err != nil {
				return err
			}
			var names []string
			for _, t := range found {
				names = append(names, t.Name)
			}
			fmt.Println(names)
		}
		wrong := fmt.Sprint("project_id.", "nmae")
		_, err := env.Model("example.task").Search(orm.Leaf(wrong, "=", "House"), orm.SearchOptions{})
		fmt.Println(orm.CodeOf(err), err)
		return nil
	})
	// Output:
	// [Roof Walls]
	// [Door Roof]
	// [Walls]
	// [Door Walls]
	// ValueError Invalid field example.project.nmae in condition ('nmae', '=', 'House')
}

// Commands change what a relation holds, when its record is created or written.
func ExampleCommand() {
	try(func(env *orm.Env) error {
		p, err := house(env)
		if err != nil {
			return err
		}
		tags, err := env.Model("example.tag").Create(orm.Values{"name": "outside"}, orm.Values{"name": "heavy"})
		if err != nil {
			return err
		}
		if err := orm.Load(env, []*project{p}, "task_ids"); err != nil {
			return err
		}
		walls, door := p.TaskIDs.All()[0], p.TaskIDs.All()[2]
		err = orm.RecordsOf(env, p).Write(orm.Values{"task_ids": []orm.Command{
			orm.UpdateLine(walls.ID, orm.Values{"tag_ids": []orm.Command{orm.SetIDs(tags.IDs...)}}),
			orm.DeleteLine(door.ID),
			orm.CreateLine(orm.Values{"name": "Gate", "tag_ids": []orm.Command{orm.Link(tags.ID())}}),
		}})
		if err != nil {
			return err
		}
		// A getter never queries: what is to be loaded is named, in one statement a step.
		if err := orm.Load(env, []*project{p}, "task_ids.tag_ids"); err != nil {
			return err
		}
		for _, t := range p.TaskIDs.All() {
			fmt.Print(t.Name)
			for _, tag := range t.TagIDs.All() {
				fmt.Print(" #", tag.Name)
			}
			fmt.Println()
		}
		return nil
	})
	// Output:
	// Walls #heavy #outside
	// Roof
	// Gate #outside
}

func ExampleRecords_ReadGroup() {
	try(func(env *orm.Env) error {
		if _, err := house(env); err != nil {
			return err
		}
		groups, err := env.Model("example.task").ReadGroup(nil, []string{"day:month"}, []string{"hours:sum"}, orm.GroupOptions{})
		if err != nil {
			return err
		}
		for _, g := range groups {
			fmt.Println(g.Keys[0], g.Count, "tasks,", g.Values["hours:sum"], "hours")
		}
		return nil
	})
	// Output:
	// [2026-01-01 2026-02-01] 2 tasks, 52.5 hours
	// [2026-02-01 2026-03-01] 1 tasks, 0 hours
}

// Another addon wraps a method; super is what the addons before it made of it.
func ExampleOverride() {
	try(func(env *orm.Env) error {
		p, err := house(env)
		if err != nil {
			return err
		}
		if err := orm.Load(env, []*project{p}, "task_ids"); err != nil {
			return err
		}
		for _, t := range p.TaskIDs.All()[1:] {
			_, err := orm.Invoke(env, finish, []*task{t})
			fmt.Printf("%s: %v\n", t.Name, err)
		}
		done, err := env.Model("example.task").SearchCount(orm.Leaf("state", "=", "done"), 0)
		fmt.Println(done, "done")
		return err
	}, reviews())
	// Output:
	// Roof: <nil>
	// Door: How long did Door take?
	// 1 done
}

// Constraints hold whoever writes. A savepoint undoes a part that failed.
func ExampleEnv_Savepoint() {
	try(func(env *orm.Env) error {
		p, err := house(env)
		if err != nil {
			return err
		}
		err = env.Savepoint(func(env *orm.Env) error {
			return orm.RecordsOf(env, p).Write(orm.Values{"name": "Ruin", "task_ids": []orm.Command{orm.CreateLine(orm.Values{"name": "Cellar", "hours": -1})}})
		})
		// Error tells the cause, too; Message is what users see.
		if e, ok := errors.AsType[*orm.Error](err); ok {
			fmt.Println(e.Code, e.Message)
		}
		if err := orm.Reload(env, []*project{p}); err != nil {
			return err
		}
		fmt.Println(p.Name, p.Hours)
		return nil
	})
	// Output:
	// ValidationError Nobody works less than no time.
	// House 52.5
}

// A unit of work is a transaction: all of it is stored, or nothing. It may be
// run again when PostgreSQL asks for it, so other effects wait for the commit.
func ExampleDB_Run() {
	err := ormtest.RunDB(func(db *orm.DB) error {
		work := func(fails bool) error {
			return db.Run(context.Background(), orm.System(), func(env *orm.Env) error {
				env.AfterCommit(func() { fmt.Println("stored") })
				if _, err := house(env); err != nil {
					return err
				}
				if fails {
					return orm.UserErrorf("Out of bricks.")
				}
				return nil
			})
		}
		fmt.Println(work(true))
		fmt.Println(work(false))
		return db.View(context.Background(), orm.System(), func(env *orm.Env) error {
			n, err := env.Model("example.project").SearchCount(nil, 0)
			fmt.Println(n, "project")
			return err
		})
	}, kernel.Addon(), projects())
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// Out of bricks.
	// stored
	// <nil>
	// 1 project
}
