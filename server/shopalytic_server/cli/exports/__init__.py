"""A shop's past, out of the files that other systems export: orders, customers and refunds as events.

`columns` is the one table of what their columns are called, `rows` reads the
files, `orders` puts rows together into orders and makes events of them,
`messages` reads what Segment and Google export, `report` says what was found
before anything is sent.
"""
