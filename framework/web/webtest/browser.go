package webtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Look says how a Browser looks at pages.
type Look struct {
	Width, Height int64 // in CSS pixels; zero: 1280 by 900
	NoScript      bool
	Dark          bool
}

// Browser is a real browser with one tab and a profile of its own.
type Browser struct {
	t    testing.TB
	ctx  context.Context
	base string
	look Look
}

// NewBrowser starts Chromium. The test fails where it is missing: .ci/setup
// installs it.
func NewBrowser(t testing.TB, base string, look Look) *Browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Fatal("no Chromium on the path: run .ci/setup, or install the package chromium")
	}
	if look.Width == 0 {
		look.Width, look.Height = 1280, 900
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("no-first-run", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		// A page taken from that cache fires no event one could wait for.
		chromedp.Flag("disable-features", "BackForwardCache,Translate"))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(cancel)
	ctx, cancelTab := chromedp.NewContext(ctx)
	t.Cleanup(cancelTab)
	ctx, cancelTime := context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancelTime)
	b := &Browser{t: t, ctx: ctx, base: base, look: look}
	b.do(chromedp.EmulateViewport(look.Width, look.Height))
	scheme := "light"
	if look.Dark {
		scheme = "dark"
	}
	_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	b.must(err)
	if look.NoScript {
		_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		b.must(err)
	}
	return b
}

func (b *Browser) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("browser: %v", err)
	}
}

func (b *Browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	b.must(chromedp.Do(b.ctx, steps...))
}

// Open goes to a path and waits until it is loaded.
func (b *Browser) Open(path string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base + path))
}

// Login logs in by the login page.
func (b *Browser) Login(login, password string) {
	b.t.Helper()
	b.Open("/web/login")
	b.Type("#login", login)
	b.Type("#password", password)
	b.Go("button.primary")
}

// Go clicks what leads to another page, and waits for it.
func (b *Browser) Go(selector string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 45*time.Second)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible)); err != nil {
		b.Shot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		b.t.Fatalf("browser: clicking %s at %s: %v", selector, b.Location(), err)
	}
}

// Follow clicks the link or button of a text, and waits for the page it leads to.
func (b *Browser) Follow(text string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 20*time.Second)
	defer cancel()
	xpath := fmt.Sprintf(`(//a | //button)[normalize-space(.)=%[1]q or .//*[normalize-space(.)=%[1]q]]`, text)
	if _, err := chromedp.RunResponse(ctx, chromedp.Click(xpath, chromedp.NodeVisible)); err != nil {
		b.Shot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		b.t.Fatalf("browser: following %q at %s: %v", text, b.Location(), err)
	}
}

// Click clicks what changes the page in place.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	b.step("clicking", selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// Type replaces the text of an input, as keys would.
func (b *Browser) Type(selector, text string) {
	b.t.Helper()
	if b.Value(selector) != "" { // an empty textarea cannot be cleared
		b.step("clearing", selector, chromedp.Clear(chromedp.CSS(selector)))
	}
	b.step("typing into", selector, chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Keys sends keys to an element, as they are.
func (b *Browser) Keys(selector, keys string) {
	b.t.Helper()
	b.step("typing into", selector, chromedp.SendKeys(chromedp.CSS(selector), keys))
}

// Choose sets the value of a select.
func (b *Browser) Choose(selector, value string) {
	b.t.Helper()
	b.step("choosing in", selector, chromedp.SetValue(chromedp.CSS(selector), value))
}

// Wait waits for an element to be seen.
func (b *Browser) Wait(selector string) {
	b.t.Helper()
	b.step("waiting for", selector, chromedp.WaitVisible(chromedp.CSS(selector)))
}

// Gone waits for an element not to be there.
func (b *Browser) Gone(selector string) {
	b.t.Helper()
	b.step("waiting for the end of", selector, chromedp.WaitNotPresent(chromedp.CSS(selector)))
}

func (b *Browser) step(what, selector string, a chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 45*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, a); err != nil {
		b.Shot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		b.t.Fatalf("browser: %s %s at %s: %v", what, selector, b.Location(), err)
	}
}

// Text is the visible text of an element.
func (b *Browser) Text(selector string) string {
	b.t.Helper()
	return strings.Join(strings.Fields(b.read(selector, chromedp.Text(chromedp.CSS(selector)))), " ")
}

// Value is the value of an input.
func (b *Browser) Value(selector string) string {
	b.t.Helper()
	return b.read(selector, chromedp.Value(chromedp.CSS(selector)))
}

// read asks again when the element is replaced while it is asked about.
func (b *Browser) read(selector string, a chromedp.Action[string]) string {
	b.t.Helper()
	for try := 1; ; try++ {
		ctx, cancel := context.WithTimeout(b.ctx, 45*time.Second)
		s, err := chromedp.Run(ctx, a)
		cancel()
		if err == nil {
			return s
		}
		if try == 5 || ctx.Err() != nil {
			b.Shot("failed-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
			b.t.Fatalf("browser: reading %s at %s: %v", selector, b.Location(), err)
		}
		time.Sleep(time.Duration(try) * 50 * time.Millisecond)
	}
}

// Settle waits until the form has heard from the server what follows from what
// was typed.
func (b *Browser) Settle() {
	b.t.Helper()
	b.Gone("fusion-form[busy]")
}

// Count is the number of elements a selector finds.
func (b *Browser) Count(selector string) int {
	b.t.Helper()
	nodes, err := chromedp.Run(b.ctx, chromedp.Nodes(chromedp.CSSAll(selector), chromedp.AtLeast(0)))
	b.must(err)
	return len(nodes)
}

// Back goes back in the history.
func (b *Browser) Back() {
	b.t.Helper()
	b.step("going back from", b.Location(), chromedp.NavigateBack())
}

// Location is the address shown.
func (b *Browser) Location() string {
	s, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return s
}

// FitsWidth fails the test when the page is wider than the window, so that
// people would have to scroll sideways.
func (b *Browser) FitsWidth() {
	b.t.Helper()
	m, err := chromedp.Call(b.ctx, page.GetLayoutMetrics, struct{}{})
	b.must(err)
	if m.CSSContentSize.Width > float64(b.look.Width)+1 {
		b.Shot("wide-" + strings.ReplaceAll(b.t.Name(), "/", "-"))
		b.t.Errorf("%s is %v wide in a window of %d", b.Location(), m.CSSContentSize.Width, b.look.Width)
	}
}

// Shot keeps a picture of the whole page as name.png in the folder
// FUSION_ARTIFACTS names; without one it does nothing.
func (b *Browser) Shot(name string) {
	b.t.Helper()
	dir := os.Getenv("FUSION_ARTIFACTS")
	if dir == "" {
		return
	}
	m, err := chromedp.Call(b.ctx, page.GetLayoutMetrics, struct{}{})
	b.must(err)
	r, err := chromedp.Call(b.ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{CaptureBeyondViewport: new(true),
		Clip: &page.Viewport{Width: float64(b.look.Width), Height: min(m.CSSContentSize.Height, 4000), Scale: 1}})
	b.must(err)
	b.must(os.MkdirAll(dir, 0o755))
	b.must(os.WriteFile(filepath.Join(dir, name+".png"), r.Data, 0o644))
}
