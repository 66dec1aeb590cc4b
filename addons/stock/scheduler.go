package stock

import (
	"fusionsoft.ca/fusion/framework/orm"
)

// RunScheduler reserves for open moves what has become free since they were
// confirmed, such as by the cancellation of others. A cron calls it.
var RunScheduler = orm.ModelMethod[Move]{Name: "run_scheduler", Groups: []string{"stock.group_stock_manager"}}

// schedulerBatch is how many moves one run reserves for at most.
const schedulerBatch = 1000

func implementScheduler(m *orm.Def[Move]) {
	orm.ImplementModel(m, RunScheduler, func(env *orm.Env, _ orm.Args) (any, error) {
		// SQL: the moves for which there are products, by their location or one in it.
		ids, err := orm.Rows[int64](env, orm.SQL(`SELECT m.id FROM stock_move m JOIN stock_location src ON src.id = m.location_id LEFT JOIN stock_picking_type t ON t.id = m.picking_type_id
			WHERE m.state IN ('confirmed', 'partially_available') AND (t.id IS NULL OR t.reservation_method = 'at_confirm') AND EXISTS (
				SELECT 1 FROM stock_quant q JOIN stock_location l ON l.id = q.location_id WHERE q.product_id = m.product_id AND q.quantity > q.reserved_quantity AND l.parent_path LIKE src.parent_path || '%')
			ORDER BY m.priority DESC, m.date, m.id LIMIT ?`, schedulerBatch).
			Reads("stock.move").Reads("stock.location").Reads("stock.picking.type", "reservation_method").Reads("stock.quant"))
		if err != nil {
			return nil, err
		}
		return true, assignMoves(env.Sudo(), ids)
	})
}
