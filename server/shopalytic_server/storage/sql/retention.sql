-- Retention. Where cohorts and periods begin is worked out beforehand, so no
-- time zone is needed here.

-- The first order, and the last order or refund, of the customers that count.
-- name: extent
SELECT min(found.at) FILTER (WHERE found.is_order) AS first, max(found.at) AS last
  FROM unnest(%(datasets)s::int[]) AS d (dataset_id)
 CROSS JOIN LATERAL (
    (SELECT true AS is_order, o.ordered_at AS at
       FROM order_revisions o
       LEFT JOIN identities named ON named.dataset_id = o.dataset_id AND named.subject = o.subject
       LEFT JOIN tracking_links l ON l.dataset_id = o.dataset_id AND l.subject = o.subject AND l.owner
      WHERE o.dataset_id = d.dataset_id AND o.current
        AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
        AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
        AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
        AND (%(include_bots)s::boolean OR NOT o.bot)
        AND (%(include_visitors)s::boolean OR num_nonnulls(named.subject, l.subject) > 0)
      ORDER BY o.ordered_at LIMIT 1)
     UNION ALL
    (SELECT true, o.ordered_at
       FROM order_revisions o
       LEFT JOIN identities named ON named.dataset_id = o.dataset_id AND named.subject = o.subject
       LEFT JOIN tracking_links l ON l.dataset_id = o.dataset_id AND l.subject = o.subject AND l.owner
      WHERE o.dataset_id = d.dataset_id AND o.current
        AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
        AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
        AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
        AND (%(include_bots)s::boolean OR NOT o.bot)
        AND (%(include_visitors)s::boolean OR num_nonnulls(named.subject, l.subject) > 0)
      ORDER BY o.ordered_at DESC LIMIT 1)
     UNION ALL
    (SELECT false, f.occurred_at
       FROM refunds f
       LEFT JOIN order_revisions o ON o.dataset_id = f.dataset_id AND o.order_id = f.order_id AND o.current
       LEFT JOIN identities named
         ON named.dataset_id = f.dataset_id AND named.subject = coalesce(o.subject, f.subject)
       LEFT JOIN tracking_links l
         ON l.dataset_id = f.dataset_id AND l.subject = coalesce(o.subject, f.subject) AND l.owner
      WHERE f.dataset_id = d.dataset_id AND f.amount IS NOT NULL
        AND f.occurred_at >= %(from_at)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz
        AND (%(currency)s::text IS NULL OR f.currency = %(currency)s::text)
        AND (%(source)s::text IS NULL OR f.source = %(source)s::text)
        AND (%(include_bots)s::boolean OR NOT f.bot)
        AND (%(include_visitors)s::boolean OR num_nonnulls(named.subject, l.subject) > 0)
      ORDER BY f.occurred_at DESC LIMIT 1)
  ) AS found

