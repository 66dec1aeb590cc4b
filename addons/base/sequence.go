package base

import (
	"fmt"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
)

// Sequence numbers documents. A standard sequence takes its numbers from a
// PostgreSQL sequence: fast, with a gap where a transaction fails. A no-gap one
// locks its row until the transaction ends, so that numbers have no holes.
type Sequence struct {
	orm.Record     `orm:"ir.sequence" label:"Sequence" order:"name, id" search:"name,code"`
	Name           string                      `orm:"name,required" label:"Name"`
	Code           string                      `orm:"code,index" label:"Sequence Code"`
	Implementation string                      `orm:"implementation,required,default=standard" selection:"standard:Standard,no_gap:No gap" label:"Implementation"`
	Active         bool                        `orm:"active,default=true" label:"Active"`
	Prefix         string                      `orm:"prefix" label:"Prefix" help:"Prefix value of the record for the sequence"`
	Suffix         string                      `orm:"suffix" label:"Suffix" help:"Suffix value of the record for the sequence"`
	NumberNext     int64                       `orm:"number_next,required,default=1" label:"Next Number"`
	NumberActual   orm.Deferred[int64]         `orm:"number_next_actual" label:"Actual Next Number"`
	Increment      int64                       `orm:"number_increment,required,default=1" label:"Step"`
	Padding        int                         `orm:"padding,required,default=0" label:"Sequence Size"`
	CompanyID      orm.Ref[Company]            `orm:"company_id,default=company" label:"Company"`
	UseDateRange   bool                        `orm:"use_date_range" label:"Use subsequences per date_range"`
	DateRangeIDs   orm.Many[SequenceDateRange] `orm:"date_range_ids,inverse=sequence_id" label:"Subsequences"`
}

// SequenceDateRange counts the numbers of a sequence within a span of days.
type SequenceDateRange struct {
	orm.Record   `orm:"ir.sequence.date_range" label:"Sequence Date Range" order:"id" rec:"sequence_id"`
	DateFrom     orm.Date            `orm:"date_from,required" label:"From"`
	DateTo       orm.Date            `orm:"date_to,required" label:"To"`
	SequenceID   orm.Ref[Sequence]   `orm:"sequence_id,required,index,ondelete=cascade" label:"Main Sequence"`
	NumberNext   int64               `orm:"number_next,required,default=1" label:"Next Number"`
	NumberActual orm.Deferred[int64] `orm:"number_next_actual" label:"Actual Next Number"`
}

// Methods of sequences that clients and data files call.
var (
	SequenceNextByCode = orm.ModelMethod[Sequence]{Name: "next_by_code"}
	SequenceNextByID   = orm.Method[Sequence]{Name: "next_by_id"}
)

