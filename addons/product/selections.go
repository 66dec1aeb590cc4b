package product

// Values of Attribute.DisplayType.
const (
	DisplayMulti = "multi" // Multi-checkbox
)
