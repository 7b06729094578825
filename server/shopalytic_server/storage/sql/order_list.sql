-- The orders of a range, by when they count. Ids are compared by code point, so
-- that pages agree whatever the database's collation.
-- name: page
SELECT order_id, ordered_at, currency, total, event_id, source
  FROM order_revisions
 WHERE dataset_id = %(dataset)s AND current
   AND ordered_at >= %(from_at)s::timestamptz AND ordered_at < %(to_at)s::timestamptz
   AND ordered_at >= %(after_at)s::timestamptz
   AND (ordered_at, order_id COLLATE "C") > (%(after_at)s::timestamptz, %(after_id)s::text)
   AND (%(order_ids)s::text[] IS NULL OR order_id = ANY(%(order_ids)s::text[]))
 ORDER BY ordered_at, order_id COLLATE "C"
 LIMIT %(limit)s