func defineSequence(r *orm.Registry) {
	s := orm.Define[Sequence](r)
	s.Check("step_not_zero", "number_increment <> 0", "Step must not be zero.")
	s.Compute("number_next_actual", func(env *orm.Env, ss []*Sequence) error {
		for i, id := range orm.StoredIDs(env, ss) {
			s := ss[i]
			s.NumberActual.Set(s.NumberNext)
			if s.Implementation == SequenceStandard && id != 0 {
				n, err := peek(env, pgSequence(id, 0), s.NumberNext, s.Increment)
				if err != nil {
					return err
				}
				s.NumberActual.Set(n)
			}
		}
		return nil
	}, "number_next", "implementation", "number_increment")
	s.Inverse("number_next_actual", func(env *orm.Env, ss []*Sequence) error {
		for _, s := range ss {
			s.NumberNext = s.NumberActual.Get()
		}
		return orm.Save(env, ss, "number_next")
	})
	s.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			for _, vals := range list {
				if err := checkStep(vals); err != nil {
					return rs, err
				}
			}
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			return made, prepareSequences(made)
		}
	})
	s.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := checkStep(vals); err != nil {
				return err
			}
			before, err := orm.Read[Sequence](rs.Env.Sudo(), rs.IDs, "implementation", "date_range_ids")
			if err != nil {
				return err
			}
			if err := super(rs, vals); err != nil {
				return err
			}
			_, next := vals["number_next"]
			_, actual := vals["number_next_actual"]
			for _, s := range before {
				gaps := s.Implementation == SequenceStandard // and has its PostgreSQL sequences
				if next || actual || !gaps {
					if err := prepareSequences(rs.Browse(s.ID)); err != nil {
						return err
					}
				}
				if !gaps {
					if err := prepareRanges(rs.Env.Model("ir.sequence.date_range").Browse(s.DateRangeIDs.IDs()...)); err != nil {
						return err
					}
				}
			}
			if vals.Has("number_increment") {
				return changeStep(rs)
			}
			return nil
		}
	})
	s.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			ss, err := orm.Read[Sequence](rs.Env, rs.IDs, "date_range_ids")
			if err != nil {
				return err
			}
			if err := super(rs); err != nil {
				return err
			}
			for _, s := range ss {
				names := []string{pgSequence(s.ID, 0)}
				for _, id := range s.DateRangeIDs.IDs() {
					names = append(names, pgSequence(s.ID, id))
				}
				for _, name := range names {
					// SQL: a sequence of PostgreSQL, as in all that follows.
					if _, err := rs.Env.Exec(orm.SQL("DROP SEQUENCE IF EXISTS ?", orm.Ident(name)).NoModels()); err != nil {
						return err
					}
				}
			}
			return nil
		}
	})
	orm.ImplementModel(s, SequenceNextByCode, func(env *orm.Env, args orm.Args) (any, error) {
		if err := args.Check("next_by_code", 1, "sequence_code", "sequence_date"); err != nil {
			return nil, err
		}
		if err := env.Model("ir.sequence").CheckAccess(orm.OpRead); err != nil {
			return nil, err
		}
		day, err := sequenceDate(args.Get(1, "sequence_date"))
		if err != nil {
			return nil, err
		}
		if err := env.Model("ir.sequence").CheckAccess(orm.OpRead); err != nil {
			return nil, err
		}
		n, err := nextByCode(env, args.String(0, "sequence_code"), day)
		if err != nil || n == "" {
			return false, err
		}
		return n, nil
	})
	orm.Implement(s, SequenceNextByID, func(env *orm.Env, ss []*Sequence, args orm.Args) (any, error) {
		if err := args.Check("next_by_id", 0, "sequence_date"); err != nil {
			return nil, err
		}
		day, err := sequenceDate(args.Get(0, "sequence_date"))
		if err != nil {
			return nil, err
		}
		if len(ss) != 1 {
			return nil, orm.ValueErrorf("next_by_id takes one sequence, not %d.", len(ss))
		}
		return draw(env, ss[0], day)
	})

	d := orm.Define[SequenceDateRange](r)
	d.Unique("unique_range_per_sequence", "sequence_id, date_from, date_to", "You cannot create two date ranges for the same sequence with the same date range.")
	d.Compute("number_next_actual", func(env *orm.Env, ds []*SequenceDateRange) error {
		for i, id := range orm.StoredIDs(env, ds) {
			d := ds[i]
			s := d.SequenceID.Rec()
			d.NumberActual.Set(d.NumberNext)
			if s != nil && s.Implementation == SequenceStandard && id != 0 {
				n, err := peek(env, pgSequence(orm.StoredIDs(env, []*Sequence{s})[0], id), d.NumberNext, s.Increment)
				if err != nil {
					return err
				}
				d.NumberActual.Set(n)
			}
		}
		return nil
	}, "number_next", "sequence_id.implementation", "sequence_id.number_increment")
	d.Inverse("number_next_actual", func(env *orm.Env, ds []*SequenceDateRange) error {
		for _, d := range ds {
			d.NumberNext = d.NumberActual.Get()
		}
		return orm.Save(env, ds, "number_next")
	})
	d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			return made, prepareRanges(made)
		}
	})
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := super(rs, vals); err != nil {
				return err
			}
			if vals["number_next"] != nil || vals["number_next_actual"] != nil {
				return prepareRanges(rs)
			}
			return nil
		}
	})
}

