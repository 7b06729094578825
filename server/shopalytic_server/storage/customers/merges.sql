-- The journal of merges, and taking one of them back.

-- What calls stated. Of an alias that named a tracking id, the link that it
-- states as well is the same merge. And which browsers' emails went to whom: a
-- backend, or somebody who is signed in, says that they are theirs.
-- name: page
SELECT j.*, coalesce(c.customer_id, j.subject_customer) AS customer_id, u.undone_at, coalesce(j.own_source, e.source) AS source
  FROM (
    (SELECT l.received_at, l.event_id, l.occurred_at, l.kind, l.identity, l.tracking_id, '' AS existing_identity,
            CASE WHEN l.owner OR own.customer_id = other.customer_id THEN 'JOINED' ELSE 'NOT_MERGED' END AS stands,
            NULL::bytea AS event, NULL AS email, NULL::uuid AS taken_by, NULL::uuid AS subject_customer,
            NULL AS own_source
       FROM tracking_links l
       LEFT JOIN identities own ON own.dataset_id = l.dataset_id AND own.identity = l.identity
       LEFT JOIN tracking_links o ON o.dataset_id = l.dataset_id AND o.subject = l.subject AND o.owner
       LEFT JOIN identities other ON other.dataset_id = o.dataset_id AND other.identity = o.identity
      WHERE l.dataset_id = %(dataset)s AND l.kind = 'identify'
        AND (l.received_at, l.event_id) < (%(before_at)s::timestamptz, %(before_id)s::uuid)
        AND (%(identities)s::text[] IS NULL OR l.identity = ANY(%(identities)s::text[])
             OR l.subject = ANY(%(subjects)s::uuid[]))
        AND (%(merge_id)s::uuid IS NULL OR l.event_id = %(merge_id)s::uuid))
     UNION ALL
    (SELECT a.received_at, a.event_id, a.occurred_at, 'alias', a.identity, a.existing_tracking_id,
            a.existing_identity, 'JOINED', NULL, NULL, NULL, NULL, NULL
       FROM alias_links a
      WHERE a.dataset_id = %(dataset)s
        AND (a.received_at, a.event_id) < (%(before_at)s::timestamptz, %(before_id)s::uuid)
        AND (%(identities)s::text[] IS NULL OR a.identity = ANY(%(identities)s::text[])
             OR a.existing_identity = ANY(%(identities)s::text[])
             OR a.existing_tracking_id = ANY(%(tracking_ids)s::text[]))
        AND (%(merge_id)s::uuid IS NULL OR a.event_id = %(merge_id)s::uuid))
     UNION ALL
    -- An address in another form than the plain one joins it from its first use on; its
    -- subject stands for the call that nobody made.
    (SELECT f.first_at, f.subject, f.first_at, 'address', f.identity, '', plain_identity(f.identity), 'JOINED',
            NULL, NULL, NULL, NULL, NULL
       FROM identities f
      WHERE f.dataset_id = %(dataset)s AND plain_identity(f.identity) <> f.identity
        AND (f.first_at, f.subject) < (%(before_at)s::timestamptz, %(before_id)s::uuid)
        AND (%(identities)s::text[] IS NULL OR f.identity = ANY(%(identities)s::text[])
             OR plain_identity(f.identity) = ANY(%(identities)s::text[]))
        AND (%(merge_id)s::uuid IS NULL OR f.subject = %(merge_id)s::uuid))
     UNION ALL
    (SELECT q.received_at, q.fingerprint, NULL, 'alias', '', '', '', 'REFUSED', q.event, NULL, NULL, NULL, NULL
       FROM quarantine q
      WHERE q.dataset_id = %(dataset)s AND q.type = 'alias' AND %(merge_id)s::uuid IS NULL
        AND q.violations @> '[{"rule_id": "alias.identity_taken"}]'
        AND (q.received_at, q.fingerprint) < (%(before_at)s::timestamptz, %(before_id)s::uuid)
        AND (%(identities)s::text[] IS NULL OR EXISTS (
                SELECT 1 FROM unnest(%(identities)s::text[] || %(tracking_ids)s::text[]) AS named (text)
                 WHERE position(convert_to(named.text, 'UTF8') IN q.event) > 0)))
     UNION ALL
    (SELECT p.email_lost_at, p.event_id, p.occurred_at, 'email', coalesce(said.identity, ''),
            coalesce(said.tracking_id, ''), '', 'EMAIL_LOST', NULL, coalesce(p.email, p.unproved_email),
            coalesce(taker.customer_id, claim.subject), coalesce(loser.customer_id, p.subject), said.source
       FROM profile_changes p
       JOIN events said ON said.dataset_id = p.dataset_id AND said.subject = p.subject
            AND said.occurred_at = p.occurred_at AND said.event_id = p.event_id
       LEFT JOIN subject_customers loser ON loser.dataset_id = p.dataset_id AND loser.subject = p.subject
      CROSS JOIN LATERAL (
         SELECT c.subject FROM profile_changes c
          WHERE c.dataset_id = p.dataset_id AND lower(c.email) = lower(coalesce(p.email, p.unproved_email))
            AND c.subject <> p.subject
          ORDER BY coalesce(c.email_claim, 2) DESC, c.occurred_at DESC, c.event_id DESC
          LIMIT 1) AS claim
       LEFT JOIN subject_customers taker ON taker.dataset_id = p.dataset_id AND taker.subject = claim.subject
      WHERE p.dataset_id = %(dataset)s AND p.email_lost_at IS NOT NULL AND %(merge_id)s::uuid IS NULL
        AND (p.email_lost_at, p.event_id) < (%(before_at)s::timestamptz, %(before_id)s::uuid)
        AND (%(identities)s::text[] IS NULL OR said.identity = ANY(%(identities)s::text[])
             OR p.subject = ANY(%(subjects)s::uuid[]))
        AND coalesce(taker.customer_id, claim.subject) <> coalesce(loser.customer_id, p.subject)
      ORDER BY p.email_lost_at DESC, p.event_id DESC
      LIMIT %(limit)s)
  ) AS j
  LEFT JOIN identities c ON c.dataset_id = %(dataset)s AND c.identity = j.identity
  LEFT JOIN undone_merges u ON u.dataset_id = %(dataset)s AND u.identity = j.identity
       AND u.existing_identity = j.existing_identity AND u.existing_tracking_id = j.tracking_id
  LEFT JOIN events e ON e.dataset_id = %(dataset)s AND e.occurred_at = j.occurred_at AND e.event_id = j.event_id
       AND j.kind <> 'address'
       AND e.subject = encode(substring(sha256(convert_to(
               CASE WHEN j.kind = 'identify' THEN 'i:' || j.identity
                    WHEN j.existing_identity <> '' THEN 'i:' || j.existing_identity
                    ELSE 't:' || j.tracking_id END, 'UTF8')) FOR 16), 'hex')::uuid
 WHERE %(state)s::text IS NULL
    OR %(state)s::text = CASE WHEN u.undone_at IS NOT NULL THEN 'UNDONE' ELSE j.stands END
 ORDER BY j.received_at DESC, j.event_id DESC
 LIMIT %(limit)s

-- A rebuild locks the same table against ingest.
-- name: keep_rebuilds_away
LOCK TABLE event_keys IN ROW EXCLUSIVE MODE

-- name: undo
INSERT INTO undone_merges (dataset_id, identity, existing_identity, existing_tracking_id, undone_at, key_id)
VALUES (%(dataset)s, %(identity)s, %(existing_identity)s, %(existing_tracking_id)s, %(undone_at)s, %(key_id)s)
    ON CONFLICT DO NOTHING

-- name: own_tracking_ids
SELECT subject FROM tracking_links
 WHERE dataset_id = %(dataset)s AND identity = ANY(%(identities)s::text[]) AND owner

-- name: count_events
SELECT count(*) AS events FROM events WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s::uuid[])

-- name: count_orders
SELECT count(*) AS orders FROM order_revisions
 WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s::uuid[]) AND current
