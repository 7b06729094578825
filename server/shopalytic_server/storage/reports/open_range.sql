-- Where a shop's data begins and ends, by the times that reports go by. Each of them
-- has an index.

-- name: ends
SELECT min(each.first) AS first, max(each.last) AS last
  FROM (
    SELECT first.at AS first, last.at AS last
      FROM unnest(%(datasets)s::int[]) AS own (dataset_id)
     CROSS JOIN unnest(%(types)s::text[]) AS kind (type)
     CROSS JOIN LATERAL (
        SELECT e.occurred_at AS at FROM events e
         WHERE e.dataset_id = own.dataset_id AND e.type = kind.type
           AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
         ORDER BY e.occurred_at LIMIT 1
      ) AS first
     CROSS JOIN LATERAL (
        SELECT e.occurred_at AS at FROM events e
         WHERE e.dataset_id = own.dataset_id AND e.type = kind.type
           AND e.occurred_at >= %(from_at)s::timestamptz AND e.occurred_at < %(to_at)s::timestamptz
         ORDER BY e.occurred_at DESC LIMIT 1
      ) AS last
     UNION ALL
    SELECT min(o.ordered_at), max(o.ordered_at)
      FROM unnest(%(datasets)s::int[]) AS own (dataset_id)
     CROSS JOIN LATERAL (
        (SELECT ordered_at FROM order_revisions
          WHERE dataset_id = own.dataset_id AND current
            AND ordered_at >= %(from_at)s::timestamptz AND ordered_at < %(to_at)s::timestamptz
          ORDER BY ordered_at LIMIT 1)
         UNION ALL
        (SELECT ordered_at FROM order_revisions
          WHERE dataset_id = own.dataset_id AND current
            AND ordered_at >= %(from_at)s::timestamptz AND ordered_at < %(to_at)s::timestamptz
          ORDER BY ordered_at DESC LIMIT 1)
      ) AS o
     UNION ALL
    SELECT min(c.modified_at), max(c.modified_at)
      FROM unnest(%(datasets)s::int[]) AS own (dataset_id)
     CROSS JOIN LATERAL (
        (SELECT modified_at FROM cart_changes
          WHERE dataset_id = own.dataset_id
            AND modified_at >= %(from_at)s::timestamptz AND modified_at < %(to_at)s::timestamptz
          ORDER BY modified_at LIMIT 1)
         UNION ALL
        (SELECT modified_at FROM cart_changes
          WHERE dataset_id = own.dataset_id
            AND modified_at >= %(from_at)s::timestamptz AND modified_at < %(to_at)s::timestamptz
          ORDER BY modified_at DESC LIMIT 1)
      ) AS c
     UNION ALL
    SELECT min(s.date_shipped), max(s.date_shipped)
      FROM unnest(%(datasets)s::int[]) AS own (dataset_id)
     CROSS JOIN LATERAL (
        (SELECT date_shipped FROM shipment_changes
          WHERE dataset_id = own.dataset_id AND date_shipped IS NOT NULL
            AND date_shipped >= %(from_at)s::timestamptz AND date_shipped < %(to_at)s::timestamptz
          ORDER BY date_shipped LIMIT 1)
         UNION ALL
        (SELECT date_shipped FROM shipment_changes
          WHERE dataset_id = own.dataset_id AND date_shipped IS NOT NULL
            AND date_shipped >= %(from_at)s::timestamptz AND date_shipped < %(to_at)s::timestamptz
          ORDER BY date_shipped DESC LIMIT 1)
      ) AS s
  ) AS each

-- on citus: ends
SELECT min(each.first) AS first, max(each.last) AS last
  FROM (
    SELECT min(occurred_at) AS first, max(occurred_at) AS last FROM events
     WHERE dataset_id = ANY(%(datasets)s::int[]) AND type = ANY(%(types)s::text[])
       AND occurred_at >= %(from_at)s::timestamptz AND occurred_at < %(to_at)s::timestamptz
     UNION ALL
    SELECT min(ordered_at), max(ordered_at) FROM order_revisions
     WHERE dataset_id = ANY(%(datasets)s::int[]) AND current
       AND ordered_at >= %(from_at)s::timestamptz AND ordered_at < %(to_at)s::timestamptz
     UNION ALL
    SELECT min(modified_at), max(modified_at) FROM cart_changes
     WHERE dataset_id = ANY(%(datasets)s::int[])
       AND modified_at >= %(from_at)s::timestamptz AND modified_at < %(to_at)s::timestamptz
     UNION ALL
    SELECT min(date_shipped), max(date_shipped) FROM shipment_changes
     WHERE dataset_id = ANY(%(datasets)s::int[]) AND date_shipped IS NOT NULL
       AND date_shipped >= %(from_at)s::timestamptz AND date_shipped < %(to_at)s::timestamptz
  ) AS each