// pgSequence names the PostgreSQL sequence behind a standard sequence or one of
// its date ranges.
func pgSequence(sequence, dateRange int64) string {
	if dateRange == 0 {
		return fmt.Sprintf("ir_sequence_%03d", sequence)
	}
	return fmt.Sprintf("ir_sequence_%03d_%03d", sequence, dateRange)
}

// checkStep refuses values that would give out one number for ever.
func checkStep(vals orm.Values) error {
	if vals.Has("number_increment") && vals.Int("number_increment") == 0 {
		return orm.UserErrorf("Step must not be zero.")
	}
	return nil
}

// changeStep makes the PostgreSQL sequences of standard sequences count in other
// steps, on from the last number they gave out.
func changeStep(rs orm.Records) error {
	ss, err := orm.Read[Sequence](rs.Env.Sudo(), rs.IDs, "implementation", "number_next", "number_increment", "date_range_ids")
	if err != nil {
		return err
	}
	for _, s := range ss {
		if s.Implementation != SequenceStandard {
			continue
		}
		for _, id := range append([]int64{0}, s.DateRangeIDs.IDs()...) {
			next, err := peek(rs.Env, pgSequence(s.ID, id), s.NumberNext, s.Increment)
			if err != nil {
				return err
			}
			if err := restart(rs.Env, pgSequence(s.ID, id), s.Increment, next); err != nil {
				return err
			}
		}
	}
	return nil
}

func prepareSequences(rs orm.Records) error {
	ss, err := orm.Read[Sequence](rs.Env.Sudo(), rs.IDs)
	if err != nil {
		return err
	}
	for _, s := range ss {
		if s.Implementation == SequenceStandard {
			if err := restart(rs.Env, pgSequence(s.ID, 0), s.Increment, s.NumberNext); err != nil {
				return err
			}
		}
	}
	return nil
}

func prepareRanges(rs orm.Records) error {
	ds, err := orm.Read[SequenceDateRange](rs.Env.Sudo(), rs.IDs, "sequence_id")
	if err != nil {
		return err
	}
	for _, d := range ds {
		if s := d.SequenceID.Rec(); s.Implementation == SequenceStandard {
			if err := restart(rs.Env, pgSequence(s.ID, d.ID), s.Increment, d.NumberNext); err != nil {
				return err
			}
		}
	}
	return nil
}

// restart creates or resets a PostgreSQL sequence; next is the number it gives
// out next.
func restart(env *orm.Env, name string, step, next int64) error {
	// SQL: a sequence of PostgreSQL.
	if _, err := env.Exec(orm.SQL("CREATE SEQUENCE IF NOT EXISTS ?", orm.Ident(name)).NoModels()); err != nil {
		return err
	}
	// Numbers may be given out backwards, and start anywhere.
	low, high := "MINVALUE 1", "NO MAXVALUE"
	if step < 0 || next < 1 {
		low, high = "MINVALUE -9223372036854775807", "MAXVALUE 9223372036854775807"
	}
	// SQL: as above.
	_, err := env.Exec(orm.SQL(fmt.Sprintf("ALTER SEQUENCE ? INCREMENT BY %d %s %s START WITH %d RESTART WITH %d", step, low, high, next, next), orm.Ident(name)).NoModels())
	return err
}

// peek is the number a PostgreSQL sequence would give next, otherwise when it
// does not exist.
func peek(env *orm.Env, name string, otherwise, step int64) (int64, error) {
	// SQL: a sequence of PostgreSQL.
	there, err := orm.Row[bool](env, orm.SQL("SELECT EXISTS (SELECT FROM pg_class WHERE relkind = 'S' AND relname = ?)", name).NoModels())
	if err != nil || !there {
		return otherwise, err
	}
	return orm.Row[int64](env, orm.SQL("SELECT last_value + CASE WHEN is_called THEN ?::bigint ELSE 0 END FROM ?", step, orm.Ident(name)).NoModels())
}

// NextByCode draws the next number of the sequence with a code: that of the
// current company before one without company. It is "" when there is none.
func NextByCode(env *orm.Env, code string) (string, error) {
	return nextByCode(env, code, orm.Date{})
}

