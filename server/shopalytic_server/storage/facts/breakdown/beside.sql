-- What filters and breakdowns name and no row says of itself. Everything here is
-- of the customers that a question is about.

-- The page views that begin visits until the range's end, with what of them a question
-- looks at: to carry all along would take most of the time. The hosts of the pages in the
-- range are the shop's own: from them nobody comes.
-- name: begun
WITH own AS (
    SELECT DISTINCT host_of(site) AS host
      FROM (SELECT DISTINCT site
              FROM page_views
             WHERE occurred_at >= $from_at::TIMESTAMP AND occurred_at < $to_at::TIMESTAMP
               AND ($source::VARCHAR IS NULL OR source = $source) AND ($include_bots OR NOT bot))
)
SELECT customer, known, occurred_at, position{said}
  FROM visit_begins
 WHERE occurred_at < $to_at::TIMESTAMP AND ($everybody::BOOLEAN OR subject IN (FROM active))

-- name: earlier
SELECT count(*) AS views FROM (SELECT 1 FROM visit_parts WHERE occurred_at < $from_at::TIMESTAMP LIMIT 1)

-- name: agents
SELECT DISTINCT user_agent FROM begun

-- name: ways
SELECT DISTINCT utm_source, utm_medium, utm_campaign, referrer_host FROM begun

-- Each visit with what is known of it.
-- name: came
SELECT b.* {left_out}{known}
  FROM begun b
  {beside}

-- name: ways_beside
LEFT JOIN known_ways w ON w.utm_source = b.utm_source AND w.utm_medium = b.utm_medium
 AND w.utm_campaign = b.utm_campaign AND w.referrer_host = b.referrer_host

-- name: agents_beside
LEFT JOIN known_agents a ON a.user_agent = b.user_agent

-- Each visit until its customer's next one, with its place among them, and the one that
-- gets the credit for what the customer does in it: mostly it is the visit itself. Only
-- what tells the order is sorted.
-- name: visits
WITH placed AS MATERIALIZED (
    SELECT customer, position, row_number() OVER earlier AS number,
           CASE $attribution
               WHEN 'first' THEN first_value(position) OVER earlier
               WHEN 'last_non_direct' THEN coalesce(
                   max(CASE WHEN channel <> 'direct' THEN position END) OVER earlier, position)
               ELSE position END AS credited,
           lead(occurred_at, 1, 'infinity'::TIMESTAMP) OVER (PARTITION BY customer ORDER BY position) AS until
      FROM arrived
    WINDOW earlier AS (PARTITION BY customer ORDER BY position ROWS UNBOUNDED PRECEDING)
)
SELECT v.*, p.number, p.credited, p.until{own}
  FROM arrived v
  JOIN placed p ON p.customer = v.customer AND p.position = v.position
 WHERE p.credited = p.position
 UNION ALL
SELECT v.*, p.number, p.credited, p.until{credited}
  FROM arrived v
  JOIN placed p ON p.customer = v.customer AND p.position = v.position
  JOIN arrived g ON g.customer = p.customer AND g.position = p.credited
 WHERE p.credited <> p.position

-- The same where nobody gets credit.
-- name: plain_visits
SELECT v.*, 1::BIGINT AS number, v.position AS credited, p.until
  FROM arrived v
  JOIN (SELECT customer, position,
               lead(occurred_at, 1, 'infinity'::TIMESTAMP) OVER (PARTITION BY customer ORDER BY position) AS until
          FROM arrived) p
    ON p.customer = v.customer AND p.position = v.position

-- Customers of many visits: these are looked for by part of time as well, each of `width`
-- microseconds, the last being that of the last visit. So nobody's events are compared
-- with all of many visits.
-- name: crowded
SELECT customer, CASE WHEN count(*) > 1000 THEN 86400000000 ELSE 2592000000000 END AS width,
       epoch_us(max(occurred_at)) // width AS last
  FROM visits
 GROUP BY customer
HAVING count(*) > 16

-- Each visit, once for each part of time that it lasts. What a customer does belongs to the
-- visit with the customer and the part, that began no later and lasts until after it.
-- name: visits_in_parts
SELECT v.*, 0::BIGINT AS part
  FROM visits v
  ANTI JOIN crowded w ON w.customer = v.customer
 UNION ALL
