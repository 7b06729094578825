-- Sales: orders at the time they count, refunds at theirs. Where the rows of the
-- report begin is worked out beforehand, so no time zone is needed here.

-- The first and last time of what the report counts, for ranges that are open.
-- name: extent
SELECT min(counted_at) AS first, max(counted_at) AS last
  FROM (
    SELECT ordered_at AS counted_at FROM counted_orders
     UNION ALL
    SELECT occurred_at FROM counted_refunds WHERE amount IS NOT NULL
  )
 WHERE counted_at >= $from_at::TIMESTAMP AND counted_at < $to_at::TIMESTAMP

-- Each currency's sums, by the number of the report's row; number 0 is the whole
-- range. A customer of several rows counts once in the whole range, and is new
-- where the first order ever, whatever its currency and source, lies in the row.
-- name: sales
WITH intervals AS (
    SELECT unnest($starts::TIMESTAMP[]) AS begins_at, generate_subscripts($starts::TIMESTAMP[], 1) AS number
), placed AS MATERIALIZED (
    SELECT o.*, i.number, i.begins_at, coalesce(c.customer, o.subject) AS customer
      FROM counted_orders o
      ASOF JOIN intervals i ON o.ordered_at >= i.begins_at
      LEFT JOIN customers_of c ON c.subject = o.subject
     WHERE o.ordered_at >= $from_at::TIMESTAMP AND o.ordered_at < $to_at::TIMESTAMP
), ordered AS (
    SELECT currency, coalesce(number, 0) AS number, count(*) AS orders, sum(units)::BIGINT AS units,
           amount(total, total_digits) AS gross, amount(total_discount, total_discount_digits) AS discounts,
           amount(total_tax, total_tax_digits) AS tax, amount(total_shipping, total_shipping_digits) AS shipping
      FROM placed
     GROUP BY GROUPING SETS ((currency, number), (currency))
), costs AS (
    SELECT l.currency, coalesce(i.number, 0) AS number, amount(l.cost * l.quantity, l.cost_digits) AS cost,
           amount((l.price - l.cost) * l.quantity, greatest(l.price_digits, l.cost_digits)) AS margin
      FROM counted_order_lines l
      ASOF JOIN intervals i ON l.ordered_at >= i.begins_at
     WHERE l.ordered_at >= $from_at::TIMESTAMP AND l.ordered_at < $to_at::TIMESTAMP AND l.cost IS NOT NULL
     GROUP BY GROUPING SETS ((l.currency, i.number), (l.currency))
), refunded AS (
    SELECT f.currency, coalesce(i.number, 0) AS number, amount(f.amount, f.amount_digits) AS refunds
      FROM counted_refunds f
      ASOF JOIN intervals i ON f.occurred_at >= i.begins_at
     WHERE f.occurred_at >= $from_at::TIMESTAMP AND f.occurred_at < $to_at::TIMESTAMP AND f.amount IS NOT NULL
     GROUP BY GROUPING SETS ((f.currency, i.number), (f.currency))
), firsts AS (
    SELECT coalesce(c.customer, o.subject) AS customer, min(o.ordered_at) AS first_at
      FROM orders o
      LEFT JOIN customers_of c ON c.subject = o.subject
     WHERE $include_bots OR NOT o.bot
     GROUP BY ALL
), buyers AS MATERIALIZED (
    SELECT p.currency, p.number, p.customer, f.first_at >= $from_at::TIMESTAMP AS new_in_range,
           f.first_at >= greatest($from_at::TIMESTAMP, p.begins_at) AS new_in_row
      FROM (SELECT DISTINCT currency, number, begins_at, customer FROM placed) p
      JOIN firsts f ON f.customer = p.customer
), bought AS (
    SELECT currency, number, count(*) AS customers, count(*) FILTER (WHERE new_in_row) AS new_customers
      FROM buyers
     GROUP BY ALL
     UNION ALL
    SELECT currency, 0, count(*), count(*) FILTER (WHERE new_in_range)
      FROM (SELECT DISTINCT currency, customer, new_in_range FROM buyers)
     GROUP BY ALL
)
SELECT *
  FROM ordered
  FULL JOIN costs USING (currency, number)
  FULL JOIN refunded USING (currency, number)
  FULL JOIN bought USING (currency, number)

-- The orders and refunds of a row.
-- name: explain_row
SELECT dataset, 'order' AS type, occurred_at, position, tie_breaker, event_id
  FROM counted_orders
 WHERE ordered_at >= $from_at::TIMESTAMP AND ordered_at < $to_at::TIMESTAMP
 UNION ALL
SELECT dataset, 'refund', occurred_at, position, tie_breaker, event_id
  FROM counted_refunds
 WHERE occurred_at >= $from_at::TIMESTAMP AND occurred_at < $to_at::TIMESTAMP AND amount IS NOT NULL