// sequenceDate reads the day that a client gives, nothing for none.
func sequenceDate(v any) (orm.Date, error) {
	text, _ := v.(string)
	if text == "" {
		return orm.Date{}, nil
	}
	day, err := orm.ParseDate(text)
	if err != nil {
		return day, orm.UserErrorf("The sequence date %q is not a date.", text)
	}
	return day, nil
}

func nextByCode(env *orm.Env, code string, day orm.Date) (string, error) {
	ss, err := orm.Search[Sequence](env.Sudo(), orm.And(orm.Leaf("code", "=", code), orm.Leaf("company_id", "in", []any{env.Company(), false})), orm.SearchOptions{Order: "company_id"})
	if err != nil {
		return "", err
	}
	if len(ss) == 0 {
		env.Log().Debug("no sequence has this code", "code", code, "company", env.Company())
		return "", nil
	}
	for _, s := range ss {
		if s.CompanyID.IsSet() {
			return draw(env, s, day)
		}
	}
	return draw(env, ss[0], day)
}

// NextByID draws the next number of a sequence.
func NextByID(env *orm.Env, id int64) (string, error) {
	s, err := orm.Get[Sequence](env, id)
	if err != nil {
		return "", err
	}
	return draw(env, s, orm.Date{})
}

// NextByCodeAt is NextByCode for a document of a certain day, which decides the
// date range and the date parts of prefix and suffix.
func NextByCodeAt(env *orm.Env, code string, day orm.Date) (string, error) {
	return NextByCode(env.WithContext(map[string]any{"ir_sequence_date": day.String()}), code)
}

// draw takes the next number, of the date range that holds the given day; the
// day of the context is that of the document.
func draw(env *orm.Env, s *Sequence, given orm.Date) (string, error) {
	day, err := sequenceDate(env.Key("ir_sequence_date"))
	if err != nil {
		return "", err
	}
	if day.IsZero() {
		day = env.Today()
	}
	if given.IsZero() {
		given = day
	}
	if !s.UseDateRange {
		n, err := number(env, "ir.sequence", s.ID, pgSequence(s.ID, 0), s)
		if err != nil {
			return "", err
		}
		return format(env, s, n, day, orm.Date{})
	}
	d, err := orm.First[SequenceDateRange](env.Sudo(), orm.And(orm.Leaf("sequence_id", "=", s.ID), orm.Leaf("date_from", "<=", given), orm.Leaf("date_to", ">=", given)), "")
	if err != nil {
		return "", err
	}
	if d == nil {
		if d, err = newRange(env, s, given); err != nil {
			return "", err
		}
	}
	n, err := number(env, "ir.sequence.date_range", d.ID, pgSequence(s.ID, d.ID), s)
	if err != nil {
		return "", err
	}
	return format(env, s, n, day, d.DateFrom)
}

// newRange makes the range of the year of a day, cut off at its neighbours.
func newRange(env *orm.Env, s *Sequence, day orm.Date) (*SequenceDateRange, error) {
	year := day.Time().Year()
	from, to := orm.NewDate(year, time.January, 1), orm.NewDate(year, time.December, 31)
	after, err := orm.First[SequenceDateRange](env.Sudo(), orm.And(orm.Leaf("sequence_id", "=", s.ID), orm.Leaf("date_from", ">=", day), orm.Leaf("date_from", "<=", to)), "date_from")
	if err != nil {
		return nil, err
	}
	if after != nil {
		to = after.DateFrom.AddDays(-1)
	}
	before, err := orm.First[SequenceDateRange](env.Sudo(), orm.And(orm.Leaf("sequence_id", "=", s.ID), orm.Leaf("date_to", ">=", from), orm.Leaf("date_to", "<=", day)), "date_to desc")
	if err != nil {
		return nil, err
	}
	if before != nil {
		from = before.DateTo.AddDays(1)
	}
	d := &SequenceDateRange{DateFrom: from, DateTo: to, SequenceID: orm.RefTo[Sequence](s.ID), NumberNext: 1}
	return d, orm.Create(env.Sudo(), d)
}

