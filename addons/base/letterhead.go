package base

import (
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/report"
)

// Letterhead is what a company has on its documents.
func Letterhead(env *orm.Env, company int64) (report.Letterhead, error) {
	c, err := orm.Get[Company](env, company, "partner_id", "logo")
	if err != nil {
		return report.Letterhead{}, err
	}
	lines, err := AddressLines(env, c.PartnerID.ID)
	if err != nil {
		return report.Letterhead{}, err
	}
	if len(lines) > 0 && lines[0] == c.PartnerID.Rec().Name {
		lines = lines[1:]
	}
	h := report.Letterhead{Logo: c.Logo.Get(), Name: c.Name, Lines: lines}
	partner := c.PartnerID.Rec()
	if partner.VAT != "" {
		h.Lines = append(h.Lines, "Tax ID: "+partner.VAT)
	}
	var contact []string
	for _, s := range []string{partner.Phone, partner.Email, partner.Website} {
		if s != "" {
			contact = append(contact, s)
		}
	}
	h.Footer = append(h.Footer, strings.Join(contact, "  ·  "))
	if s := report.Plain(c.ReportFooter); s != "" {
		h.Footer = append(h.Footer, strings.ReplaceAll(s, "\n", "  ·  "))
	}
	return h, nil
}
