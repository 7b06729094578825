"""The shop's reports over the raw events in Parquet, as DuckDB answers them: what ours are measured against.

Each statement gives the numbers that `FIGURES` in reports.py takes out of the
report of the same name, so that the two can be compared. The raw events are as
they were sent: properties are JSON text. Robots and trial events are left out,
and people are joined over their devices, as in the reports.
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

STATEMENTS = {
    "sales": _EVENTS
    + _ORDERS
    + """
SELECT o.currency, date_trunc('month', o.occurred_at) AS month, count(*), sum(o.total)
  FROM o GROUP BY 1, 2 ORDER BY 1, 2""",
    "funnel": _EVENTS
    + """, steps AS (
    SELECT customer, occurred_at,
           CASE type WHEN 'product_view' THEN 1 WHEN 'cart_add' THEN 2 ELSE 3 END AS step
      FROM e WHERE type IN ('product_view', 'cart_add', 'order')
), first AS (SELECT customer, occurred_at FROM steps WHERE step = 1),
second AS (
    SELECT f.customer, f.occurred_at AS began, min(s.occurred_at) AS at
      FROM first f JOIN steps s ON s.customer = f.customer AND s.step = 2 AND s.occurred_at > f.occurred_at
       AND s.occurred_at < f.occurred_at + INTERVAL 7 DAY
     GROUP BY 1, 2
), third AS (
    SELECT DISTINCT s2.customer
      FROM second s2 JOIN steps s ON s.customer = s2.customer AND s.step = 3 AND s.occurred_at > s2.at
       AND s.occurred_at < s2.began + INTERVAL 7 DAY
)
SELECT (SELECT count(DISTINCT customer) FROM first), (SELECT count(DISTINCT customer) FROM second),
       (SELECT count(*) FROM third)""",
    "products": _EVENTS
    + _ORDERS
    + """, seen AS (
    SELECT properties ->> 'sku' AS sku, count(*) AS views, count(DISTINCT customer) AS viewers
      FROM e WHERE type = 'product_view' GROUP BY 1
), sold AS (
    SELECT sku, count(DISTINCT order_id) AS orders, sum(qty) AS units, sum(qty * price) AS gross
      FROM lines WHERE currency = 'EUR' GROUP BY 1
)
SELECT sku, coalesce(views, 0), coalesce(viewers, 0), coalesce(orders, 0), coalesce(units, 0),
       coalesce(gross, 0)
  FROM seen FULL JOIN sold USING (sku) ORDER BY sku""",
    "retention": _EVENTS
    + _ORDERS
    + """, cohorts AS (
    SELECT customer, date_trunc('month', min(occurred_at)) AS cohort
      FROM o WHERE customer LIKE 'person-%' GROUP BY 1
)
SELECT cohort, date_diff('month', cohort, date_trunc('month', o.occurred_at)) AS period,
       count(DISTINCT customer)
  FROM o JOIN cohorts USING (customer) GROUP BY 1, 2 ORDER BY 1, 2""",
    "carts": _EVENTS
    + _ORDERS
    + """, cart AS (
    SELECT properties ->> 'cart_id' AS cart_id, min(occurred_at) AS created
      FROM e WHERE type IN ('cart_add', 'cart_modify') GROUP BY 1
)
SELECT count(*), count(*) FILTER (WHERE cart_id IN (SELECT cart_id FROM o)) FROM cart""",
    # A parcel that was shipped in the range counts with all that is known of it.
    "fulfilment": """
WITH kept AS (
    SELECT * FROM raw WHERE dataset_id = 2 AND NOT bot AND type IN ('order', 'shipment', 'shipment_delivered')
), o AS (
    SELECT properties ->> 'order_id' AS order_id, occurred_at FROM kept WHERE type = 'order'
), parcels AS (
    SELECT properties ->> 'shipment_id' AS shipment_id, any_value(properties ->> 'order_id') AS order_id,
           max(properties ->> 'carrier') AS carrier,
           max(CAST(properties ->> 'date_shipped' AS TIMESTAMPTZ)) AS shipped,
           max(CAST(properties ->> 'date_delivered' AS TIMESTAMPTZ)) AS delivered
      FROM kept WHERE type <> 'order' GROUP BY 1
)
SELECT p.carrier, count(*), count(p.delivered),
       count(*) FILTER (WHERE p.delivered > o.occurred_at + INTERVAL 5 DAY)
  FROM parcels p LEFT JOIN o USING (order_id)
 WHERE p.shipped >= $begin AND p.shipped < $end GROUP BY 1 ORDER BY 1""",
    "traffic": _EVENTS
    + """, views AS (
    SELECT customer, occurred_at,
           coalesce(occurred_at - lag(occurred_at) OVER (PARTITION BY customer ORDER BY occurred_at, event_id)
                    > INTERVAL 30 MINUTE, true) AS begins
      FROM e WHERE type = 'page_view'
)
SELECT count(*), count(DISTINCT customer), count(*) FILTER (WHERE begins) FROM views""",
}
