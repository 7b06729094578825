-- The statements of a rebuild.

-- name: hold_ingest
LOCK TABLE event_keys IN SHARE ROW EXCLUSIVE MODE

-- Taken before the transaction's snapshot: from then on no partition is emptied
-- but by deletes, which the snapshot does not see.
-- name: hold_partitions
LOCK TABLE events IN ACCESS SHARE MODE

-- What events that may have been removed said of identities and products: it
-- cannot be made again, so it is taken over, and what the events say comes on top.
-- name: keep_identities
INSERT INTO identities (dataset_id, identity, subject, customer_id, first_at)
SELECT i.dataset_id, i.identity, i.subject, i.subject, i.first_at
  FROM {live} i
 WHERE EXISTS (SELECT 1 FROM expirations x WHERE x.dataset_id = i.dataset_id AND i.first_at < x.before)

-- name: keep_products
INSERT INTO products
SELECT p.*
  FROM {live} p
  JOIN expirations x ON x.dataset_id = p.dataset_id AND x.type = 'product_view'
 WHERE p.seen_at < x.before OR p.categories_at < x.before

-- Takes times that are midnights in UTC for days, where nobody has said what they are.
-- name: mark_days
UPDATE events e SET plain_dates = m.plain_dates
  FROM (
    SELECT dataset_id, subject, occurred_at, event_id,
           array_remove(
               CASE WHEN stated_at IS NULL AND date_bin('1 day', occurred_at, '2000-01-01 00:00:00+00') = occurred_at
                    THEN ARRAY['occurred_at'] ELSE '{}' END
               || ARRAY(SELECT name FROM unnest(%(names)s::text[]) AS name
                         WHERE properties ->> name LIKE '%%T00:00:00Z'), NULL) AS plain_dates
      FROM events
     WHERE plain_dates IS NULL
  ) AS m
 WHERE e.dataset_id = m.dataset_id AND e.subject = m.subject AND e.occurred_at = m.occurred_at
   AND e.event_id = m.event_id AND m.plain_dates <> '{}'

-- Which days events happened on whose times are days, by the time zone of their
-- project, and how many there are.
-- name: plain_days
SELECT p.time_zone, coalesce(e.stated_at, e.occurred_at) AS midnight, e.occurred_at, count(*) AS events
  FROM events e
  JOIN projects p ON p.project_id = e.dataset_id / 2
 WHERE 'occurred_at' = ANY(e.plain_dates)
 GROUP BY p.time_zone, midnight, e.occurred_at

-- Moves them to where their day begins. Arrays are parallel.
-- name: move_days
UPDATE events e
   SET occurred_at = d.begin, stated_at = nullif(d.midnight, d.begin)
  FROM projects p,
       unnest(%(time_zones)s::text[], %(midnights)s::timestamptz[], %(begins)s::timestamptz[])
       AS d (time_zone, midnight, begin)
 WHERE p.project_id = e.dataset_id / 2 AND p.time_zone = d.time_zone AND 'occurred_at' = ANY(e.plain_dates)
   AND coalesce(e.stated_at, e.occurred_at) = d.midnight AND e.occurred_at <> d.begin

-- name: count_events
SELECT count(*) FROM events WHERE type <> 'page_view' OR identity IS NOT NULL

-- name: read_events
SELECT e.dataset_id, e.subject, e.occurred_at, e.event_id, e.received_at, e.type, e.tracking_id, e.identity,
       e.source, e.bot, e.properties, e.tie_breaker, e.plain_dates, p.time_zone, e.key_class, e.identity_signed,
       coalesce(p.first_currency, p.currency) AS currency, p.order_number_groups
  FROM events e
  JOIN projects p ON p.project_id = e.dataset_id / 2
 WHERE e.type <> 'page_view' OR e.identity IS NOT NULL

-- name: difference
SELECT count(*) FROM (
    (SELECT * FROM {live} EXCEPT ALL SELECT * FROM {rebuilt})
    UNION ALL
    (SELECT * FROM {rebuilt} EXCEPT ALL SELECT * FROM {live})
) AS differing

-- A version before stores orders without `discounts`, `region` and `city`, and reports
-- read those of their events: such a row is as it should be. So is one of which it does
-- not stand whether it is dated.
-- name: difference_of_order_revisions
SELECT coalesce(sum(num_nonnulls(l.order_id, r.order_id)), 0)
  FROM {live} l
  FULL JOIN {rebuilt} r USING (dataset_id, order_id, content)
 WHERE to_jsonb(l) || CASE WHEN l.discounts IS NULL
                           THEN jsonb_build_object('discounts', r.discounts, 'region', r.region, 'city', r.city)
                           ELSE '{{}}' END
                    || CASE WHEN l.dated IS NULL THEN jsonb_build_object('dated', r.dated) ELSE '{{}}' END
       IS DISTINCT FROM to_jsonb(r)
