-- The orders of a range, by when they count. Ids are compared by code point, so
-- that pages agree whatever the database's collation. `numbering` is what stands
-- behind an order's number where its sources number apart.
-- name: page
SELECT o.order_id, o.ordered_at, o.currency, o.total, o.event_id, o.source, coalesce(s.status, '') AS status
  FROM (
    (SELECT * FROM order_revisions
      WHERE dataset_id = %(dataset)s AND current
        AND ordered_at >= %(from_at)s::timestamptz AND ordered_at < %(to_at)s::timestamptz
        AND ordered_at >= %(after_at)s::timestamptz
        AND (ordered_at, order_id COLLATE "C") > (%(after_at)s::timestamptz, %(after_id)s::text)
        AND (%(order_ids)s::text[] IS NULL OR order_id = ANY(%(order_ids)s::text[]))
        AND (%(numbering)s::text IS NULL OR substr(order_id, strpos(order_id || %(separator)s, %(separator)s)) = %(numbering)s)
      ORDER BY ordered_at, order_id COLLATE "C"
      LIMIT %(limit)s)
     UNION ALL
    (SELECT * FROM order_revisions
      WHERE dataset_id = %(dataset)s AND voided
        AND ordered_at >= %(from_at)s::timestamptz AND ordered_at < %(to_at)s::timestamptz
        AND ordered_at >= %(after_at)s::timestamptz
        AND (ordered_at, order_id COLLATE "C") > (%(after_at)s::timestamptz, %(after_id)s::text)
        AND (%(order_ids)s::text[] IS NULL OR order_id = ANY(%(order_ids)s::text[]))
        AND (%(numbering)s::text IS NULL OR substr(order_id, strpos(order_id || %(separator)s, %(separator)s)) = %(numbering)s)
      ORDER BY ordered_at, order_id COLLATE "C"
      LIMIT %(limit)s)
  ) AS o
  LEFT JOIN LATERAL (SELECT * FROM order_states s
                      WHERE s.dataset_id = %(dataset)s AND s.order_id = o.order_id) AS s ON true
 ORDER BY o.ordered_at, o.order_id COLLATE "C"
 LIMIT %(limit)s

-- Orders of whose contents several identified customers sent some, and who these are.
-- `order_ids` limits which are looked at.
-- name: disputed
SELECT r.order_id, array_agg(DISTINCT m.customer_id::text ORDER BY m.customer_id::text) AS claimed_by
  FROM order_revisions r
  JOIN subject_customers m ON m.dataset_id = r.dataset_id AND m.subject = r.subject
 WHERE r.dataset_id = %(dataset)s AND (%(order_ids)s::text[] IS NULL OR r.order_id = ANY(%(order_ids)s::text[]))
 GROUP BY r.order_id
HAVING count(DISTINCT m.customer_id) > 1
 ORDER BY r.order_id COLLATE "C"
 LIMIT 10000
