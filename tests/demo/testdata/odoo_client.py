"""Log in with OdooRPC and look for sale orders: odoo_client.py URL DB LOGIN PASSWORD"""
import json
import sys
from urllib.parse import urlparse

import odoorpc

url, db, login, password = sys.argv[1:]
at = urlparse(url)
odoo = odoorpc.ODOO(at.hostname, protocol="jsonrpc", port=at.port, timeout=60)
odoo.login(db, login, password)
orders = odoo.env["sale.order"]
ids = orders.search([("woo_number", "!=", False)])
read = 0
for order in orders.browse(ids[:5]):
    assert order.name and order.partner_id.name and order.amount_total >= 0, order.id
    assert sum(line.price_subtotal for line in order.order_line) >= 0
    read += 1
print(json.dumps({"Orders": len(ids), "Read": read}))
