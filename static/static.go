// Package static holds the style sheet and the ES modules of the back office,
// as the browser loads them: no build, no other origin. It imports nothing of
// Fusion.
package static

import "embed"

// Files are the assets, by their name below /static/.
//
//go:embed *.css *.js *.svg
var Files embed.FS
