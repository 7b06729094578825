-- Whose an email is. Strengths of claims are those of Claim in domain/customers/emails.py:
-- a row's `email` claims with 1 or, where email_claim is NULL, with 2; its
-- `unproved_email` claims nothing.

-- Who claims the emails, by the strongest claim of each subject, and whether somebody
-- has one unproved.
-- name: claims
SELECT wanted.email, p.subject, p.claim,
       EXISTS (SELECT 1 FROM profile_changes w
                WHERE w.dataset_id = %(dataset)s AND lower(w.unproved_email) = lower(wanted.email)) AS unproved
  FROM unnest(%(emails)s::text[]) AS wanted (email)
  LEFT JOIN LATERAL (
    SELECT p.subject, max(coalesce(p.email_claim, 2)) AS claim
      FROM profile_changes p
     WHERE p.dataset_id = %(dataset)s AND lower(p.email) = lower(wanted.email)
     GROUP BY p.subject
  ) AS p ON true

-- name: customers_of_subjects
SELECT subject, customer_id FROM subject_customers
 WHERE dataset_id = %(dataset)s AND subject = ANY(%(subjects)s::uuid[])

-- name: claiming_customers
SELECT DISTINCT coalesce((SELECT s.customer_id FROM subject_customers s
                           WHERE s.dataset_id = p.dataset_id AND s.subject = p.subject), p.subject) AS customer_id
  FROM profile_changes p
 WHERE p.dataset_id = %(dataset)s AND lower(p.email) = lower(%(email)s)

-- Of some customers those whose current email it is, and who claim it so strongly.
-- name: holders_among
SELECT c.customer_id
  FROM unnest(%(customers)s::uuid[]) AS c (customer_id)
 CROSS JOIN LATERAL (
    SELECT p.email, bool_or(lower(p.email) = lower(%(email)s) AND coalesce(p.email_claim, 2) >= %(claim)s) OVER () AS claimed
      FROM profile_changes p
     WHERE p.dataset_id = %(dataset)s AND p.email IS NOT NULL AND p.email_lost_at IS NULL
       AND p.subject = ANY(ARRAY(SELECT s.subject FROM subject_customers s
                                  WHERE s.dataset_id = %(dataset)s AND s.customer_id = c.customer_id)
                           || c.customer_id)
     ORDER BY profile_position(p.join_date, p.occurred_at) DESC, p.tie_breaker DESC, p.event_id DESC
     LIMIT 1
) AS latest
 WHERE lower(latest.email) = lower(%(email)s) AND latest.claimed

-- Of new rows, those whose email others claim more strongly, who are known since the
-- first of them came.
-- name: lose_emails
WITH fresh AS (
    SELECT * FROM unnest(%(fresh_ids)s::uuid[], %(fresh_received)s::timestamptz[]) AS f (event_id, received_at)
), lost AS (
    SELECT w.subject, w.occurred_at, w.event_id,
           greatest(w.received_at, min(coalesce(f.received_at, e.received_at))) AS lost_at
      FROM unnest(%(subjects)s::uuid[], %(times)s::timestamptz[], %(event_ids)s::uuid[], %(emails)s::text[],
                  %(claims)s::int[], %(received)s::timestamptz[])
           AS w (subject, occurred_at, event_id, email, claim, received_at)
      JOIN profile_changes p ON p.dataset_id = %(dataset)s AND lower(p.email) = lower(w.email)
           AND p.subject <> w.subject AND coalesce(p.email_claim, 2) > w.claim
      LEFT JOIN events e ON e.dataset_id = %(dataset)s AND e.subject = p.subject AND e.occurred_at = p.occurred_at
           AND e.event_id = p.event_id
      LEFT JOIN fresh f ON f.event_id = p.event_id
     GROUP BY w.subject, w.occurred_at, w.event_id, w.received_at
)
SELECT subject, occurred_at, event_id, lost_at FROM lost

-- Events are joined with first, by a few rows: a table of every node that is joined with what
-- may be missing would fetch all of them, and a rebuild has its tables on the coordinator alone.
-- on citus: lose_emails
WITH named AS MATERIALIZED (
    SELECT p.subject, p.occurred_at, p.event_id
      FROM profile_changes p
     WHERE p.dataset_id = %(dataset)s
       AND lower(p.email) = ANY(ARRAY(SELECT lower(w) FROM unnest(%(emails)s::text[]) AS w))
), came AS MATERIALIZED (
    SELECT p.event_id, e.received_at
      FROM named p
      JOIN events e ON e.dataset_id = %(dataset)s AND e.subject = p.subject AND e.occurred_at = p.occurred_at
       AND e.event_id = p.event_id
), fresh AS (
    SELECT * FROM unnest(%(fresh_ids)s::uuid[], %(fresh_received)s::timestamptz[]) AS f (event_id, received_at)
), lost AS (
    SELECT w.subject, w.occurred_at, w.event_id,
           greatest(w.received_at, min(coalesce(f.received_at, e.received_at))) AS lost_at
      FROM unnest(%(subjects)s::uuid[], %(times)s::timestamptz[], %(event_ids)s::uuid[], %(emails)s::text[],
                  %(claims)s::int[], %(received)s::timestamptz[])
           AS w (subject, occurred_at, event_id, email, claim, received_at)
      JOIN profile_changes p ON p.dataset_id = %(dataset)s AND lower(p.email) = lower(w.email)
           AND p.subject <> w.subject AND coalesce(p.email_claim, 2) > w.claim
      LEFT JOIN came e ON e.event_id = p.event_id
      LEFT JOIN fresh f ON f.event_id = p.event_id
     GROUP BY w.subject, w.occurred_at, w.event_id, w.received_at
)
SELECT subject, occurred_at, event_id, lost_at FROM lost

