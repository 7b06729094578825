"""The shop's reports as DuckDB answers them over a flat table made for each: what ours are measured against.

`FLAT` makes the table of each question out of the raw events in Parquet: it has the
columns that the question needs and nothing else, with amounts as numbers, robots
and trial events left out, and people joined over their devices. To make it is not
measured. `STATEMENTS` give the numbers that `FIGURES` in reports.py takes out of
the report of the same name, so that the two can be compared.
"""

# The shop of tests/shops/large_shop.py names identities and tracking ids apart, so
# one text tells whose an event is.
_EVENTS = """
WITH links AS (
    SELECT tracking_id, arg_min(properties ->> 'identity', (occurred_at, event_id)) AS owner
      FROM raw WHERE type = 'identify' AND dataset_id = 2 GROUP BY tracking_id
), e AS (
    SELECT r.*, coalesce(r.identity, links.owner, r.tracking_id) AS customer
      FROM raw r LEFT JOIN links USING (tracking_id)
     WHERE r.dataset_id = 2 AND NOT r.bot AND r.occurred_at >= $begin AND r.occurred_at < $end
)
"""

# Orders count by what they cost; a refund in full gives all of it back, and the
# shop refunds an order once.
_ORDERS = """, o AS (
    SELECT properties ->> 'order_id' AS order_id, properties ->> 'cart_id' AS cart_id, customer, occurred_at,
           coalesce(properties ->> 'currency', 'EUR') AS currency,
           CAST(properties ->> 'total' AS DECIMAL(18, 4)) AS total, properties
      FROM e WHERE type = 'order'
), lines AS (
    SELECT o.order_id, o.currency, line ->> 'sku' AS sku, CAST(line ->> 'qty' AS BIGINT) AS qty,
           CAST(line ->> 'price' AS DECIMAL(18, 4)) AS price
      FROM o, unnest(CAST(o.properties -> 'line_items' AS JSON[])) AS items (line)
)
"""

FLAT = {
    "sales": _EVENTS + _ORDERS + "SELECT currency, occurred_at, total FROM o",
    "funnel": _EVENTS
    + """
SELECT customer, occurred_at, CASE type WHEN 'product_view' THEN 1 WHEN 'cart_add' THEN 2 ELSE 3 END AS step
  FROM e WHERE type IN ('product_view', 'cart_add', 'order')""",
    "products": _EVENTS
    + _ORDERS
    + """
SELECT properties ->> 'sku' AS sku, customer, NULL AS order_id, NULL AS qty, NULL AS price
  FROM e WHERE type = 'product_view'
 UNION ALL
SELECT sku, NULL, order_id, qty, price FROM lines WHERE currency = 'EUR'""",
    "retention": _EVENTS + _ORDERS + "SELECT customer, occurred_at FROM o WHERE customer LIKE 'person-%'",
    "carts": _EVENTS
    + """
SELECT properties ->> 'cart_id' AS cart_id, type = 'order' AS is_order
  FROM e WHERE type IN ('cart_add', 'cart_modify', 'order')""",
    # A parcel that was shipped in the range counts with all that is known of it.
    "fulfilment": """
WITH kept AS (
    SELECT * FROM raw WHERE dataset_id = 2 AND NOT bot AND type IN ('order', 'shipment', 'shipment_delivered')
), o AS (
    SELECT properties ->> 'order_id' AS order_id, occurred_at AS ordered_at FROM kept WHERE type = 'order'
), parcels AS (
    SELECT properties ->> 'shipment_id' AS shipment_id, any_value(properties ->> 'order_id') AS order_id,
           max(properties ->> 'carrier') AS carrier,
           max(CAST(properties ->> 'date_shipped' AS TIMESTAMPTZ)) AS shipped,
           max(CAST(properties ->> 'date_delivered' AS TIMESTAMPTZ)) AS delivered
      FROM kept WHERE type <> 'order' GROUP BY 1
)
SELECT p.carrier, p.shipped, p.delivered, o.ordered_at FROM parcels p LEFT JOIN o USING (order_id)""",
    "traffic": _EVENTS + "SELECT customer, occurred_at, event_id FROM e WHERE type = 'page_view'",
}

STATEMENTS = {
    "sales": """
SELECT currency, date_trunc('month', occurred_at) AS month, count(*), sum(total)
  FROM flat GROUP BY 1, 2 ORDER BY 1, 2""",
    "funnel": """
WITH first AS (SELECT customer, occurred_at FROM flat WHERE step = 1),
second AS (
    SELECT f.customer, f.occurred_at AS began, min(s.occurred_at) AS at
      FROM first f JOIN flat s ON s.customer = f.customer AND s.step = 2 AND s.occurred_at > f.occurred_at
       AND s.occurred_at < f.occurred_at + INTERVAL 7 DAY
     GROUP BY 1, 2
), third AS (
    SELECT DISTINCT s2.customer
      FROM second s2 JOIN flat s ON s.customer = s2.customer AND s.step = 3 AND s.occurred_at > s2.at
       AND s.occurred_at < s2.began + INTERVAL 7 DAY
)
SELECT (SELECT count(DISTINCT customer) FROM first), (SELECT count(DISTINCT customer) FROM second),
       (SELECT count(*) FROM third)""",
    "products": """
SELECT sku, count(*) FILTER (WHERE order_id IS NULL), count(DISTINCT customer), count(DISTINCT order_id),
       coalesce(sum(qty), 0), coalesce(sum(qty * price), 0)
  FROM flat GROUP BY sku ORDER BY sku""",
    "retention": """
WITH cohorts AS (
    SELECT customer, date_trunc('month', min(occurred_at)) AS cohort FROM flat GROUP BY 1
)
SELECT cohort, date_diff('month', cohort, date_trunc('month', o.occurred_at)) AS period,
       count(DISTINCT customer)
  FROM flat o JOIN cohorts USING (customer) GROUP BY 1, 2 ORDER BY 1, 2""",
    "carts": """
SELECT count(*), count(*) FILTER (WHERE ordered)
  FROM (SELECT cart_id, bool_or(is_order) AS ordered FROM flat GROUP BY 1 HAVING NOT bool_and(is_order))""",
    "fulfilment": """
SELECT carrier, count(*), count(delivered), count(*) FILTER (WHERE delivered > ordered_at + INTERVAL 5 DAY)
  FROM flat WHERE shipped >= $begin AND shipped < $end GROUP BY 1 ORDER BY 1""",
    "traffic": """
WITH views AS (
    SELECT customer,
           coalesce(occurred_at - lag(occurred_at) OVER (PARTITION BY customer ORDER BY occurred_at, event_id)
                    > INTERVAL 30 MINUTE, true) AS begins
      FROM flat
)
SELECT count(*), count(DISTINCT customer), count(*) FILTER (WHERE begins) FROM views""",
}
