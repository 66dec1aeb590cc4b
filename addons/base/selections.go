package base

// Values of Currency.Position.
const (
	SymbolAfter  = "after"  // After Amount
	SymbolBefore = "before" // Before Amount
)

// Values of Job.State.
const (
	JobAvailable = "available" // Waiting
	JobScheduled = "scheduled"
	JobPending   = "pending"
	JobRunning   = "running"
	JobRetryable = "retryable" // To be retried
	JobCompleted = "completed" // Done
	JobCancelled = "cancelled"
	JobDiscarded = "discarded" // Failed
)

// Values of Module.State.
const (
	ModuleUninstallable = "uninstallable"
	ModuleUninstalled   = "uninstalled" // Not Installed
	ModuleInstalled     = "installed"
	ModuleToUpgrade     = "to upgrade" // To be upgraded
	ModuleToRemove      = "to remove"  // To be removed
	ModuleToInstall     = "to install" // To be installed
)

// Values of Partner.CompanyType.
const (
	CompanyTypePerson  = "person"
	CompanyTypeCompany = "company"
)

// Values of Partner.Type.
const (
	AddressContact  = "contact"
	AddressDelivery = "delivery"
)

// Values of PartnerBank.AccType.
const (
	AccountBank = "bank" // Normal
	AccountIBAN = "iban"
)

// Values of Sequence.Implementation.
const (
	SequenceStandard = "standard"
)

// Values of userDisplay.State.
const (
	userNew    = "new"    // Never Connected
	userActive = "active" // Confirmed
)