-- How much data each month has: of one kind up to `most`.
-- name: months
SELECT m.month, sum(found.n)::bigint AS n
  FROM (
    SELECT s.month::date AS month, s.month::timestamp AT TIME ZONE 'UTC' AS begin,
           (s.month + interval '1 month')::timestamp AT TIME ZONE 'UTC' AS end
      FROM generate_series(date_trunc('month', %(first)s::timestamptz AT TIME ZONE 'UTC'),
                           %(last)s::timestamptz AT TIME ZONE 'UTC', interval '1 month') AS s (month)
  ) AS m
 CROSS JOIN unnest(%(datasets)s::int[]) AS own (dataset_id)
 CROSS JOIN LATERAL (
    SELECT sum(least(kinds.n, %(most)s::bigint)) AS n
      FROM (
        SELECT (SELECT count(*) FROM (
                    SELECT 1 FROM events e
                     WHERE e.dataset_id = own.dataset_id AND e.type = kind.type
                       AND e.occurred_at >= m.begin AND e.occurred_at < m.end
                     LIMIT %(most)s::bigint) AS few) AS n
          FROM unnest(%(types)s::text[]) AS kind (type)
         UNION ALL
        SELECT (SELECT count(*) FROM (
                    SELECT 1 FROM order_revisions o
                     WHERE o.dataset_id = own.dataset_id AND o.current
                       AND o.ordered_at >= m.begin AND o.ordered_at < m.end
                     LIMIT %(most)s::bigint) AS few)
         UNION ALL
        SELECT (SELECT count(*) FROM (
                    SELECT 1 FROM cart_changes c
                     WHERE c.dataset_id = own.dataset_id AND c.modified_at >= m.begin AND c.modified_at < m.end
                     LIMIT %(most)s::bigint) AS few)
         UNION ALL
        SELECT (SELECT count(*) FROM (
                    SELECT 1 FROM shipment_changes s
                     WHERE s.dataset_id = own.dataset_id AND s.date_shipped >= m.begin AND s.date_shipped < m.end
                     LIMIT %(most)s::bigint) AS few)
      ) AS kinds
  ) AS found
 GROUP BY m.month
HAVING sum(found.n) > 0

-- Counted to the end: shards cannot stop at a number that all of them make together.
-- on citus: months
SELECT month, sum(least(n, %(most)s::bigint))::bigint AS n
  FROM (
    SELECT dataset_id, type, date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date AS month, count(*) AS n
      FROM events
     WHERE dataset_id = ANY(%(datasets)s::int[]) AND type = ANY(%(types)s::text[])
       AND occurred_at >= date_trunc('month', %(first)s::timestamptz, 'UTC')
       AND occurred_at < date_trunc('month', %(last)s::timestamptz, 'UTC') + interval '1 month'
     GROUP BY 1, 2, 3
     UNION ALL
    SELECT dataset_id, 'order', date_trunc('month', ordered_at AT TIME ZONE 'UTC')::date, count(*)
      FROM order_revisions
     WHERE dataset_id = ANY(%(datasets)s::int[]) AND current
       AND ordered_at >= date_trunc('month', %(first)s::timestamptz, 'UTC')
       AND ordered_at < date_trunc('month', %(last)s::timestamptz, 'UTC') + interval '1 month'
     GROUP BY 1, 3
     UNION ALL
    SELECT dataset_id, 'cart', date_trunc('month', modified_at AT TIME ZONE 'UTC')::date, count(*)
      FROM cart_changes
     WHERE dataset_id = ANY(%(datasets)s::int[])
       AND modified_at >= date_trunc('month', %(first)s::timestamptz, 'UTC')
       AND modified_at < date_trunc('month', %(last)s::timestamptz, 'UTC') + interval '1 month'
     GROUP BY 1, 3
     UNION ALL
    SELECT dataset_id, 'shipment', date_trunc('month', date_shipped AT TIME ZONE 'UTC')::date, count(*)
      FROM shipment_changes
     WHERE dataset_id = ANY(%(datasets)s::int[]) AND date_shipped IS NOT NULL
       AND date_shipped >= date_trunc('month', %(first)s::timestamptz, 'UTC')
       AND date_shipped < date_trunc('month', %(last)s::timestamptz, 'UTC') + interval '1 month'
     GROUP BY 1, 3
  ) AS found
 GROUP BY month
HAVING sum(n) > 0
