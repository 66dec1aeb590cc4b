package rpc

import (
	"fmt"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/orm"
)

// monthNames are the names of months, in full and short, and the letter of a
// quarter, by language. Languages that are missing here have English names.
var monthNames = map[string][3]string{
	"de": {"Januar Februar März April Mai Juni Juli August September Oktober November Dezember", "Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.", "Q"},
	"es": {"enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre", "ene feb mar abr may jun jul ago sept oct nov dic", "T"},
	"fr": {"janvier février mars avril mai juin juillet août septembre octobre novembre décembre", "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.", "T"},
	"it": {"gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre", "gen feb mar apr mag giu lug ago set ott nov dic", "T"},
	"nl": {"januari februari maart april mei juni juli augustus september oktober november december", "jan feb mrt apr mei jun jul aug sep okt nov dec", "K"},
	"pt": {"janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro", "jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.", "T"},
}

// periodLabel names the period of a group that begins at start.
func periodLabel(env *orm.Env, start, gran string, kind orm.Kind) (string, error) {
	d, err := orm.ParseDatetime(start)
	if err != nil {
		return start, nil
	}
	t := d.Time()
	if kind == orm.DatetimeKind {
		t = t.In(env.ContextLocation())
	}
	full, short, quarter := t.Format("January"), t.Format("Jan"), "Q"
	lang, _, _ := strings.Cut(env.Lang(), "_")
	if names, ok := monthNames[lang]; ok {
		full, short, quarter = strings.Fields(names[0])[t.Month()-1], strings.Fields(names[1])[t.Month()-1], names[2]
	}
	switch gran {
	case "hour":
		return fmt.Sprintf("%s:00 %s %s", t.Format("03"), t.Format("02"), short), nil
	case "day":
		return fmt.Sprintf("%s %s %s", t.Format("02"), short, t.Format("2006")), nil
	case "week":
		return weekLabel(env, t)
	case "quarter":
		return fmt.Sprintf("%s%d %s", quarter, (int(t.Month())-1)/3+1, t.Format("2006")), nil
	case "year":
		return t.Format("2006"), nil
	}
	return full + " " + t.Format("2006"), nil
}

// weekLabel numbers a week: as ISO 8601 where weeks begin on Monday; elsewhere
// the week with the first of January is the first.
func weekLabel(env *orm.Env, t time.Time) (string, error) {
	first, err := env.WeekStart()
	if err != nil {
		return "", err
	}
	t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC) // whole days
	year, week := t.ISOWeek()
	if first != 1 {
		firstOf := func(year int) time.Time {
			d := time.Date(year, time.January, 1, 0, 0, 0, 0, time.UTC)
			return d.AddDate(0, 0, -((int(d.Weekday()) - first%7 + 7) % 7))
		}
		year = t.Year()
		if !t.Before(firstOf(year + 1)) {
			year++
		}
		week = int(t.Sub(firstOf(year)).Hours()/24)/7 + 1
	}
	return fmt.Sprintf("W%d %04d", week, year), nil
}
