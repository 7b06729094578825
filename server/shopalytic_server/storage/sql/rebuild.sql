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
 WHERE EXISTS (SELECT FROM expirations x WHERE x.dataset_id = i.dataset_id AND i.first_at < x.before)

-- name: keep_products
INSERT INTO products
SELECT p.*
  FROM {live} p
  JOIN expirations x ON x.dataset_id = p.dataset_id AND x.type = 'product_view'
 WHERE p.seen_at < x.before OR p.categories_at < x.before

-- name: count_events
SELECT count(*) FROM events WHERE type <> 'page_view' OR identity IS NOT NULL

-- name: read_events
SELECT e.dataset_id, e.subject, e.occurred_at, e.event_id, e.received_at, e.type, e.tracking_id, e.identity,
       e.source, e.bot, e.properties, e.tie_breaker, e.key_class, e.identity_signed,
       coalesce(p.first_currency, p.currency) AS currency
  FROM events e
  JOIN projects p ON p.project_id = e.dataset_id / 2
 WHERE e.type <> 'page_view' OR e.identity IS NOT NULL

-- name: difference
SELECT count(*) FROM (
    (SELECT * FROM {live} EXCEPT ALL SELECT * FROM {rebuilt})
    UNION ALL
    (SELECT * FROM {rebuilt} EXCEPT ALL SELECT * FROM {live})
) AS differing
