// Package module stands for the framework's package of this name.
package module

import "fusionsoft.ca/fusion/framework/orm"

type Addon struct {
	Name    string
	Depends []string
	Define  func(*orm.Registry)
}