-- Rows that lose their email to new claims. Those that had lost it to another may
-- have lost it earlier than was known.
-- name: take_emails
WITH fresh AS (
    SELECT * FROM unnest(%(fresh_ids)s::uuid[], %(fresh_received)s::timestamptz[]) AS f (event_id, received_at)
), claims AS (
    SELECT c.subject, lower(c.email) AS email, c.claim, min(c.received_at) AS received_at
      FROM unnest(%(subjects)s::uuid[], %(emails)s::text[], %(claims)s::int[], %(received)s::timestamptz[])
           AS c (subject, email, claim, received_at)
     GROUP BY c.subject, lower(c.email), c.claim
), weaker AS (
    SELECT w.subject, w.occurred_at, w.event_id, w.email_lost_at, c.received_at AS claimed_at
      FROM claims c
      JOIN profile_changes w ON w.dataset_id = %(dataset)s AND lower(w.unproved_email) = c.email
     WHERE w.subject <> c.subject AND (w.email_lost_at IS NULL OR w.email_lost_at > c.received_at)
     UNION ALL
    SELECT w.subject, w.occurred_at, w.event_id, w.email_lost_at, c.received_at
      FROM claims c
      JOIN profile_changes w ON w.dataset_id = %(dataset)s AND lower(w.email) = c.email AND w.email_claim < c.claim
     WHERE w.subject <> c.subject AND (w.email_lost_at IS NULL OR w.email_lost_at > c.received_at)
), lost AS (
    SELECT w.subject, w.occurred_at, w.event_id,
           least(w.email_lost_at, greatest(coalesce(f.received_at, e.received_at), min(w.claimed_at))) AS lost_at
      FROM weaker w
      LEFT JOIN events e ON e.dataset_id = %(dataset)s AND e.subject = w.subject AND e.occurred_at = w.occurred_at
           AND e.event_id = w.event_id
      LEFT JOIN fresh f ON f.event_id = w.event_id
     GROUP BY w.subject, w.occurred_at, w.event_id, w.email_lost_at, f.received_at, e.received_at
)
SELECT subject, occurred_at, event_id, lost_at FROM lost

-- on citus: take_emails
WITH named AS MATERIALIZED (
    SELECT p.subject, p.occurred_at, p.event_id
      FROM profile_changes p
     WHERE p.dataset_id = %(dataset)s
       AND (lower(p.email) = ANY(ARRAY(SELECT lower(w) FROM unnest(%(emails)s::text[]) AS w))
            OR lower(p.unproved_email) = ANY(ARRAY(SELECT lower(w) FROM unnest(%(emails)s::text[]) AS w)))
), came AS MATERIALIZED (
    SELECT p.event_id, e.received_at
      FROM named p
      JOIN events e ON e.dataset_id = %(dataset)s AND e.subject = p.subject AND e.occurred_at = p.occurred_at
       AND e.event_id = p.event_id
), fresh AS (
    SELECT * FROM unnest(%(fresh_ids)s::uuid[], %(fresh_received)s::timestamptz[]) AS f (event_id, received_at)
), claims AS (
    SELECT c.subject, lower(c.email) AS email, c.claim, min(c.received_at) AS received_at
      FROM unnest(%(subjects)s::uuid[], %(emails)s::text[], %(claims)s::int[], %(received)s::timestamptz[])
           AS c (subject, email, claim, received_at)
     GROUP BY c.subject, lower(c.email), c.claim
), weaker AS (
    SELECT w.subject, w.occurred_at, w.event_id, w.email_lost_at, c.received_at AS claimed_at
      FROM claims c
      JOIN profile_changes w ON w.dataset_id = %(dataset)s AND lower(w.unproved_email) = c.email
     WHERE w.subject <> c.subject AND (w.email_lost_at IS NULL OR w.email_lost_at > c.received_at)
     UNION ALL
    SELECT w.subject, w.occurred_at, w.event_id, w.email_lost_at, c.received_at
      FROM claims c
      JOIN profile_changes w ON w.dataset_id = %(dataset)s AND lower(w.email) = c.email AND w.email_claim < c.claim
     WHERE w.subject <> c.subject AND (w.email_lost_at IS NULL OR w.email_lost_at > c.received_at)
), lost AS (
    SELECT w.subject, w.occurred_at, w.event_id,
           least(w.email_lost_at, greatest(coalesce(f.received_at, e.received_at), min(w.claimed_at))) AS lost_at
      FROM weaker w
      LEFT JOIN came e ON e.event_id = w.event_id
      LEFT JOIN fresh f ON f.event_id = w.event_id
     GROUP BY w.subject, w.occurred_at, w.event_id, w.email_lost_at, f.received_at, e.received_at
)
SELECT subject, occurred_at, event_id, lost_at FROM lost

-- Apart from those who look for them, as no statement on Citus may look at events and change
-- what is on every node.
-- name: note_lost
UPDATE profile_changes p SET email_lost_at = lost.at
  FROM unnest(%(subjects)s::uuid[], %(times)s::timestamptz[], %(event_ids)s::uuid[], %(lost)s::timestamptz[])
       AS lost (subject, occurred_at, event_id, at)
 WHERE p.dataset_id = %(dataset)s AND p.subject = lost.subject AND p.occurred_at = lost.occurred_at
   AND p.event_id = lost.event_id AND p.email_lost_at IS DISTINCT FROM lost.at
