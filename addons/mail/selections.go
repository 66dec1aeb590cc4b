package mail

// Values of Activity.State.
const (
	ActivityOverdue = "overdue"
	ActivityToday   = "today"
	ActivityPlanned = "planned"
	ActivityDone    = "done"
)

// Values of ActivityType.DelayUnit.
const (
	DelayWeeks  = "weeks"
	DelayMonths = "months"
)

// Values of Server.Encryption.
const (
	EncryptionStartTLS = "starttls" // TLS (STARTTLS)
	EncryptionSSL      = "ssl"      // SSL/TLS
)

// Values of Outgoing.State.
const (
	MailOutgoing  = "outgoing"
	MailSent      = "sent"
	MailReceived  = "received"
	MailException = "exception" // Delivery Failed
	MailCancelled = "cancel"
)
