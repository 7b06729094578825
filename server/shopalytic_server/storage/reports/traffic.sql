-- Traffic. Where the rows begin is worked out beforehand, so no time zone is needed here.

-- The first and last page view of what the report counts, for ranges that are open.
-- name: extent
SELECT min(occurred_at) AS first, max(last_at) AS last
  FROM counted_page_views
 WHERE occurred_at >= $from_at::TIMESTAMP AND occurred_at < $to_at::TIMESTAMP

-- The page views that begin sessions: those in the range, and all earlier ones of customers
-- who ordered in it. The hosts of the pages in the range are the shop's own: from them
-- nobody comes.
-- name: sessions
WITH own AS (
    SELECT DISTINCT host_of(site) AS host
      FROM (SELECT DISTINCT site
              FROM counted_page_views
             WHERE occurred_at >= $from_at::TIMESTAMP AND occurred_at < $to_at::TIMESTAMP)
), buyers AS (
    SELECT DISTINCT coalesce(c.customer, o.subject) AS customer
      FROM counted_orders o
      LEFT JOIN customers_of c ON c.subject = o.subject
     WHERE o.ordered_at >= $from_at::TIMESTAMP AND o.ordered_at < $to_at::TIMESTAMP
       AND o.currency = $revenue_in::VARCHAR
)
SELECT customer, dataset, occurred_at, position, tie_breaker, event_id, landing_page,
       CASE WHEN referrer IN (FROM own) THEN '' ELSE referrer END AS referrer, campaign, campaign_encoded,
       true AS matching, '' AS by_1, '' AS by_2
  FROM visit_begins
 WHERE occurred_at < $to_at::TIMESTAMP AND (occurred_at >= $from_at::TIMESTAMP OR customer IN (FROM buyers))

-- The same sessions where dimensions are named: all of them, and which the filters leave.
-- name: visits
SELECT customer, dataset, occurred_at, position, tie_breaker, event_id, landing_page, referrer_host AS referrer,
       utm_campaign AS campaign, false AS campaign_encoded, matching, by_1, by_2
  FROM counted_visits

-- Campaigns that stand encoded in the addresses of sessions ("spring%20sale").
-- name: encoded
SELECT DISTINCT campaign FROM sessions WHERE campaign_encoded ORDER BY campaign

