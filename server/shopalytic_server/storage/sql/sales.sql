-- Sales: orders at the time they count, refunds at theirs. Where the buckets
-- begin is worked out beforehand, so no time zone is needed here.

-- The first and last time of what a report counts, for ranges that are open.
-- name: extent
SELECT min(found.at) AS first, max(found.at) AS last
  FROM unnest(%(datasets)s::int[]) AS d (dataset_id)
 CROSS JOIN LATERAL (
    (SELECT o.ordered_at AS at FROM order_revisions o
      WHERE o.dataset_id = d.dataset_id AND o.current
        AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
        AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
        AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
        AND (%(include_bots)s::boolean OR NOT o.bot)
      ORDER BY o.ordered_at LIMIT 1)
     UNION ALL
    (SELECT o.ordered_at AS at FROM order_revisions o
      WHERE o.dataset_id = d.dataset_id AND o.current
        AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
        AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
        AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
        AND (%(include_bots)s::boolean OR NOT o.bot)
      ORDER BY o.ordered_at DESC LIMIT 1)
     UNION ALL
    (SELECT f.occurred_at AS at FROM refunds f
      WHERE f.dataset_id = d.dataset_id AND f.amount IS NOT NULL
        AND f.occurred_at >= %(from_at)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz
        AND (%(currency)s::text IS NULL OR f.currency = %(currency)s::text)
        AND (%(source)s::text IS NULL OR f.source = %(source)s::text)
        AND (%(include_bots)s::boolean OR NOT f.bot)
      ORDER BY f.occurred_at LIMIT 1)
     UNION ALL
    (SELECT f.occurred_at AS at FROM refunds f
      WHERE f.dataset_id = d.dataset_id AND f.amount IS NOT NULL
        AND f.occurred_at >= %(from_at)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz
        AND (%(currency)s::text IS NULL OR f.currency = %(currency)s::text)
        AND (%(source)s::text IS NULL OR f.source = %(source)s::text)
        AND (%(include_bots)s::boolean OR NOT f.bot)
      ORDER BY f.occurred_at DESC LIMIT 1)
  ) AS found

-- A row per currency and bucket, and one per currency (bucket NULL) for the
-- whole range.
-- name: orders
WITH placed AS MATERIALIZED (
    SELECT o.currency, width_bucket(o.ordered_at, %(starts)s::timestamptz[]) AS bucket, o.units, o.total,
           o.total_discount, o.total_tax, o.total_shipping
      FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
       AND o.ordered_at >= %(rows_from)s::timestamptz AND o.ordered_at < %(rows_to)s::timestamptz
       AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
       AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT o.bot)
)
SELECT currency, bucket, count(*) AS counted, count(*) AS orders, sum(units)::bigint AS units, sum(total) AS gross,
       coalesce(sum(total_discount), 0) AS discounts, coalesce(sum(total_tax), 0) AS tax,
       coalesce(sum(total_shipping), 0) AS shipping
  FROM placed
 GROUP BY GROUPING SETS ((currency, bucket), (currency))