// number draws from the PostgreSQL sequence, or counts in the row, which stays
// locked until the transaction ends.
func number(env *orm.Env, model string, id int64, name string, s *Sequence) (int64, error) {
	// SQL: a sequence of PostgreSQL, or a count that locks its row.
	if s.Implementation == SequenceStandard {
		return orm.Row[int64](env, orm.SQL("SELECT nextval(?::regclass)", name).NoModels())
	}
	return orm.Row[int64](env, orm.SQL("UPDATE ? SET number_next = number_next + ? WHERE id = ? RETURNING number_next - ?", orm.Ident(env.Model(model).Model.Table), s.Increment, id, s.Increment).
		Writes(model, "number_next"))
}

func format(env *orm.Env, s *Sequence, n int64, day, rangeStart orm.Date) (string, error) {
	prefix, err := interpolate(env, s, s.Prefix, day, rangeStart)
	if err != nil {
		return "", err
	}
	suffix, err := interpolate(env, s, s.Suffix, day, rangeStart)
	if err != nil {
		return "", err
	}
	return prefix + fmt.Sprintf("%0*d", s.Padding, n) + suffix, nil
}

// interpolate replaces %(year)s, %(month)s, … in a prefix or suffix: bare names
// for the document's day, range_ names for the start of its date range,
// current_ names for now.
func interpolate(env *orm.Env, s *Sequence, text string, day, rangeStart orm.Date) (string, error) {
	if !strings.Contains(text, "%") {
		return text, nil
	}
	now := env.Now().In(env.Location())
	at := func(d time.Time) time.Time {
		return time.Date(d.Year(), d.Month(), d.Day(), now.Hour(), now.Minute(), now.Second(), 0, now.Location())
	}
	moments := map[string]time.Time{"": at(day.Time()), "range_": at(day.Time()), "current_": now}
	if !rangeStart.IsZero() {
		moments["range_"] = at(rangeStart.Time())
	}
	var out strings.Builder
	for rest := text; rest != ""; {
		i := strings.IndexByte(rest, '%')
		if i < 0 {
			out.WriteString(rest)
			break
		}
		out.WriteString(rest[:i])
		rest = rest[i:]
		if strings.HasPrefix(rest, "%%") {
			out.WriteByte('%')
			rest = rest[2:]
			continue
		}
		end := strings.Index(rest, ")s")
		if !strings.HasPrefix(rest, "%(") || end < 0 {
			return "", affixError(s)
		}
		name := rest[2:end]
		rest = rest[end+2:]
		done := false
		for _, kind := range []string{"range_", "current_", ""} {
			part, ok := strings.CutPrefix(name, kind)
			if !ok {
				continue
			}
			if v, known := datePart(moments[kind], part); known {
				out.WriteString(v)
				done = true
				break
			}
		}
		if !done {
			return "", affixError(s)
		}
	}
	return out.String(), nil
}

func affixError(s *Sequence) error {
	return orm.UserErrorf("Invalid prefix or suffix for sequence “%s”", s.Name)
}

func datePart(t time.Time, name string) (string, bool) {
	year, week := t.ISOWeek()
	switch name {
	case "year":
		return t.Format("2006"), true
	case "month":
		return t.Format("01"), true
	case "day":
		return t.Format("02"), true
	case "y":
		return t.Format("06"), true
	case "doy":
		return t.Format("002"), true
	case "woy":
		// The week of the year counted from its first Monday.
		return fmt.Sprintf("%02d", (t.YearDay()+6-(int(t.Weekday())+6)%7)/7), true
	case "weekday":
		return fmt.Sprint(int(t.Weekday())), true
	case "h24":
		return t.Format("15"), true
	case "h12":
		return t.Format("03"), true
	case "min":
		return t.Format("04"), true
	case "sec":
		return t.Format("05"), true
	case "isoyear":
		return fmt.Sprintf("%04d", year), true
	case "isoy":
		return fmt.Sprintf("%02d", year%100), true
	case "isoweek":
		return fmt.Sprintf("%02d", week), true
	}
	return "", false
}
