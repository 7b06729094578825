-- Reading the quarantine.

-- name: page
SELECT *, sum(length(event)) OVER newest - length(event) < %(max_bytes)s AS fits
  FROM (
    SELECT fingerprint, status, received_at, violations, event
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