-- Who ordered in each of these rows: a customer of several buckets counts once in
-- the whole range. Customers are joined table by table: the planner cannot look
-- subjects up through the view subject_customers, it would read all of it. A
-- customer is new where their first order ever, whatever its currency and source,
-- lies in the row.
-- name: customers
WITH placed AS MATERIALIZED (
    SELECT o.currency, width_bucket(o.ordered_at, %(starts)s::timestamptz[]) AS bucket, o.dataset_id,
           {customer_of_o} AS customer_id
      FROM order_revisions o
      {customers_of_o}
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
       AND o.ordered_at >= %(rows_from)s::timestamptz AND o.ordered_at < %(rows_to)s::timestamptz
       AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
       AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT o.bot)
), buyers AS MATERIALIZED (
    SELECT DISTINCT dataset_id, customer_id FROM placed
), members AS MATERIALIZED (
{members}
), firsts AS MATERIALIZED (
    SELECT m.dataset_id, m.customer_id, min(o.ordered_at) AS first_at
      FROM members m
      JOIN order_revisions o ON o.dataset_id = m.dataset_id AND o.subject = m.subject AND o.current
     WHERE o.ordered_at >= %(rows_from)s::timestamptz AND o.ordered_at < %(rows_to)s::timestamptz
       AND (%(include_bots)s::boolean OR NOT o.bot)
     GROUP BY m.dataset_id, m.customer_id
), counted AS MATERIALIZED (
    SELECT p.currency, p.bucket, p.dataset_id, p.customer_id,
           f.first_at >= %(from_at)s::timestamptz AS new_in_range,
           f.first_at >= greatest(%(from_at)s::timestamptz, (%(starts)s::timestamptz[])[p.bucket]) AS new_in_row
      FROM (SELECT DISTINCT currency, bucket, dataset_id, customer_id FROM placed) AS p
      JOIN firsts f ON f.dataset_id = p.dataset_id AND f.customer_id = p.customer_id
)
SELECT currency, bucket, count(*) AS counted, count(*) AS customers,
       count(*) FILTER (WHERE new_in_row) AS new_customers
  FROM counted
 GROUP BY currency, bucket
 UNION ALL
SELECT currency, NULL, count(*), count(*), count(*) FILTER (WHERE new_in_range)
  FROM (SELECT DISTINCT currency, dataset_id, customer_id, new_in_range FROM counted) AS once
 GROUP BY currency

-- Who ordered outside of the days that are kept.
-- name: live
    SELECT o.dataset_id, o.subject FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at < least(%(rows_from)s::timestamptz, %(to_at)s::timestamptz)
     UNION
    SELECT o.dataset_id, o.subject FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(rows_to)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz

-- What the ordered products cost, where the shop said so.
-- name: costs
WITH lines AS MATERIALIZED (
    SELECT o.currency, width_bucket(o.ordered_at, %(starts)s::timestamptz[]) AS bucket,
           i.cost * i.qty AS cost, (i.price - i.cost) * i.qty AS margin
      FROM order_revisions o
      JOIN order_items i ON i.dataset_id = o.dataset_id AND i.order_id = o.order_id AND i.content = o.content
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current AND i.cost IS NOT NULL
       AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
       AND o.ordered_at >= %(rows_from)s::timestamptz AND o.ordered_at < %(rows_to)s::timestamptz
       AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
       AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT o.bot)
)
SELECT currency, bucket, count(*) AS counted, sum(cost) AS cost, sum(margin) AS margin
  FROM lines
 GROUP BY GROUPING SETS ((currency, bucket), (currency))

-- name: refunds
WITH given AS MATERIALIZED (
    SELECT f.currency, width_bucket(f.occurred_at, %(starts)s::timestamptz[]) AS bucket, f.amount
      FROM refunds f
     WHERE f.dataset_id = ANY(%(datasets)s::int[]) AND f.amount IS NOT NULL
       AND f.occurred_at >= %(from_at)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz
       AND f.occurred_at >= %(rows_from)s::timestamptz AND f.occurred_at < %(rows_to)s::timestamptz
       AND (%(currency)s::text IS NULL OR f.currency = %(currency)s::text)
       AND (%(source)s::text IS NULL OR f.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT f.bot)
)
SELECT currency, bucket, count(*) AS counted, sum(amount) AS refunds
  FROM given
 GROUP BY GROUPING SETS ((currency, bucket), (currency))

-- The orders and refunds of a row.
-- name: explain_row
SELECT o.dataset_id, o.subject, o.occurred_at, o.event_id
  FROM order_revisions o
 WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
   AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
   AND o.currency = %(currency)s::text
   AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
   AND (%(include_bots)s::boolean OR NOT o.bot)
 UNION ALL
SELECT f.dataset_id, f.subject, f.occurred_at, f.event_id
  FROM refunds f
 WHERE f.dataset_id = ANY(%(datasets)s::int[]) AND f.amount IS NOT NULL
   AND f.occurred_at >= %(from_at)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz
   AND f.currency = %(currency)s::text
   AND (%(source)s::text IS NULL OR f.source = %(source)s::text)
   AND (%(include_bots)s::boolean OR NOT f.bot)
