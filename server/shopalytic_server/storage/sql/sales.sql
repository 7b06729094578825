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
        AND (%(source)s::text IS NULL OR o.source = %(source)s::text) AND (%(include_bots)s::boolean OR NOT o.bot)
      ORDER BY o.ordered_at LIMIT 1)
     UNION ALL
    (SELECT o.ordered_at AS at FROM order_revisions o
      WHERE o.dataset_id = d.dataset_id AND o.current
        AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
        AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
        AND (%(source)s::text IS NULL OR o.source = %(source)s::text) AND (%(include_bots)s::boolean OR NOT o.bot)
      ORDER BY o.ordered_at DESC LIMIT 1)
     UNION ALL
    (SELECT f.occurred_at AS at FROM refunds f
      WHERE f.dataset_id = d.dataset_id AND f.amount IS NOT NULL
        AND f.occurred_at >= %(from_at)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz
        AND (%(currency)s::text IS NULL OR f.currency = %(currency)s::text)
        AND (%(source)s::text IS NULL OR f.source = %(source)s::text) AND (%(include_bots)s::boolean OR NOT f.bot)
      ORDER BY f.occurred_at LIMIT 1)
     UNION ALL
    (SELECT f.occurred_at AS at FROM refunds f
      WHERE f.dataset_id = d.dataset_id AND f.amount IS NOT NULL
        AND f.occurred_at >= %(from_at)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz
        AND (%(currency)s::text IS NULL OR f.currency = %(currency)s::text)
        AND (%(source)s::text IS NULL OR f.source = %(source)s::text) AND (%(include_bots)s::boolean OR NOT f.bot)
      ORDER BY f.occurred_at DESC LIMIT 1)
  ) AS found

-- A row per currency and bucket, and one per currency (bucket NULL) for the
-- whole range, in which a customer of several buckets counts once. Customers
-- are joined table by table: the planner cannot look subjects up through the
-- view subject_customers, it would read all of it.
-- name: orders
WITH placed AS MATERIALIZED (
    SELECT o.currency, width_bucket(o.ordered_at, %(starts)s::timestamptz[]) AS bucket, o.units, o.total,
           coalesce(named.customer_id, owner.customer_id, o.subject) AS customer_id
      FROM order_revisions o
      LEFT JOIN identities named ON named.dataset_id = o.dataset_id AND named.subject = o.subject
      LEFT JOIN tracking_links l ON l.dataset_id = o.dataset_id AND l.subject = o.subject AND l.owner
      LEFT JOIN identities owner ON owner.dataset_id = l.dataset_id AND owner.identity = l.identity
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
       AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
       AND (%(source)s::text IS NULL OR o.source = %(source)s::text) AND (%(include_bots)s::boolean OR NOT o.bot)
)
SELECT currency, bucket, count(*) AS orders, sum(units)::bigint AS units, sum(total) AS gross,
       count(DISTINCT customer_id) AS customers
  FROM placed
 GROUP BY currency, bucket
 UNION ALL
SELECT currency, NULL, count(*), sum(units)::bigint, sum(total), count(DISTINCT customer_id)
  FROM placed
 GROUP BY currency

-- name: refunds
WITH given AS MATERIALIZED (
    SELECT f.currency, width_bucket(f.occurred_at, %(starts)s::timestamptz[]) AS bucket, f.amount
      FROM refunds f
     WHERE f.dataset_id = ANY(%(datasets)s::int[]) AND f.amount IS NOT NULL
       AND f.occurred_at >= %(from_at)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz
       AND (%(currency)s::text IS NULL OR f.currency = %(currency)s::text)
       AND (%(source)s::text IS NULL OR f.source = %(source)s::text) AND (%(include_bots)s::boolean OR NOT f.bot)
)
SELECT currency, bucket, sum(amount) AS refunds FROM given GROUP BY currency, bucket
 UNION ALL
SELECT currency, NULL, sum(amount) FROM given GROUP BY currency
