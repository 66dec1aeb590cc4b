package woocommerce

import (
	"slices"
	"strings"
)

// How texts that ask for a person's attention begin. One stands for a topic: the newest
// text of a topic takes the place of the one before.
const (
	changeRefused = "The order was changed in the store"
	statusChanged = "The store changed the order's status"
	refundedFully = "The order is refunded in full in the store"
	refundMade    = "The store gave money back: "
	refundGone    = "The store deleted what it had refunded: "
	saleGone      = "The sale order was deleted here."
	orderGone     = "The order was deleted in the store."
	unreadable    = "The order cannot be read from the store: "
	notImported   = "The order could not be imported: "
	settleRefused = "The invoice is not settled: "
	cancelRefused = "The sale order stands, though the store wants none: "
)

// topicOf is how a text begins that stands for a topic, and else the text itself. Both
// that it cannot be read and that it cannot be imported are about the last attempt.
func topicOf(text string) string {
	for _, t := range []string{changeRefused, statusChanged, refundedFully, refundMade, refundGone, saleGone, settleRefused, cancelRefused} {
		if strings.HasPrefix(text, t) {
			return t
		}
	}
	if strings.HasPrefix(text, unreadable) || strings.HasPrefix(text, notImported) {
		return unreadable
	}
	return text
}

// attention adds a text to those that ask for attention, in place of the one of its
// topic. It reports false when the text is there already.
func attention(before, text string) (after string, news bool) {
	text = strings.Join(strings.Fields(text), " ")
	if slices.Contains(strings.Split(before, "\n"), text) {
		return before, false
	}
	return strings.TrimSpace(withoutTopic(before, text) + "\n" + text), true
}

// withoutTopic leaves out the text of the topic that another begins like.
func withoutTopic(before, text string) string {
	topic := topicOf(text)
	lines := slices.DeleteFunc(strings.Split(before, "\n"), func(l string) bool { return l == "" || topicOf(l) == topic })
	return strings.Join(lines, "\n")
}
