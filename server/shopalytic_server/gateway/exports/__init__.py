"""A shop's past, out of the files that other systems export: orders, customers and refunds as events.

`columns` is the one table of what their columns are called, `rows` reads the
files, `orders` puts rows together into orders and makes events of them,
`messages` reads what Segment and Google export, `finding` holds what is known
before anything is sent, and `reading` does all of it: for the command and, in
a process of its own (`child`), for the dashboard's page (`route`).
"""
