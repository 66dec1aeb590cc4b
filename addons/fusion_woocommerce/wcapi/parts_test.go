package wcapi

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// breaking is a store that breaks down over some of its objects, unless it is
// asked for their ids alone.
func breaking(calls *int, total int, ids bool, over ...int) transport {
	return func(r *http.Request) (*http.Response, error) {
		*calls++
		q := r.URL.Query()
		size, _ := strconv.Atoi(q.Get("per_page"))
		page, _ := strconv.Atoi(q.Get("page"))
		from, err := strconv.Atoi(q.Get("offset"))
		if err != nil {
			from = (page - 1) * size
		}
		var rows []string
		for id := from + 1; id <= min(from+size, total); id++ {
			if slices.Contains(over, id) && (!ids || q.Get("_fields") != "id") {
				return jsonAnswer(500, `{"code":"internal_server_error","message":"There has been a critical error.","data":{"status":500}}`)(r)
			}
			rows = append(rows, fmt.Sprintf(`{"id":%d,"name":"P"}`, id))
		}
		return jsonAnswer(200, "["+strings.Join(rows, ",")+"]", "X-WP-Total", strconv.Itoa(total), "X-WP-TotalPages", strconv.Itoa((total+size-1)/size))(r)
	}
}

// A store that breaks down over one object loses none of the others.
func TestObjectsThatBreakTheStore(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		total int
		ids   bool
		over  []int
		want  []int64 // ids of problems
		most  int     // calls
	}{
		"none":                  {250, true, nil, nil, 3},
		"one":                   {250, true, []int{137}, []int64{137}, 3 + 2 + 2*7 + 1},
		"one, its id, too":      {250, false, []int{137}, []int64{0}, 3 + 2 + 2*7 + 1},
		"the first":             {250, true, []int{1}, []int64{1}, 3 + 2 + 2*7 + 1},
		"the last of all":       {250, true, []int{250}, []int64{250}, 3 + 2 + 2*7 + 1},
		"two in one page":       {100, true, []int{20, 30}, []int64{20, 30}, 1 + 2 + 2*14 + 2},
		"two in different ones": {250, true, []int{20, 230}, []int64{20, 230}, 3 + 4 + 2*14 + 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			c, _ := testClient(t, breaking(&calls, tc.total, tc.ids, tc.over...))
			seen := map[ID]bool{}
			var problems []int64
			for p, err := range c.Products(t.Context(), nil) {
				if err == nil {
					seen[p.ID] = true
					continue
				}
				problem := ProblemOf(err)
				if problem == nil || !errors.Is(err, ErrDecode) || ObjectOf(err) != problem.ID {
					t.Fatal(err)
				}
				if i := tc.over[len(problems)]; problem.Index != (i-1)%100 || !strings.Contains(err.Error(), "breaks down") {
					t.Errorf("%+v, %v", problem, err)
				}
				problems = append(problems, problem.ID)
			}
			if len(seen) != tc.total-len(tc.over) || !slices.Equal(problems, tc.want) || calls > tc.most {
				t.Errorf("%d objects, %v, %d calls", len(seen), problems, calls)
			}
		})
	}
	// A store that is down is asked little more for it.
	calls := 0
	c, _ := testClient(t, func(r *http.Request) (*http.Response, error) {
		calls++
		return jsonAnswer(500, `{"code":"internal_server_error","message":"No.","data":{"status":500}}`)(r)
	})
	n := 0
	for _, err := range c.Products(t.Context(), nil) {
		if n++; !errors.Is(err, ErrServer) || ProblemOf(err) != nil {
			t.Error(err)
		}
	}
	if n != 1 || calls != 5 {
		t.Errorf("%d errors, %d calls", n, calls)
	}
}
