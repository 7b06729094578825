-- Reading the quarantine.

-- name: page
SELECT *, sum(length(event)) OVER newest - length(event) < %(max_bytes)s AS fits
  FROM (
    SELECT fingerprint, status, received_at, violations, event, key_class, key_id
      FROM quarantine
     WHERE dataset_id = %(dataset)s
       AND (received_at, fingerprint) < (%(before_at)s::timestamptz, %(before_id)s::uuid)
       AND (%(type)s::text IS NULL OR type = %(type)s::text)
       AND (%(rule_id)s::text IS NULL
            OR violations @> jsonb_build_array(jsonb_build_object('rule_id', %(rule_id)s::text)))
     ORDER BY received_at DESC, fingerprint DESC
     LIMIT %(limit)s
  ) AS page
WINDOW newest AS (ORDER BY received_at DESC, fingerprint DESC)
 ORDER BY received_at DESC, fingerprint DESC

-- How many there are, up to a number.
-- name: total
SELECT count(*) AS events
  FROM (
    SELECT 1
      FROM quarantine
     WHERE dataset_id = %(dataset)s
       AND (%(type)s::text IS NULL OR type = %(type)s::text)
       AND (%(rule_id)s::text IS NULL
            OR violations @> jsonb_build_array(jsonb_build_object('rule_id', %(rule_id)s::text)))
     LIMIT %(most)s
  ) AS counted

-- name: one
SELECT fingerprint, status, received_at, violations, event, key_class, key_id
  FROM quarantine
 WHERE dataset_id = %(dataset)s AND fingerprint = %(fingerprint)s

-- name: choose
SELECT fingerprint
  FROM quarantine
 WHERE dataset_id = %(dataset)s
   AND (%(fingerprints)s::uuid[] IS NULL OR fingerprint = ANY(%(fingerprints)s::uuid[]))
   AND (%(type)s::text IS NULL OR type = %(type)s::text)
   AND (%(rule_id)s::text IS NULL
        OR violations @> jsonb_build_array(jsonb_build_object('rule_id', %(rule_id)s::text)))
 ORDER BY received_at, fingerprint

-- Who replays the same at once waits here, and then finds nothing.
-- name: take
DELETE FROM quarantine
 WHERE dataset_id = %(dataset)s AND fingerprint = ANY(%(fingerprints)s::uuid[])
RETURNING fingerprint, event_id, status, type, event, violations::text AS violations, received_at, sent_at,
          key_class, key_id, address_level, signed_identities

-- name: put_back
INSERT INTO quarantine (dataset_id, fingerprint, event_id, status, type, event, violations, received_at, sent_at,
                        key_class, key_id, address_level, signed_identities)
VALUES (%(dataset)s, %(fingerprint)s, %(event_id)s, %(status)s, %(type)s, %(event)s, %(violations)s::jsonb,
        %(received_at)s, %(sent_at)s, %(key_class)s, %(key_id)s, %(address_level)s, %(signed_identities)s)
    ON CONFLICT DO NOTHING

-- Whoever judged it again did not send it.
-- name: set_arrival
UPDATE quarantine
   SET received_at = %(received_at)s, sent_at = %(sent_at)s, key_class = %(key_class)s, key_id = %(key_id)s,
       address_level = %(address_level)s, signed_identities = %(signed_identities)s
 WHERE dataset_id = %(dataset)s AND fingerprint = %(fingerprint)s

-- In the order of the index, so that groups which keep the same cannot block each other in a circle.
-- name: keep
WITH kept AS (
    INSERT INTO quarantine (dataset_id, fingerprint, event_id, status, type, event, violations, received_at,
                            sent_at, key_class, key_id, address_level, signed_identities)
    SELECT %(dataset)s, k.fingerprint, k.event_id, k.status, k.type, k.event, k.violations::jsonb, k.received_at,
           k.sent_at, k.key_class, k.key_id, k.address_level, k.signed_identities::text[]
      FROM unnest(%(fingerprints)s::uuid[], %(event_ids)s::text[], %(statuses)s::text[], %(types)s::text[],
                  %(events)s::bytea[], %(violations)s::text[], %(received)s::timestamptz[],
                  %(sent)s::timestamptz[], %(key_classes)s::text[], %(key_ids)s::text[]::uuid[],
                  %(address_levels)s::text[], %(signed_identities)s::text[])
           AS k (fingerprint, event_id, status, type, event, violations, received_at, sent_at, key_class, key_id,
                 address_level, signed_identities)
     ORDER BY k.fingerprint
        ON CONFLICT DO NOTHING
    RETURNING length(event) AS size
)
SELECT count(*), coalesce(sum(size), 0) FROM kept

-- name: known
SELECT fingerprint FROM quarantine
 WHERE dataset_id = %(dataset)s AND fingerprint = ANY(%(fingerprints)s)

-- name: use
SELECT bytes FROM quarantine_use WHERE dataset_id = %(dataset)s AND key_class = %(key_class)s

-- name: uses
SELECT dataset_id, key_class, bytes FROM quarantine_use ORDER BY dataset_id, key_class

-- name: add_use
INSERT INTO quarantine_use AS u (dataset_id, key_class, events, bytes, refused)
VALUES (%(dataset)s, %(key_class)s, %(events)s, %(bytes)s, %(refused)s)
    ON CONFLICT (dataset_id, key_class) DO UPDATE
   SET events = u.events + excluded.events, bytes = u.bytes + excluded.bytes, refused = u.refused + excluded.refused

-- name: datasets
SELECT DISTINCT dataset_id FROM quarantine_use ORDER BY dataset_id

-- name: hold_uses
SELECT 1 FROM quarantine_use WHERE dataset_id = %(dataset)s ORDER BY key_class FOR UPDATE

-- name: recount
WITH counted AS MATERIALIZED (
    SELECT k.key_class, coalesce(c.events, 0) AS events, coalesce(c.bytes, 0) AS bytes
      FROM quarantine_use k
      LEFT JOIN unnest(%(key_classes)s::text[], %(events)s::bigint[], %(bytes)s::bigint[])
                AS c (key_class, events, bytes) ON c.key_class = k.key_class
     WHERE k.dataset_id = %(dataset)s
)
UPDATE quarantine_use u SET events = counted.events, bytes = counted.bytes
  FROM counted
 WHERE u.dataset_id = %(dataset)s AND u.key_class = counted.key_class
   AND (u.events, u.bytes) IS DISTINCT FROM (counted.events, counted.bytes)

-- name: contents
SELECT key_class, count(event), coalesce(sum(length(event)), 0)::bigint
  FROM quarantine WHERE dataset_id = %(dataset)s AND key_class IS NOT NULL GROUP BY key_class

-- Events that came before their class was kept stay: nobody was told that they would go.
-- name: expire
DELETE FROM quarantine
 WHERE dataset_id = %(dataset)s AND fingerprint IN (
    SELECT fingerprint FROM quarantine
     WHERE dataset_id = %(dataset)s AND key_class = %(key_class)s AND received_at < %(before)s
     ORDER BY received_at
     LIMIT %(limit)s)

-- name: add_expired
UPDATE quarantine_use SET expired = expired + %(expired)s
 WHERE dataset_id = %(dataset)s AND key_class = %(key_class)s
