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

-- Each currency's sums, by the number of the report's row and the values of a
-- breakdown; number 0 is the whole range. A customer of several rows counts once in
-- the whole range, and is new where the first order ever, whatever its currency and
-- source, lies in the row. Of the rows that share one order the closing one counts it.
-- name: sales
WITH intervals AS (
    SELECT unnest($starts::TIMESTAMP[]) AS begins_at, unnest($ends::TIMESTAMP[]) AS ends_at,
           generate_subscripts($starts::TIMESTAMP[], 1) AS number
), placed AS MATERIALIZED (
    SELECT o.*, i.number, i.begins_at, i.ends_at, coalesce(c.customer, o.subject) AS customer,
           c.customer IS NOT NULL AS known
      FROM counted_orders o
      ASOF JOIN intervals i ON o.ordered_at >= i.begins_at
      LEFT JOIN customers_of c ON c.subject = o.subject
     WHERE o.ordered_at >= $from_at::TIMESTAMP AND o.ordered_at < $to_at::TIMESTAMP
), ordered AS (
    SELECT currency, by_1, by_2, coalesce(number, 0) AS number, count(*) FILTER (WHERE closing) AS orders,
           count(*) FILTER (WHERE closing AND NOT known) AS guest_orders,
           sum(units)::BIGINT AS units, amount(quantity, quantity_digits) AS quantity,
           amount(total - coalesce(total_tax, 0) - coalesce(total_shipping, 0),
                  greatest(total_digits, coalesce(total_tax_digits, 0), coalesce(total_shipping_digits, 0))) AS kept,
           amount(subtotal, subtotal_digits) AS gross_sales,
           amount(total, total_digits) AS gross, amount(total_discount, total_discount_digits) AS discounts,
           amount(total_tax, total_tax_digits) AS tax, amount(total_shipping, total_shipping_digits) AS shipping
      FROM placed
     GROUP BY GROUPING SETS ((currency, by_1, by_2, number), (currency, by_1, by_2))
), costs AS (
    SELECT l.currency, l.by_1, l.by_2, coalesce(i.number, 0) AS number, count(*) AS lines,
           count(l.cost) AS lines_with_cost, amount(l.cost * l.quantity, l.cost_digits + l.quantity_digits) AS cost,
           amount((l.price - l.cost) * l.quantity, CASE WHEN l.cost IS NOT NULL THEN greatest(l.price_digits, l.cost_digits) + l.quantity_digits END) AS margin
      FROM counted_order_lines l
      ASOF JOIN intervals i ON l.ordered_at >= i.begins_at
     WHERE l.ordered_at >= $from_at::TIMESTAMP AND l.ordered_at < $to_at::TIMESTAMP
     GROUP BY GROUPING SETS ((l.currency, l.by_1, l.by_2, i.number), (l.currency, l.by_1, l.by_2))
), refunded AS (
    SELECT f.currency, f.by_1, f.by_2, coalesce(i.number, 0) AS number, amount(f.amount, f.amount_digits) AS refunds
      FROM counted_refunds f
      ASOF JOIN intervals i ON f.occurred_at >= i.begins_at
     WHERE f.occurred_at >= $from_at::TIMESTAMP AND f.occurred_at < $to_at::TIMESTAMP AND f.amount IS NOT NULL
     GROUP BY GROUPING SETS ((f.currency, f.by_1, f.by_2, i.number), (f.currency, f.by_1, f.by_2))
), returned AS (
    SELECT r.currency, r.by_1, r.by_2, coalesce(i.number, 0) AS number, amount(r.amount, r.amount_digits) AS returns,
           amount(r.tax, r.tax_digits) AS tax_refunds, amount(r.shipping, r.shipping_digits) AS shipping_refunds
      FROM counted_returns r
      ASOF JOIN intervals i ON r.occurred_at >= i.begins_at
     WHERE r.occurred_at >= $from_at::TIMESTAMP AND r.occurred_at < $to_at::TIMESTAMP
     GROUP BY GROUPING SETS ((r.currency, r.by_1, r.by_2, i.number), (r.currency, r.by_1, r.by_2))
), reversed AS (
    SELECT r.currency, r.by_1, r.by_2, coalesce(i.number, 0) AS number, amount(r.revenue, r.digits) AS given_back,
           amount(r.cost, r.cost_digits) AS cost_back
      FROM counted_reversals r
      ASOF JOIN intervals i ON r.occurred_at >= i.begins_at
     WHERE r.occurred_at >= $from_at::TIMESTAMP AND r.occurred_at < $to_at::TIMESTAMP
     GROUP BY GROUPING SETS ((r.currency, r.by_1, r.by_2, i.number), (r.currency, r.by_1, r.by_2))
), firsts AS (
    -- The first two orders ever.
    SELECT coalesce(c.customer, o.subject) AS customer, min(o.ordered_at, 2) AS times
      FROM orders o
      LEFT JOIN customers_of c ON c.subject = o.subject
     WHERE o.ordered_at < $to_at::TIMESTAMP AND ($include_bots OR NOT o.bot)
     GROUP BY ALL
), buyers AS MATERIALIZED (
    SELECT p.currency, p.by_1, p.by_2, p.number, p.customer, p.known, f.times[1] >= $from_at::TIMESTAMP AS new_in_range,
           f.times[1] >= greatest($from_at::TIMESTAMP, p.begins_at) AS new_in_row, len(f.times) = 2 AS repeated,
           coalesce(f.times[2] < p.ends_at, false) AS repeated_by_then
      FROM (SELECT DISTINCT currency, by_1, by_2, number, begins_at, ends_at, customer, known
              FROM placed
             WHERE closing) p
      JOIN firsts f ON f.customer = p.customer
), bought AS (
    SELECT currency, by_1, by_2, number, count(*) AS customers, count(*) FILTER (WHERE new_in_row) AS new_customers,
           count(*) FILTER (WHERE known) AS known_customers,
           count(*) FILTER (WHERE known AND repeated_by_then) AS repeat_customers
      FROM buyers
     GROUP BY ALL
     UNION ALL
    SELECT currency, by_1, by_2, 0, count(*), count(*) FILTER (WHERE new_in_range), count(*) FILTER (WHERE known),
           count(*) FILTER (WHERE known AND repeated)
      FROM (SELECT DISTINCT currency, by_1, by_2, customer, known, new_in_range, repeated FROM buyers)
     GROUP BY ALL
)
SELECT *
  FROM ordered
  FULL JOIN costs USING (currency, by_1, by_2, number)
  FULL JOIN refunded USING (currency, by_1, by_2, number)
  FULL JOIN returned USING (currency, by_1, by_2, number)
  FULL JOIN reversed USING (currency, by_1, by_2, number)
  FULL JOIN bought USING (currency, by_1, by_2, number)

-- The orders and refunds of a row.
-- name: explain_row
SELECT DISTINCT dataset, 'order' AS type, occurred_at, position, tie_breaker, event_id
  FROM counted_orders
 WHERE ordered_at >= $from_at::TIMESTAMP AND ordered_at < $to_at::TIMESTAMP
 UNION ALL
SELECT DISTINCT dataset, 'refund', occurred_at, position, tie_breaker, event_id
  FROM counted_refunds
 WHERE occurred_at >= $from_at::TIMESTAMP AND occurred_at < $to_at::TIMESTAMP AND amount IS NOT NULL
