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
-- whole range, in which a customer of several buckets counts once. Customers
-- are joined table by table: the planner cannot look subjects up through the
-- view subject_customers, it would read all of it. A customer is new where
-- their first order ever, whatever its currency and source, lies in the row.
-- name: orders
WITH placed AS MATERIALIZED (
    SELECT o.currency, width_bucket(o.ordered_at, %(starts)s::timestamptz[]) AS bucket, o.units, o.total,
           o.total_discount, o.total_tax, o.total_shipping, o.dataset_id,
           coalesce(named.customer_id, owner.customer_id, o.subject) AS customer_id
      FROM order_revisions o
      LEFT JOIN identities named ON named.dataset_id = o.dataset_id AND named.subject = o.subject
      LEFT JOIN tracking_links l ON l.dataset_id = o.dataset_id AND l.subject = o.subject AND l.owner
      LEFT JOIN identities owner ON owner.dataset_id = l.dataset_id AND owner.identity = l.identity
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
       AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
       AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT o.bot)
), buyers AS MATERIALIZED (
    SELECT DISTINCT dataset_id, customer_id FROM placed
), members AS MATERIALIZED (
    SELECT dataset_id, customer_id, customer_id AS subject FROM buyers
     UNION
    SELECT i.dataset_id, i.customer_id, i.subject
      FROM buyers b
      JOIN identities i ON i.dataset_id = b.dataset_id AND i.customer_id = b.customer_id
     UNION
    SELECT l.dataset_id, i.customer_id, l.subject
      FROM buyers b
      JOIN identities i ON i.dataset_id = b.dataset_id AND i.customer_id = b.customer_id
      JOIN tracking_links l ON l.dataset_id = i.dataset_id AND l.identity = i.identity AND l.owner
), firsts AS MATERIALIZED (
    SELECT m.dataset_id, m.customer_id, min(o.ordered_at) AS first_at
      FROM members m
      JOIN order_revisions o ON o.dataset_id = m.dataset_id AND o.subject = m.subject AND o.current
     WHERE %(include_bots)s::boolean OR NOT o.bot
     GROUP BY m.dataset_id, m.customer_id
), counted AS MATERIALIZED (
    SELECT p.*, ROW(p.dataset_id, p.customer_id) AS customer, f.first_at >= %(from_at)s::timestamptz AS new_in_range,
           f.first_at >= greatest(%(from_at)s::timestamptz, (%(starts)s::timestamptz[])[p.bucket]) AS new_in_row
      FROM placed p
      JOIN firsts f ON f.dataset_id = p.dataset_id AND f.customer_id = p.customer_id
)
SELECT currency, bucket, count(*) AS orders, sum(units)::bigint AS units, sum(total) AS gross,
       coalesce(sum(total_discount), 0) AS discounts, coalesce(sum(total_tax), 0) AS tax,
       coalesce(sum(total_shipping), 0) AS shipping, count(DISTINCT customer) AS customers,
       count(DISTINCT customer) FILTER (WHERE new_in_row) AS new_customers
  FROM counted
 GROUP BY currency, bucket
 UNION ALL
SELECT currency, NULL, count(*), sum(units)::bigint, sum(total), coalesce(sum(total_discount), 0),
       coalesce(sum(total_tax), 0), coalesce(sum(total_shipping), 0), count(DISTINCT customer),
       count(DISTINCT customer) FILTER (WHERE new_in_range)
  FROM counted
 GROUP BY currency

-- What the ordered products cost, where the shop said so.
-- name: costs
WITH lines AS MATERIALIZED (
    SELECT o.currency, width_bucket(o.ordered_at, %(starts)s::timestamptz[]) AS bucket,
           i.cost * i.qty AS cost, (i.price - i.cost) * i.qty AS margin
      FROM order_revisions o
      JOIN order_items i ON i.dataset_id = o.dataset_id AND i.order_id = o.order_id AND i.content = o.content
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current AND i.cost IS NOT NULL
       AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
       AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
       AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT o.bot)
)
SELECT currency, bucket, sum(cost) AS cost, sum(margin) AS margin FROM lines GROUP BY currency, bucket
 UNION ALL
SELECT currency, NULL, sum(cost), sum(margin) FROM lines GROUP BY currency

-- name: refunds
WITH given AS MATERIALIZED (
    SELECT f.currency, width_bucket(f.occurred_at, %(starts)s::timestamptz[]) AS bucket, f.amount
      FROM refunds f
     WHERE f.dataset_id = ANY(%(datasets)s::int[]) AND f.amount IS NOT NULL
       AND f.occurred_at >= %(from_at)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz
       AND (%(currency)s::text IS NULL OR f.currency = %(currency)s::text)
       AND (%(source)s::text IS NULL OR f.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT f.bot)
)
SELECT currency, bucket, sum(amount) AS refunds FROM given GROUP BY currency, bucket
 UNION ALL
SELECT currency, NULL, sum(amount) FROM given GROUP BY currency

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
