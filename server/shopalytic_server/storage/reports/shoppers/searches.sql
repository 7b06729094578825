-- What people look for. Times are compared as they are, so no time zone is needed.

-- name: searched
SELECT coalesce(c.customer, s.subject) AS customer, s.occurred_at, s.by_1, s.by_2, s.dataset, s.position,
       s.tie_breaker, s.event_id,
       coalesce(s.results = 0, false) AS found_nothing,
       trim(regexp_replace(lower(s.query), '\s+', ' ', 'g')) AS query
  FROM counted_searches s
  LEFT JOIN customers_of c ON c.subject = s.subject
 WHERE s.occurred_at >= $from_at::TIMESTAMP AND s.occurred_at < $to_at::TIMESTAMP
   AND (NOT $only_without_results::BOOLEAN OR coalesce(s.results = 0, false))

-- Each query with what came of it; a row of all together has no query. An order is of
-- its customer's last search in the day before it.
-- name: searches
WITH placed AS (
    SELECT coalesce(c.customer, o.subject) AS customer, o.ordered_at, o.currency, o.total, o.total_digits
      FROM orders o
      LEFT JOIN customers_of c ON c.subject = o.subject
     WHERE o.ordered_at >= $from_at::TIMESTAMP AND o.ordered_at < $to_at::TIMESTAMP
       AND ($source::VARCHAR IS NULL OR o.source = $source) AND ($include_bots OR NOT o.bot)
       AND ($currency::VARCHAR IS NULL OR o.currency = $currency)
), bought AS (
    SELECT s.query, s.by_1, s.by_2, count(*) AS orders,
           amount(CASE WHEN p.currency = $revenue_in THEN p.total END,
                  CASE WHEN p.currency = $revenue_in THEN p.total_digits END) AS total_sales
      FROM placed p
      ASOF JOIN searched s ON s.customer = p.customer AND s.occurred_at <= p.ordered_at
     WHERE p.ordered_at - s.occurred_at <= to_hours(24)
     GROUP BY GROUPING SETS ((s.query, s.by_1, s.by_2), ())
), asked AS (
    SELECT query, by_1, by_2, count(*) AS searches, count(DISTINCT customer) AS visitors,
           count(*) FILTER (WHERE found_nothing) AS without_results
      FROM searched
     GROUP BY GROUPING SETS ((query, by_1, by_2), ())
)
SELECT * EXCLUDE (key, place)
  FROM (
    SELECT *, row_number() OVER (
                  PARTITION BY query IS NULL
                  ORDER BY CASE WHEN $ascending THEN -key ELSE key END DESC,
                           CASE WHEN $order_by = 'query' AND NOT $ascending THEN query END DESC, query, by_1, by_2)
                  AS place
      FROM (
        SELECT a.*, b.orders, b.total_sales, count(*) OVER () - 1 AS rows_found,
               CASE $order_by WHEN 'visitors' THEN a.visitors WHEN 'without_results' THEN a.without_results
                    WHEN 'orders' THEN coalesce(b.orders, 0) WHEN 'total_sales' THEN coalesce(b.total_sales.sum, 0)
                    WHEN 'query' THEN 0 ELSE a.searches END AS key
          FROM asked a
          LEFT JOIN bought b ON b.query IS NOT DISTINCT FROM a.query AND b.by_1 IS NOT DISTINCT FROM a.by_1
           AND b.by_2 IS NOT DISTINCT FROM a.by_2
      )
  )
 WHERE query IS NULL OR place BETWEEN $first AND $last
 ORDER BY query IS NULL DESC, place

-- The searches of a row; without a query all of them.
-- name: explain_row
SELECT dataset, 'search' AS type, occurred_at, position, tie_breaker, event_id
  FROM searched
 WHERE $query::VARCHAR IS NULL OR query = $query
