-- Lists of customers, made of parts. What a question does not need is not
-- referred to, and so not worked out.

-- Every subject that is an identified customer's.
-- name: members
SELECT i.customer_id, i.subject
  FROM identities i
 WHERE i.dataset_id = %(dataset)s
 UNION ALL
SELECT i.customer_id, l.subject
  FROM tracking_links l
  JOIN identities i ON i.dataset_id = l.dataset_id AND i.identity = l.identity
 WHERE l.dataset_id = %(dataset)s AND l.owner

-- name: found_nothing
SELECT NULL::uuid AS customer_id WHERE false

-- name: every
SELECT DISTINCT customer_id FROM identities WHERE dataset_id = %(dataset)s

-- name: only_found
SELECT customer_id FROM found

-- Customers of whom an identity contains a text, or the current profile each of
-- its words, or whose order or parcel has this number. `{indexed_identity}` and
-- `{indexed_profile}` let indexes be used; words may have come in several changes
-- of a profile, so these look for the longest only.
-- name: found
SELECT i.customer_id
  FROM identities i
 WHERE i.dataset_id = %(dataset)s AND {indexed_identity}
   AND strpos(lower(i.identity), lower(%(search)s)) > 0
 UNION
SELECT own.customer_id
  FROM profile_changes p
 CROSS JOIN LATERAL (
    SELECT i.customer_id FROM identities i
     WHERE i.dataset_id = %(dataset)s AND i.subject = p.subject
     UNION ALL
    SELECT i.customer_id
      FROM tracking_links l
      JOIN identities i ON i.dataset_id = l.dataset_id AND i.identity = l.identity
     WHERE l.dataset_id = %(dataset)s AND l.subject = p.subject AND l.owner
  ) AS own
 WHERE p.dataset_id = %(dataset)s AND {indexed_profile}
   AND strpos(lower(concat_ws(' ', p.email, p.unproved_email, p.first_name, p.last_name)), lower(%(longest_word)s)) > 0
   AND EXISTS (
    SELECT 1 FROM (
        SELECT (array_agg(coalesce(c.email, c.unproved_email)
                          ORDER BY c.email IS NULL, profile_position(c.join_date, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
                   FILTER (WHERE coalesce(c.email, c.unproved_email) IS NOT NULL AND c.email_lost_at IS NULL))[1] AS email,
               (array_agg(c.first_name ORDER BY profile_position(c.join_date, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
                   FILTER (WHERE c.first_name IS NOT NULL))[1] AS first_name,
               (array_agg(c.last_name ORDER BY profile_position(c.join_date, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
                   FILTER (WHERE c.last_name IS NOT NULL))[1] AS last_name
          FROM (
            SELECT i.subject FROM identities i
             WHERE i.dataset_id = %(dataset)s AND i.customer_id = own.customer_id
             UNION ALL
            SELECT l.subject
              FROM identities i
              JOIN tracking_links l ON l.dataset_id = i.dataset_id AND l.identity = i.identity AND l.owner
             WHERE i.dataset_id = %(dataset)s AND i.customer_id = own.customer_id
          ) AS m
          JOIN profile_changes c ON c.dataset_id = %(dataset)s AND c.subject = m.subject
      ) AS profile
     WHERE NOT EXISTS (
        SELECT 1 FROM unnest(%(words)s::text[]) AS w (word)
         WHERE strpos(lower(concat_ws(' ', profile.email, profile.first_name, profile.last_name)), lower(w.word)) = 0))
 UNION
SELECT m.customer_id
  FROM (
    SELECT unnest(order_keys(%(dataset)s, %(search)s)) AS order_id
     UNION ALL
    SELECT c.order_id FROM shipment_changes c
     WHERE c.dataset_id = %(dataset)s AND (c.tracking_number = %(search)s OR c.shipment_id = ANY(order_keys(%(dataset)s, %(search)s)))
  ) AS numbered
  JOIN order_revisions o ON o.dataset_id = %(dataset)s AND o.order_id = numbered.order_id
                        AND (o.current OR o.voided)
  JOIN subject_customers m ON m.dataset_id = o.dataset_id AND m.subject = o.subject

-- name: indexed_identity
trigrams(i.identity) @> trigrams(%(search)s::text)

-- name: indexed_profile
(trigrams(p.email, p.first_name, p.last_name) @> trigrams(%(longest_word)s::text)
 OR p.unproved_email IS NOT NULL AND trigrams(p.unproved_email) @> trigrams(%(longest_word)s::text))

-- What customers ordered, and are worth in one currency: as a customer's own
-- page has it.
-- name: worth
SELECT customer_id, sum(orders) AS orders, sum(amount) AS net, bool_or(there) AS there, max(last_at) AS last_at
  FROM (
    SELECT m.customer_id, count(*) AS orders, max(o.ordered_at) AS last_at,
           coalesce(sum(o.total) FILTER (WHERE o.currency = %(currency)s), 0) AS amount,
           bool_or(coalesce(o.billing_country, o.shipping_country) = %(country)s) AS there
      FROM order_revisions o
      JOIN ({members}) AS m ON m.subject = o.subject
     WHERE o.dataset_id = %(dataset)s AND o.current
     GROUP BY m.customer_id
     UNION ALL
    SELECT m.customer_id, 0, NULL, -sum(f.amount), NULL
      FROM refunds f
      LEFT JOIN order_revisions o ON o.dataset_id = f.dataset_id AND o.order_id = f.order_id AND o.current
      JOIN ({members}) AS m ON m.subject = coalesce(o.subject, f.subject)
     WHERE f.dataset_id = %(dataset)s AND f.amount IS NOT NULL AND f.currency = %(currency)s
     GROUP BY m.customer_id
  ) AS parts
 GROUP BY customer_id

-- When the customers were last seen who were seen since a time.
-- name: recent_since
SELECT customer_id, max(at) AS at
  FROM (
    SELECT m.customer_id, max(e.occurred_at) AS at
      FROM events e
      JOIN ({members}) AS m ON m.subject = e.subject
     WHERE e.dataset_id = %(dataset)s AND e.type = ANY(%(types)s::text[])
       AND e.occurred_at >= %(since)s::timestamptz
     GROUP BY m.customer_id
     UNION ALL
    SELECT customer_id, first_at FROM identities
     WHERE dataset_id = %(dataset)s AND first_at >= %(since)s::timestamptz
     UNION ALL
    SELECT i.customer_id, l.occurred_at
      FROM tracking_links l
      JOIN identities i ON i.dataset_id = l.dataset_id AND i.identity = l.identity
     WHERE l.dataset_id = %(dataset)s AND l.occurred_at >= %(since)s::timestamptz
     UNION ALL
    SELECT i.customer_id, a.occurred_at
      FROM alias_links a
      JOIN identities i ON i.dataset_id = a.dataset_id AND i.identity = a.identity
     WHERE a.dataset_id = %(dataset)s AND a.occurred_at >= %(since)s::timestamptz
  ) AS seen
 GROUP BY customer_id

-- The same for the customers that were found.
-- name: recent_of_found
SELECT customer_id, max(at) AS at
  FROM (
    SELECT i.customer_id, i.first_at AS at
      FROM found c
      JOIN identities i ON i.dataset_id = %(dataset)s AND i.customer_id = c.customer_id
     UNION ALL
    SELECT i.customer_id, l.occurred_at
      FROM found c
      JOIN identities i ON i.dataset_id = %(dataset)s AND i.customer_id = c.customer_id
      JOIN tracking_links l ON l.dataset_id = i.dataset_id AND l.identity = i.identity
     UNION ALL
    SELECT i.customer_id, a.occurred_at
      FROM found c
      JOIN identities i ON i.dataset_id = %(dataset)s AND i.customer_id = c.customer_id
      JOIN alias_links a ON a.dataset_id = i.dataset_id AND a.identity = i.identity
     UNION ALL
    SELECT m.customer_id, e.occurred_at
      FROM (
        SELECT i.customer_id, i.subject
          FROM found c
          JOIN identities i ON i.dataset_id = %(dataset)s AND i.customer_id = c.customer_id
         UNION ALL
        SELECT i.customer_id, l.subject
          FROM found c
          JOIN identities i ON i.dataset_id = %(dataset)s AND i.customer_id = c.customer_id
          JOIN tracking_links l ON l.dataset_id = i.dataset_id AND l.identity = i.identity AND l.owner
      ) AS m
     CROSS JOIN LATERAL (
        SELECT e.occurred_at FROM events e
         WHERE e.dataset_id = %(dataset)s AND e.subject = m.subject AND e.type = ANY(%(types)s::text[])
         ORDER BY e.occurred_at DESC
         LIMIT 1
      ) AS e
  ) AS seen
 GROUP BY customer_id

-- on citus: recent_of_found
SELECT customer_id, max(at) AS at
  FROM (
    SELECT i.customer_id, i.first_at AS at
      FROM found c
      JOIN identities i ON i.dataset_id = %(dataset)s AND i.customer_id = c.customer_id
     UNION ALL
    SELECT i.customer_id, l.occurred_at
      FROM found c
      JOIN identities i ON i.dataset_id = %(dataset)s AND i.customer_id = c.customer_id
      JOIN tracking_links l ON l.dataset_id = i.dataset_id AND l.identity = i.identity
     UNION ALL
    SELECT i.customer_id, a.occurred_at
      FROM found c
      JOIN identities i ON i.dataset_id = %(dataset)s AND i.customer_id = c.customer_id
      JOIN alias_links a ON a.dataset_id = i.dataset_id AND a.identity = i.identity
     UNION ALL
    SELECT m.customer_id, max(e.occurred_at)
      FROM (
        SELECT i.customer_id, i.subject
          FROM found c
          JOIN identities i ON i.dataset_id = %(dataset)s AND i.customer_id = c.customer_id
         UNION ALL
        SELECT i.customer_id, l.subject
          FROM found c
          JOIN identities i ON i.dataset_id = %(dataset)s AND i.customer_id = c.customer_id
          JOIN tracking_links l ON l.dataset_id = i.dataset_id AND l.identity = i.identity AND l.owner
      ) AS m
      JOIN events e ON e.dataset_id = %(dataset)s AND e.subject = m.subject AND e.type = ANY(%(types)s::text[])
     GROUP BY m.customer_id
  ) AS seen
 GROUP BY customer_id

-- name: newest_event
SELECT max(e.occurred_at) AS newest
  FROM unnest(%(types)s::text[]) AS t (type)
 CROSS JOIN LATERAL (
    SELECT e.occurred_at FROM events e
     WHERE e.dataset_id = %(dataset)s AND e.type = t.type
     ORDER BY e.occurred_at DESC
     LIMIT 1
  ) AS e

-- on citus: newest_event
SELECT max(occurred_at) AS newest FROM events WHERE dataset_id = %(dataset)s AND type = ANY(%(types)s::text[])

-- name: page
WITH found AS MATERIALIZED (
{found}
), worth AS MATERIALIZED (
{worth}
), recent AS MATERIALIZED (
{recent}
)
{list}

-- How many there are. Of those last seen since a time, nobody else can be among them.
-- name: total
WITH found AS MATERIALIZED (
{found}
), worth AS MATERIALIZED (
{worth}
), recent AS MATERIALIZED (
{recent}
)
SELECT count(*) AS customers
  FROM ({base}) AS c
 WHERE {where}

-- name: by_id
SELECT c.customer_id, NULL AS key
  FROM ({base}) AS c
 WHERE {where} AND c.customer_id > %(after_id)s::uuid
 ORDER BY c.customer_id
 LIMIT %(limit)s

-- `{key}` is a number; `{before}` and `{direction}` are < and DESC, or > and ASC.
-- name: by_worth
SELECT *
  FROM (
    SELECT c.customer_id, {key} AS key
      FROM ({base}) AS c
      LEFT JOIN worth w ON w.customer_id = c.customer_id
     WHERE {where}
  ) AS c
 WHERE %(after_key)s::numeric IS NULL
    OR (c.key, c.customer_id) {before} (%(after_key)s::numeric, %(after_id)s::uuid)
 ORDER BY c.key {direction}, c.customer_id {direction}
 LIMIT %(limit)s

-- name: by_last_seen
SELECT c.customer_id, c.at AS key
  FROM recent c
 WHERE {where}
   AND (%(after_key)s::timestamptz IS NULL
        OR (c.at, c.customer_id) {before} (%(after_key)s::timestamptz, %(after_id)s::uuid))
 ORDER BY key {direction}, c.customer_id {direction}
 LIMIT %(limit)s

-- name: key_of_orders
coalesce(w.orders, 0)

-- name: key_of_net
coalesce(w.net, 0)

-- name: key_of_last_order
coalesce(extract(epoch FROM w.last_at), -1000000000000)

-- As `quintiles` classifies: one more than how many of four values lie below.
-- name: key_of_rfm
CASE WHEN w.orders > 0
     THEN 111 + 100 * (SELECT count(*) FROM unnest(%(cuts_last_at)s::timestamptz[]) AS cut (value) WHERE value < w.last_at)
          + 10 * (SELECT count(*) FROM unnest(%(cuts_orders)s::bigint[]) AS cut (value) WHERE value < w.orders)
          + (SELECT count(*) FROM unnest(%(cuts_net)s::numeric[]) AS cut (value) WHERE value < w.net)
     ELSE 0 END

-- name: where_orders
c.customer_id IN (SELECT customer_id FROM worth WHERE orders >= %(min_orders)s)

-- name: where_net
(c.customer_id IN (SELECT customer_id FROM worth WHERE net >= %(min_net)s::numeric)
 OR %(min_net)s::numeric <= 0 AND c.customer_id NOT IN (SELECT customer_id FROM worth))

-- name: where_country
c.customer_id IN (SELECT customer_id FROM worth WHERE there)

-- name: where_seen_after
c.customer_id IN (SELECT customer_id FROM recent WHERE at >= %(seen_after)s::timestamptz)

-- name: where_seen_before
c.customer_id NOT IN (SELECT customer_id FROM recent WHERE at >= %(seen_before)s::timestamptz)