-- Page views, visitors and sessions, by the number of the report's row and the values
-- of a breakdown; number 0 is the whole range.
-- name: traffic
WITH intervals AS (
    SELECT unnest($starts::TIMESTAMP[]) AS begins_at, generate_subscripts($starts::TIMESTAMP[], 1) AS number
), parts AS MATERIALIZED (
    -- Each interval, once for each part of time in which it goes on; the last one for its first.
    SELECT number, begins_at, ends_at,
           unnest(range(epoch_us(begins_at) // $part::BIGINT, epoch_us(coalesce(ends_at, begins_at)) // $part + 1)) AS part
      FROM (SELECT *, lead(begins_at) OVER (ORDER BY number) AS ends_at FROM intervals)
), visits AS MATERIALIZED (
    SELECT i.number, v.by_1, v.by_2, coalesce(c.customer, v.subject) AS customer, sum(v.views)::BIGINT AS page_views
      FROM counted_page_views v
      JOIN parts i ON i.part = least(epoch_us(v.occurred_at), epoch_us(list_last($starts::TIMESTAMP[]))) // $part
       AND v.occurred_at >= i.begins_at AND coalesce(v.occurred_at < i.ends_at, true)
      LEFT JOIN customers_of c ON c.subject = v.subject
     WHERE v.occurred_at >= $from_at::TIMESTAMP AND v.occurred_at < $to_at::TIMESTAMP
     GROUP BY ALL
), viewed AS (
    SELECT number, by_1, by_2, sum(page_views)::BIGINT AS page_views, count(*) AS visitors
      FROM visits
     GROUP BY ALL
     UNION ALL
    SELECT 0, by_1, by_2, sum(page_views)::BIGINT, count(DISTINCT customer)
      FROM visits
     GROUP BY ALL
), begun AS (
    SELECT coalesce(i.number, 0) AS number, by_1, by_2, count(*) AS sessions
      FROM sessions s
      ASOF JOIN intervals i ON s.occurred_at >= i.begins_at
     WHERE s.occurred_at >= $from_at::TIMESTAMP AND s.matching
     GROUP BY GROUPING SETS ((i.number, by_1, by_2), (by_1, by_2))
)
SELECT number, by_1, by_2, coalesce(page_views, 0) AS page_views, visitors, coalesce(sessions, 0) AS sessions
  FROM viewed
  LEFT JOIN begun USING (number, by_1, by_2)

-- The ways in which sessions came, in the order that is asked for, and what came of them: each order's total
-- goes to the first session of its customer, and to the last one, that began no
-- later than the order counts.
-- name: ways
WITH read AS (
    SELECT customer, occurred_at, matching, landing_page, referrer,
           CASE WHEN campaign_encoded
                THEN ($decoded::VARCHAR[])[list_position($encoded::VARCHAR[], campaign)] ELSE campaign END AS campaign
      FROM sessions
), placed AS MATERIALIZED (
    SELECT coalesce(c.customer, o.subject) AS customer, o.ordered_at, o.total, o.total_digits
      FROM orders o
      LEFT JOIN customers_of c ON c.subject = o.subject
     WHERE o.ordered_at >= $from_at::TIMESTAMP AND o.ordered_at < $to_at::TIMESTAMP
       AND o.currency = $revenue_in::VARCHAR
       AND ($source::VARCHAR IS NULL OR o.source = $source) AND ($include_bots OR NOT o.bot)
), of_buyers AS MATERIALIZED (
    SELECT customer, occurred_at, matching,
           {'landing_page': landing_page, 'referrer': referrer, 'campaign': campaign} AS way
      FROM read
     WHERE customer IN (SELECT customer FROM placed)
), firsts AS (
    SELECT customer, min(occurred_at) AS occurred_at, arg_min(way, occurred_at) AS way,
           arg_min(matching, occurred_at) AS matching
      FROM of_buyers
     GROUP BY customer
), touched AS MATERIALIZED (
    SELECT 'first' AS touch, f.way, p.total, p.total_digits
      FROM placed p
      JOIN firsts f ON f.customer = p.customer AND f.occurred_at <= p.ordered_at
     WHERE f.matching
     UNION ALL
    SELECT 'last', s.way, p.total, p.total_digits
      FROM placed p
      ASOF JOIN of_buyers s ON s.customer = p.customer AND s.occurred_at <= p.ordered_at
     WHERE s.matching
), viewed AS (
    SELECT landing_page, referrer, campaign, customer FROM read WHERE occurred_at >= $from_at::TIMESTAMP AND matching
), came AS (
    SELECT 'landing_page' AS dimension, value, sum(sessions)::BIGINT AS sessions, count(*) AS visitors
      FROM (SELECT landing_page AS value, customer, count(*) AS sessions FROM viewed GROUP BY ALL)
     GROUP BY ALL
     UNION ALL
    SELECT 'referrer', value, sum(sessions)::BIGINT, count(*)
      FROM (SELECT referrer AS value, customer, count(*) AS sessions FROM viewed GROUP BY ALL)
     GROUP BY ALL
     UNION ALL
    SELECT 'campaign', value, sum(sessions)::BIGINT, count(*)
      FROM (SELECT campaign AS value, customer, count(*) AS sessions FROM viewed GROUP BY ALL)
     GROUP BY ALL
), paid AS (
    SELECT dimension, value,
           amount(CASE touch WHEN 'first' THEN total END, CASE touch WHEN 'first' THEN total_digits END) AS first_touch,
           amount(CASE touch WHEN 'last' THEN total END, CASE touch WHEN 'last' THEN total_digits END) AS last_touch
      FROM (
        SELECT unnest(['landing_page', 'referrer', 'campaign']) AS dimension,
               unnest([way.landing_page, way.referrer, way.campaign]) AS value, touch, total, total_digits
          FROM touched
      )
     GROUP BY ALL
), placed_ways AS (
    SELECT dimension, value, coalesce(sessions, 0) AS sessions, coalesce(visitors, 0) AS visitors, first_touch,
           last_touch, count(*) OVER (PARTITION BY dimension) AS ways,
           CASE $order_by WHEN 'visitors' THEN coalesce(visitors, 0)
                WHEN 'first_touch_revenue' THEN coalesce(first_touch.sum, 0)
                WHEN 'last_touch_revenue' THEN coalesce(last_touch.sum, 0)
                WHEN 'value' THEN 0 ELSE coalesce(sessions, 0) END AS key,
           row_number() OVER (
               PARTITION BY dimension
               ORDER BY CASE WHEN $ascending THEN -key ELSE key END DESC,
                        CASE WHEN $order_by = 'value' AND NOT $ascending THEN value END DESC, value) AS place
      FROM came
      FULL JOIN paid USING (dimension, value)
)
-- The first of each tells how many there are, also where a page has none of them.
SELECT * EXCLUDE (key)
  FROM placed_ways
 WHERE place BETWEEN $first AND $last OR place = 1
 ORDER BY dimension, place

-- The page views of a row.
-- name: explain_row
SELECT dataset, 'page_view' AS type, occurred_at, position, tie_breaker, event_id
  FROM counted_page_views
 WHERE occurred_at >= $from_at::TIMESTAMP AND occurred_at < $to_at::TIMESTAMP

-- The first page views of the sessions that came one way; `encoded` are the forms
-- in which the campaign stands in addresses.
-- name: explain_way
SELECT dataset, 'page_view' AS type, occurred_at, position, tie_breaker, event_id
  FROM sessions
 WHERE occurred_at >= $from_at::TIMESTAMP AND matching
   AND CASE $dimension
       WHEN 'landing_page' THEN landing_page = $value::VARCHAR
       WHEN 'referrer' THEN referrer = $value::VARCHAR
       ELSE CASE WHEN campaign_encoded THEN list_contains($encoded::VARCHAR[], campaign)
                 ELSE campaign = $value::VARCHAR END
       END
