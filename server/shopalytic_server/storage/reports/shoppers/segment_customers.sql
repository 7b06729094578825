-- Who placed some orders, by the orders' events.
-- name: customers
WITH o AS MATERIALIZED (
    SELECT e.dataset_id, e.subject, e.event_id
      FROM unnest(%(datasets)s::int[], %(times)s::timestamptz[], %(event_ids)s::uuid[])
               AS wanted (dataset_id, occurred_at, event_id)
      JOIN events e ON e.dataset_id = wanted.dataset_id AND e.type = 'order' AND e.occurred_at = wanted.occurred_at
       AND e.event_id = wanted.event_id
)
SELECT o.event_id, coalesce(s.customer_id, o.subject) AS customer_id, c.email,
       (SELECT min(i.identity COLLATE "C") FROM identities i
         WHERE i.dataset_id = o.dataset_id AND i.customer_id = s.customer_id) AS identity
  FROM o
  LEFT JOIN subject_customers s ON s.dataset_id = o.dataset_id AND s.subject = o.subject
  LEFT JOIN LATERAL (
    SELECT coalesce(p.email, p.unproved_email) AS email
      FROM profile_changes p
     WHERE p.dataset_id = o.dataset_id AND coalesce(p.email, p.unproved_email) IS NOT NULL
       AND p.email_lost_at IS NULL
       AND p.subject = ANY(ARRAY(SELECT m.subject FROM subject_customers m
                                  WHERE m.dataset_id = o.dataset_id AND m.customer_id = s.customer_id)
                           || o.subject)
     ORDER BY p.email IS NULL, profile_position(p.join_date, p.occurred_at) DESC, p.tie_breaker DESC, p.event_id DESC
     LIMIT 1
  ) AS c ON true
