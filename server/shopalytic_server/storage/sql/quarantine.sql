-- Reading the quarantine.

-- name: page
SELECT *, sum(length(event)) OVER newest - length(event) < %(max_bytes)s AS fits
  FROM (
    SELECT fingerprint, status, received_at, violations, event, key_class, key_id
      FROM quarantine
     WHERE dataset_id = %(dataset)s
       AND (received_at, fingerprint) < (%(before_at)s::timestamptz, %(before_id)s::uuid)
       AND (%(rule_id)s::text IS NULL
            OR violations @> jsonb_build_array(jsonb_build_object('rule_id', %(rule_id)s::text)))
     ORDER BY received_at DESC, fingerprint DESC
     LIMIT %(limit)s
  ) AS page
WINDOW newest AS (ORDER BY received_at DESC, fingerprint DESC)
 ORDER BY received_at DESC, fingerprint DESC

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
