package address

import "testing"

func TestPlacesAreLinks(t *testing.T) {
	t.Parallel()
	pl := Parse("action/5?s=name:a%26b&menu=3", nil)
	one := pl.Below("action/5/7", nil)
	two := one.Below("model/t.harbour/1", nil)
	if got := two.URL(); got != "/web/model/t.harbour/1?menu=3&up=action/5?menu%3D3%26s%3Dname:a%2526b&up=action/5/7?menu%3D3" {
		t.Error(got)
	}
	up, ok := two.Parent()
	if !ok || up.URL() != one.URL() {
		t.Errorf("above %s is %s, want %s", two.URL(), up.URL(), one.URL())
	}
	for range 20 {
		two = two.Below("model/t.harbour/1", nil)
	}
	if len(two.Up) != maxUp {
		t.Errorf("%d pages above", len(two.Up))
	}
	for _, bad := range []string{"//evil", "https://evil", "/web/logout", "action/../../x", "login"} {
		if validParent(bad) {
			t.Errorf("%q may stand above a page", bad)
		}
	}
}