-- The orders and refunds of all cohorts' customers: the interval of the
-- customer's first order, the one of the order or refund, and what it adds to
-- net. Intervals count from 1; orders before the range are in interval 0, whose
-- customers are no cohort. They are looked up by the subjects of those who
-- ordered in the range, so that older orders are not all read (IS TRUE keeps the
-- planner from looking each of them up by time). What belongs to one customer is
-- brought together by windows: joins would be quadratic whenever the planner
-- expects too few rows.
-- name: moves
WITH placed AS MATERIALIZED (
    SELECT o.dataset_id, {customer_of_o} AS customer_id,
           width_bucket(o.ordered_at, %(starts)s::timestamptz[]) AS period,
           o.subject, o.occurred_at, o.event_id, o.currency, o.total
      FROM order_revisions o
      {customers_of_o}
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(from_at)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
       AND o.ordered_at >= %(rows_from)s::timestamptz AND o.ordered_at < %(rows_to)s::timestamptz
       AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
       AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT o.bot)
       AND (%(include_visitors)s::boolean OR {known_of_o})
), buyers AS MATERIALIZED (
    SELECT DISTINCT dataset_id, customer_id FROM placed
), members AS (
{members}
), moves AS (
    SELECT p.dataset_id, p.customer_id, p.period, true AS is_order, p.subject, p.occurred_at, p.event_id,
           p.currency, p.total AS amount
      FROM placed p
     UNION ALL
    SELECT m.dataset_id, m.customer_id, 0, true, o.subject, o.occurred_at, o.event_id, o.currency, o.total
      FROM members m
      JOIN order_revisions o ON o.dataset_id = m.dataset_id AND o.subject = m.subject AND o.current
     WHERE (o.ordered_at < %(from_at)s::timestamptz) IS TRUE
       AND (o.ordered_at >= %(rows_from)s::timestamptz) IS TRUE AND (o.ordered_at < %(rows_to)s::timestamptz) IS TRUE
       AND (%(currency)s::text IS NULL OR o.currency = %(currency)s::text)
       AND (%(source)s::text IS NULL OR o.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT o.bot)
     UNION ALL
    SELECT v.dataset_id, {customer_of_v}, width_bucket(v.occurred_at, %(starts)s::timestamptz[]), false, v.sender,
           v.occurred_at, v.event_id, v.currency, -v.amount
      FROM (
        SELECT f.dataset_id, coalesce(o.subject, f.subject) AS subject, f.subject AS sender, f.occurred_at,
               f.event_id, f.currency, f.amount
          FROM refunds f
          LEFT JOIN order_revisions o ON o.dataset_id = f.dataset_id AND o.order_id = f.order_id AND o.current
         WHERE f.dataset_id = ANY(%(datasets)s::int[]) AND f.amount IS NOT NULL
           AND f.occurred_at >= %(from_at)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz
           AND f.occurred_at >= %(rows_from)s::timestamptz AND f.occurred_at < %(rows_to)s::timestamptz
           AND (%(currency)s::text IS NULL OR f.currency = %(currency)s::text)
           AND (%(source)s::text IS NULL OR f.source = %(source)s::text)
           AND (%(include_bots)s::boolean OR NOT f.bot)
      ) AS v
      {customers_of_v}
), together AS (
    SELECT m.*, min(m.period) FILTER (WHERE m.is_order) OVER (PARTITION BY m.dataset_id, m.customer_id) AS cohort
      FROM moves m
)
SELECT * FROM together WHERE cohort > 0 AND period >= cohort

-- Customers per cohort and period (currency NULL), and net per currency.
-- name: periods
WITH moves AS MATERIALIZED (
{moves}
)
SELECT cohort, period, NULL AS currency, count(*) AS counted, count(*) AS customers, 0::numeric AS net
  FROM (SELECT DISTINCT cohort, period, dataset_id, customer_id FROM moves WHERE is_order) AS ordered
 GROUP BY cohort, period
 UNION ALL
SELECT cohort, period, currency, count(*), 0, sum(amount)
  FROM moves
 GROUP BY cohort, period, currency

-- Who ordered, or got money back, outside of the days that are kept.
-- name: live
    SELECT o.dataset_id, o.subject FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at < least(%(rows_from)s::timestamptz, %(to_at)s::timestamptz)
     UNION
    SELECT o.dataset_id, o.subject FROM order_revisions o
     WHERE o.dataset_id = ANY(%(datasets)s::int[]) AND o.current
       AND o.ordered_at >= %(rows_to)s::timestamptz AND o.ordered_at < %(to_at)s::timestamptz
     UNION
    SELECT f.dataset_id, coalesce(o.subject, f.subject)
      FROM refunds f
      LEFT JOIN order_revisions o ON o.dataset_id = f.dataset_id AND o.order_id = f.order_id AND o.current
     WHERE f.dataset_id = ANY(%(datasets)s::int[])
       AND f.occurred_at < least(%(rows_from)s::timestamptz, %(to_at)s::timestamptz)
     UNION
    SELECT f.dataset_id, coalesce(o.subject, f.subject)
      FROM refunds f
      LEFT JOIN order_revisions o ON o.dataset_id = f.dataset_id AND o.order_id = f.order_id AND o.current
     WHERE f.dataset_id = ANY(%(datasets)s::int[])
       AND f.occurred_at >= %(rows_to)s::timestamptz AND f.occurred_at < %(to_at)s::timestamptz

-- name: explain_period
WITH moves AS (
{moves}
)
SELECT dataset_id, subject, occurred_at, event_id
  FROM moves
 WHERE cohort = %(cohort)s::int AND period = %(period)s::int
