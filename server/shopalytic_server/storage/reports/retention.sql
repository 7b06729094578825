-- Retention. Where cohorts and periods begin is worked out beforehand, so no
-- time zone is needed here.

-- The first order, and the last order or refund, of the customers that count.
-- name: extent
WITH placed AS (
    SELECT o.ordered_at AS counted_at, true AS is_order
      FROM counted_orders o
      LEFT JOIN customers_of c ON c.subject = o.subject
     WHERE $include_visitors OR c.customer IS NOT NULL
     UNION ALL
    SELECT f.occurred_at, false
      FROM counted_refunds f
      LEFT JOIN orders o ON o.order_key = f.order_key
      LEFT JOIN customers_of c ON c.subject = coalesce(o.subject, f.subject)
     WHERE f.amount IS NOT NULL AND ($include_visitors OR c.customer IS NOT NULL)
)
SELECT min(counted_at) FILTER (WHERE is_order) AS first, max(counted_at) AS last
  FROM placed
 WHERE counted_at >= $from_at::TIMESTAMP AND counted_at < $to_at::TIMESTAMP

-- The orders until the range's end, and the refunds in it, of the customers that count.
-- name: moves
SELECT o.dataset, coalesce(c.customer, o.subject) AS customer, true AS is_order, o.ordered_at AS counted_at,
       o.occurred_at, o.position, o.tie_breaker, o.event_id, o.currency, o.total AS amount, o.total_digits AS digits
  FROM counted_orders o
  LEFT JOIN customers_of c ON c.subject = o.subject
 WHERE o.ordered_at < $to_at::TIMESTAMP AND ($include_visitors::BOOLEAN OR c.customer IS NOT NULL)
 UNION ALL
SELECT f.dataset, coalesce(c.customer, o.subject, f.subject), false, f.occurred_at, f.occurred_at, f.position,
       f.tie_breaker, f.event_id, f.currency, -f.amount, f.amount_digits
  FROM counted_refunds f
  LEFT JOIN orders o ON o.order_key = f.order_key
  LEFT JOIN customers_of c ON c.subject = coalesce(o.subject, f.subject)
 WHERE f.occurred_at >= $from_at::TIMESTAMP AND f.occurred_at < $to_at::TIMESTAMP AND f.amount IS NOT NULL
   AND ($include_visitors::BOOLEAN OR c.customer IS NOT NULL)

-- Each customer's first order among those that the filters leave, with the values of
-- a breakdown; who ordered before the range is in no cohort.
-- name: cohorts
SELECT f.customer, f.first_at, o.by_1, o.by_2
  FROM (SELECT customer, min(counted_at) AS first_at,
               first(event_id ORDER BY counted_at, position, tie_breaker, event_id) AS event_id
          FROM moves
         WHERE is_order
         GROUP BY customer
        HAVING min(counted_at) >= $from_at::TIMESTAMP) f
  JOIN counted_orders o ON o.event_id = f.event_id AND o.closing

-- The moves of cohorts in the intervals of the report, which count from 1.
-- name: placed
WITH intervals AS (
    SELECT unnest($starts::TIMESTAMP[]) AS begins_at, generate_subscripts($starts::TIMESTAMP[], 1) AS number
)
SELECT m.*, c.by_1, c.by_2, came.number AS cohort, now.number AS period
  FROM moves m
  JOIN cohorts c ON c.customer = m.customer
  ASOF JOIN intervals came ON c.first_at >= came.begins_at
  ASOF JOIN intervals now ON m.counted_at >= now.begins_at
 WHERE m.counted_at >= $from_at::TIMESTAMP

-- Customers per cohort and period (currency NULL), and net per currency.
-- name: periods
SELECT by_1, by_2, cohort, period, NULL AS currency, count(DISTINCT customer) AS customers, NULL AS net
  FROM placed
 WHERE is_order AND period >= cohort
 GROUP BY ALL
 UNION ALL
SELECT by_1, by_2, cohort, period, currency, 0, amount(amount, digits)
  FROM placed
 WHERE period >= cohort
 GROUP BY by_1, by_2, cohort, period, currency

-- The orders and refunds of a cell.
-- name: explain_period
SELECT DISTINCT dataset, CASE WHEN is_order THEN 'order' ELSE 'refund' END AS type, occurred_at, position,
       tie_breaker, event_id
  FROM placed
 WHERE cohort = $cohort::INTEGER AND period = $period::INTEGER
   AND ($by_1::VARCHAR IS NULL OR by_1 = $by_1) AND ($by_2::VARCHAR IS NULL OR by_2 = $by_2)