SELECT v.*, unnest(range(epoch_us(v.occurred_at) // w.width,
                         CASE WHEN v.until = 'infinity' THEN w.last ELSE epoch_us(v.until) // w.width END + 1)) AS part
  FROM visits v
  JOIN crowded w ON w.customer = v.customer

-- Recency, frequency and money of all who ordered before the range's end, as the
-- customer's page tells them: one more than how many of the four values that cut
-- the customers into fifths are less.
-- name: quintiles
WITH owned AS (
    SELECT o.order_key, coalesce(c.customer, o.subject) AS customer, c.customer IS NOT NULL AS known, o.ordered_at,
           o.dataset, o.occurred_at, o.event_id,
           CASE WHEN o.currency = $money_in::VARCHAR THEN o.total ELSE 0 END AS amount,
           CASE WHEN o.currency = $money_in THEN o.total_digits ELSE 0 END AS digits
      FROM orders o
      LEFT JOIN customers_of c ON c.subject = o.subject
     WHERE o.ordered_at < $to_at::TIMESTAMP AND ($include_bots OR NOT o.bot)
), refunded AS (
    SELECT coalesce(o.customer, c.customer, f.subject) AS customer, f.amount, f.amount_digits AS digits
      FROM refunds f
      LEFT JOIN owned o ON o.order_key = f.order_key
      LEFT JOIN customers_of c ON c.subject = f.subject
     WHERE f.occurred_at < $to_at::TIMESTAMP AND f.currency = $money_in AND f.amount IS NOT NULL
       AND ($include_bots OR NOT f.bot)
), taken AS (
    SELECT customer, sum(amount) AS amount, max(digits) AS digits FROM refunded GROUP BY customer
), measured AS (
    SELECT o.customer, any_value(o.known) AS known, any_value(o.dataset) AS dataset, max(o.ordered_at) AS last_at,
           arg_max(o.occurred_at, o.ordered_at) AS event_at, arg_max(o.event_id, o.ordered_at) AS event_id,
           count(*) AS orders, sum(o.amount) - coalesce(any_value(t.amount), 0) AS net,
           greatest(max(o.digits), coalesce(any_value(t.digits), 0)) AS net_digits
      FROM owned o
      LEFT JOIN taken t ON t.customer = o.customer
     GROUP BY o.customer
), sorted AS (
    SELECT list(last_at ORDER BY last_at) AS last_at, list(orders ORDER BY orders) AS orders,
           list(net ORDER BY net) AS net, count(*) AS n
      FROM measured
), cuts AS (
    SELECT [last_at[(k * n + 4) // 5] FOR k IN [1, 2, 3, 4]] AS last_at,
           [orders[(k * n + 4) // 5] FOR k IN [1, 2, 3, 4]] AS orders, [net[(k * n + 4) // 5] FOR k IN [1, 2, 3, 4]] AS net
      FROM sorted
)
SELECT m.*, 1 + len(list_filter(c.last_at, lambda each: each < m.last_at)) AS recency,
       1 + len(list_filter(c.orders, lambda each: each < m.orders)) AS frequency,
       1 + len(list_filter(c.net, lambda each: each < m.net)) AS money
  FROM measured m
 CROSS JOIN cuts c

-- name: segments
SELECT f.*, n.segment
  FROM quintiles f
  JOIN segment_names n ON n.recency = f.recency AND n.frequency = f.frequency AND n.money = f.money
   AND n.single = (f.orders = 1)

-- When customers ordered first, and which order that was.
-- name: first_orders
SELECT coalesce(c.customer, o.subject) AS customer, min(o.ordered_at) AS first_at,
       first(o.order_key ORDER BY o.ordered_at, o.position, o.tie_breaker, o.event_id) AS order_key
  FROM orders o
  LEFT JOIN customers_of c ON c.subject = o.subject
 WHERE $include_bots OR NOT o.bot
 GROUP BY ALL

-- name: coupons
SELECT order_key, list(DISTINCT coupon ORDER BY coupon) AS coupons FROM order_discounts GROUP BY order_key

-- name: carriers
SELECT order_key, list(DISTINCT carrier ORDER BY carrier) AS carriers
  FROM parcels
 WHERE carrier <> ''
 GROUP BY order_key

-- What is known of each order, and of those that only refunds and parcels name; of
-- one that several visits share a row for each, the last of which is `closing`.
-- name: order_dimensions
WITH named AS (
    SELECT order_key FROM orders
     UNION
    SELECT order_key FROM refunds
     UNION
    SELECT order_key FROM shipment_changes
), placed AS (
    SELECT o.order_key, coalesce(c.customer, o.subject) AS customer, c.customer IS NOT NULL AS known, o.ordered_at,
           o.payment_type, o.country, o.region, o.city
      FROM orders o
      LEFT JOIN customers_of c ON c.subject = o.subject
), visited AS (
    SELECT p.*, v.number, v.credited, v.device, v.os, v.browser, v.language, v.page_type, v.country AS visit_country,
           v.region AS visit_region, v.city AS visit_city
      FROM placed p
      LEFT JOIN crowded w ON w.customer = p.customer
      LEFT JOIN visits_in_parts v ON v.customer = p.customer AND v.occurred_at <= p.ordered_at AND v.until > p.ordered_at
       AND v.part = coalesce(least(epoch_us(p.ordered_at) // w.width, w.last), 0)
)
SELECT n.order_key, CASE WHEN $shared THEN coalesce(o.number, 1) ELSE 1 END AS shares,
       NOT $shared OR o.number IS NULL OR g.number = o.number AS closing,
       coalesce(g.channel, '') AS channel, coalesce(g.utm_source, '') AS utm_source,
       coalesce(g.utm_medium, '') AS utm_medium, coalesce(g.utm_campaign, '') AS utm_campaign,
       coalesce(g.utm_term, '') AS utm_term, coalesce(g.utm_content, '') AS utm_content,
       coalesce(g.referrer_host, '') AS referrer_host, coalesce(g.landing_page, '') AS landing_page,
       coalesce(o.device, '') AS device, coalesce(o.os, '') AS os, coalesce(o.browser, '') AS browser,
       coalesce(o.language, '') AS language, coalesce(o.page_type, '') AS page_type,
       CASE WHEN o.country IS NULL THEN coalesce(o.visit_country, '') ELSE o.country END AS country,
       CASE WHEN o.country IS NULL THEN coalesce(o.visit_region, '') ELSE coalesce(o.region, '') END AS region,
       CASE WHEN o.country IS NULL THEN coalesce(o.visit_city, '') ELSE coalesce(o.city, '') END AS city,
       coalesce(o.payment_type, '') AS payment_type, coalesce(k.coupons, ['']) AS coupon,
       coalesce(r.carriers, ['']) AS carrier,
       CASE WHEN o.order_key IS NULL THEN '' WHEN NOT o.known THEN 'guest'
            WHEN f.order_key = o.order_key THEN 'new' ELSE 'returning' END AS customer_type,
       coalesce(s.segment, '') AS segment
  FROM named n
  LEFT JOIN visited o ON o.order_key = n.order_key
  LEFT JOIN visits g ON g.customer = o.customer
   AND CASE WHEN $shared THEN g.number <= o.number ELSE g.position = o.credited END
  LEFT JOIN first_orders f ON f.customer = o.customer
  LEFT JOIN segments s ON s.customer = o.customer
  LEFT JOIN order_coupons k ON k.order_key = n.order_key
  LEFT JOIN order_carriers r ON r.order_key = n.order_key

-- Which products each cart has held.
-- name: cart_contents
SELECT dataset, cart, list(DISTINCT sku ORDER BY sku) AS skus FROM cart_changes GROUP BY ALL

-- name: cart_categories
SELECT c.dataset, c.cart, list_distinct(flatten(list(k.categories))) AS categories
  FROM (SELECT DISTINCT dataset, cart, sku FROM cart_changes) c
  JOIN sku_categories k ON k.sku = c.sku
 GROUP BY ALL

-- What each order has of each product.
-- name: lines_of_orders
SELECT order_key, sku, sum(price * quantity) AS goods, max(price_digits + quantity_digits) AS goods_digits,
       sum(units)::BIGINT AS units, sum(quantity) AS quantity, max(quantity_digits) AS quantity_digits
  FROM order_lines
 GROUP BY ALL
