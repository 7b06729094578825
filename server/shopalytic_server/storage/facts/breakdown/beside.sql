-- What filters and breakdowns name and no row says of itself. Everything here is
-- of the customers that a question is about.

-- When visits until the range's end began: a page view begins one when its customer had
-- none in the half hour before it. Within a half hour of the clock only the first view
-- can, and only views of the half hour before tell; so nothing has to be sorted.
-- Quarters of an hour that were summed up lie within one.
-- name: begins
WITH parts AS MATERIALIZED (
    SELECT coalesce(c.customer, v.subject) AS customer, time_bucket($session_gap, v.occurred_at) AS part,
           min(v.occurred_at) AS first_at, max(v.last_at) AS last_at
      FROM page_views v
      LEFT JOIN customers_of c ON c.subject = v.subject
     WHERE v.occurred_at < $to_at::TIMESTAMP
       AND ($source::VARCHAR IS NULL OR v.source = $source) AND ($include_bots OR NOT v.bot)
       AND ($everybody::BOOLEAN OR v.subject IN (FROM active))
     GROUP BY ALL
)
SELECT p.customer, p.first_at AS occurred_at
  FROM parts p
  LEFT JOIN parts b ON b.customer = p.customer AND b.part = p.part - $session_gap
 WHERE coalesce(p.first_at - b.last_at > $session_gap, true)

-- The page views that begin visits. The hosts of the pages in the range are the shop's
-- own: from them nobody comes. Texts that are not `wanted` are left empty: to carry them
-- along would take most of the time.
-- name: begun
WITH own AS (
    SELECT DISTINCT host_of(site) AS host
      FROM (SELECT DISTINCT site
              FROM page_views
             WHERE occurred_at >= $from_at::TIMESTAMP AND occurred_at < $to_at::TIMESTAMP
               AND ($source::VARCHAR IS NULL OR source = $source) AND ($include_bots OR NOT bot))
)
SELECT b.customer, c.customer IS NOT NULL AS known, v.dataset, v.occurred_at, v.position, v.tie_breaker, v.event_id,
       coalesce(v.source, '') AS sent_by,
       CASE WHEN list_contains($wanted::VARCHAR[], 'landing_page') THEN v.landing_page ELSE '' END AS landing_page,
       CASE WHEN NOT list_contains($wanted::VARCHAR[], 'referrer_host') OR v.referrer IN (FROM own) THEN '' ELSE v.referrer END
           AS referrer_host,
       CASE WHEN list_contains($wanted::VARCHAR[], 'utm_source') THEN v.utm_source ELSE '' END AS utm_source,
       CASE WHEN list_contains($wanted::VARCHAR[], 'utm_medium') THEN v.utm_medium ELSE '' END AS utm_medium,
       CASE WHEN NOT list_contains($wanted::VARCHAR[], 'utm_campaign') THEN ''
            WHEN v.campaign_encoded THEN chr(1) || v.campaign ELSE v.campaign END AS utm_campaign,
       CASE WHEN list_contains($wanted::VARCHAR[], 'utm_term') THEN v.utm_term ELSE '' END AS utm_term,
       CASE WHEN list_contains($wanted::VARCHAR[], 'utm_content') THEN v.utm_content ELSE '' END AS utm_content,
       coalesce(v.page_type, '') AS page_type,
       CASE WHEN list_contains($wanted::VARCHAR[], 'user_agent') THEN coalesce(v.user_agent, '') ELSE '' END AS user_agent,
       CASE WHEN list_contains($wanted::VARCHAR[], 'language') THEN coalesce(v.language, '') ELSE '' END AS language,
       coalesce(v.country, '') AS country,
       CASE WHEN list_contains($wanted::VARCHAR[], 'region') THEN coalesce(v.region, '') ELSE '' END AS region,
       CASE WHEN list_contains($wanted::VARCHAR[], 'city') THEN coalesce(v.city, '') ELSE '' END AS city
  FROM page_views v
  LEFT JOIN customers_of c ON c.subject = v.subject
  JOIN begins b ON b.customer = coalesce(c.customer, v.subject) AND b.occurred_at = v.occurred_at
 WHERE v.occurred_at < $to_at::TIMESTAMP
   AND ($source::VARCHAR IS NULL OR v.source = $source) AND ($include_bots OR NOT v.bot)

-- Whether several page views of a customer are of one moment: the first of them begins the visit.
-- name: tied
SELECT (SELECT count(*) FROM begun) > (SELECT count(*) FROM begins) AS tied

-- name: untied
SELECT *
  FROM begun
QUALIFY row_number() OVER (PARTITION BY customer, position ORDER BY tie_breaker, event_id) = 1

-- name: earlier
SELECT count(*) AS views FROM (SELECT 1 FROM page_views WHERE occurred_at < $from_at::TIMESTAMP LIMIT 1)

-- Texts that stand encoded in addresses.
-- name: encoded
SELECT DISTINCT text
  FROM (SELECT unnest([utm_source, utm_medium, utm_campaign, utm_term, utm_content]) AS text FROM begun)
 WHERE text[1] = chr(1)

-- name: ways
SELECT DISTINCT utm_source, utm_medium, utm_campaign, referrer_host FROM begun

-- name: agents
SELECT DISTINCT user_agent FROM begun

-- Each visit with all that is known of it.
-- name: came
SELECT b.* EXCLUDE (user_agent), coalesce(w.channel, '') AS channel, coalesce(a.device, '') AS device,
       coalesce(a.os, '') AS os, coalesce(a.browser, '') AS browser
  FROM begun b
  LEFT JOIN known_ways w ON w.utm_source = b.utm_source AND w.utm_medium = b.utm_medium
   AND w.utm_campaign = b.utm_campaign AND w.referrer_host = b.referrer_host
  LEFT JOIN known_agents a ON a.user_agent = b.user_agent

-- Each visit with its place among its customer's, and the one that gets the credit for
-- what the customer does in it. Only what tells the order is sorted.
-- name: visits
WITH placed AS (
    SELECT customer, position, row_number() OVER earlier AS number,
           CASE $attribution
               WHEN 'first' THEN first_value(position) OVER earlier
               WHEN 'last_non_direct' THEN coalesce(
                   max(CASE WHEN channel <> 'direct' THEN position END) OVER earlier, position)
               ELSE position END AS credited
      FROM came
    WINDOW earlier AS (PARTITION BY customer ORDER BY position ROWS UNBOUNDED PRECEDING)
)
SELECT v.*, p.number, p.credited
  FROM came v
  JOIN placed p ON p.customer = v.customer AND p.position = v.position

-- The same where nobody gets credit.
-- name: plain_visits
SELECT *, 1::BIGINT AS number, position AS credited FROM came

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
      ASOF LEFT JOIN visits v ON v.customer = p.customer AND v.occurred_at <= p.ordered_at
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
