package report

import (
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// MethodOf names the record method that makes the report of a report_name:
// that of "account.report_invoice" is "_render_report_invoice". It takes
// records and answers the PDF as []byte.
func MethodOf(reportName string) string {
	return "_render_" + reportName[strings.LastIndex(reportName, ".")+1:]
}

// Render makes a report of records, which the user must be allowed to read.
func Render(rs orm.Records, reportName string) ([]byte, error) {
	method := MethodOf(reportName)
	if !rs.Model.HasMethod(method) {
		return nil, orm.UserErrorf("There is no report %s of %s (%s).", reportName, rs.Model.Label, rs.Model.Name)
	}
	if rs.Len() == 0 {
		return nil, orm.UserErrorf("Choose the records to print.")
	}
	if err := rs.CheckAccess(orm.OpRead); err != nil {
		return nil, err
	}
	v, err := rs.Do(method, orm.Args{})
	if err != nil {
		return nil, err
	}
	content, ok := v.([]byte)
	if !ok {
		return nil, orm.ValueErrorf("The report %s of %s answers %T instead of a document.", reportName, rs.Model.Name, v)
	}
	return content, nil
}
