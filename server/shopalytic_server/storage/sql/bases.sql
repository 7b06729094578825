-- What is kept of past days, and whose numbers in it do not hold any more.

-- From which day until which all days are sealed in these datasets, the sum of
-- their versions, how many days those are; and of each dataset its last
-- change of a customer, and its last one that was of more than some subjects.
-- name: standing
SELECT min(d.day) AS first, max(d.day) + 1 AS past, count(*) AS days, sum(d.version)::bigint AS version,
       ARRAY(SELECT coalesce((SELECT max(c.change_id) FROM customer_changes c WHERE c.dataset_id = s.dataset_id), 0)
               FROM unnest(%(datasets)s::int[]) WITH ORDINALITY AS s (dataset_id, place)
              ORDER BY s.place) AS changes,
       ARRAY(SELECT coalesce((SELECT max(c.change_id) FROM customer_changes c
                               WHERE c.dataset_id = s.dataset_id AND c.subject IS NULL), 0)
               FROM unnest(%(datasets)s::int[]) WITH ORDINALITY AS s (dataset_id, place)
              ORDER BY s.place) AS upheavals
  FROM (
    SELECT day, sum(version) AS version
      FROM rollup_days
     WHERE dataset_id = ANY(%(datasets)s::int[]) AND sealed
     GROUP BY day
    HAVING count(*) = cardinality(%(datasets)s::int[])
  ) AS d

-- All subjects of the customers that have rows outside of the days kept, or that
-- were joined or parted since; with the customer each had then, and has now.
-- name: affected
WITH moved AS MATERIALIZED (
    SELECT DISTINCT ON (c.dataset_id, c.subject) c.dataset_id, c.subject, c.customer_id
      FROM unnest(%(datasets)s::int[], %(known_changes)s::bigint[]) AS known (dataset_id, change_id)
      JOIN customer_changes c ON c.dataset_id = known.dataset_id AND c.change_id > known.change_id
     ORDER BY c.dataset_id, c.subject, c.change_id
), touched AS MATERIALIZED (
    SELECT dataset_id, subject FROM moved
     UNION
    SELECT dataset_id, subject FROM (
{live}
    ) AS live
), customers AS MATERIALIZED (
    SELECT dataset_id, customer_id FROM moved
     UNION
    SELECT t.dataset_id, coalesce(named.customer_id, owner.customer_id, t.subject)
      FROM touched t
      LEFT JOIN identities named ON named.dataset_id = t.dataset_id AND named.subject = t.subject
      LEFT JOIN tracking_links l ON l.dataset_id = t.dataset_id AND l.subject = t.subject AND l.owner
      LEFT JOIN identities owner ON owner.dataset_id = l.dataset_id AND owner.identity = l.identity
), members AS MATERIALIZED (
    SELECT dataset_id, subject FROM moved
     UNION
    SELECT dataset_id, customer_id FROM customers
     UNION
    SELECT i.dataset_id, i.subject
      FROM customers c
      JOIN identities i ON i.dataset_id = c.dataset_id AND i.customer_id = c.customer_id
     UNION
    SELECT l.dataset_id, l.subject
      FROM customers c
      JOIN identities i ON i.dataset_id = c.dataset_id AND i.customer_id = c.customer_id
      JOIN tracking_links l ON l.dataset_id = i.dataset_id AND l.identity = i.identity AND l.owner
)
SELECT count(*) AS members, array_agg(m.dataset_id)::text AS member_datasets,
       array_agg(m.subject)::text AS member_subjects,
       array_agg(coalesce(moved.customer_id, named.customer_id, owner.customer_id, m.subject))::text AS customers_then,
       array_agg(coalesce(named.customer_id, owner.customer_id, m.subject))::text AS customers_now
  FROM members m
  LEFT JOIN moved ON moved.dataset_id = m.dataset_id AND moved.subject = m.subject
  LEFT JOIN identities named ON named.dataset_id = m.dataset_id AND named.subject = m.subject
  LEFT JOIN tracking_links l ON l.dataset_id = m.dataset_id AND l.subject = m.subject AND l.owner
  LEFT JOIN identities owner ON owner.dataset_id = l.dataset_id AND owner.identity = l.identity

-- Parts of statements: the customers of all rows, and of the affected ones alone.

-- name: all_customers
LEFT JOIN identities named ON named.dataset_id = {row}.dataset_id AND named.subject = {row}.subject
      LEFT JOIN tracking_links l ON l.dataset_id = {row}.dataset_id AND l.subject = {row}.subject AND l.owner
      LEFT JOIN identities owner ON owner.dataset_id = l.dataset_id AND owner.identity = l.identity

-- name: all_customer
coalesce(named.customer_id, owner.customer_id, {row}.subject)

-- name: all_members
    SELECT dataset_id, customer_id, customer_id AS subject FROM buyers
     UNION
    SELECT i.dataset_id, i.customer_id, i.subject
      FROM buyers b
      JOIN identities i ON i.dataset_id = b.dataset_id AND i.customer_id = b.customer_id
     UNION
    SELECT l.dataset_id, i.customer_id, l.subject
      FROM buyers b
      JOIN identities i ON i.dataset_id = b.dataset_id AND i.customer_id = b.customer_id
      JOIN tracking_links l ON l.dataset_id = i.dataset_id AND l.identity = i.identity AND l.owner

-- name: some_members
    SELECT *
      FROM unnest(%(member_datasets)s::int[], %(member_customers)s::uuid[], %(member_subjects)s::uuid[])
           AS m (dataset_id, customer_id, subject)

-- name: some_customers
JOIN ({members}) AS mine ON mine.dataset_id = {row}.dataset_id AND mine.subject = {row}.subject

-- name: some_customer
mine.customer_id

-- Keeps the planner from looking events up by type and time, which reads everybody's.
-- name: some_type
(e.type || '')

-- Whether a row's customer is identified.
-- name: all_known
num_nonnulls(named.subject, l.subject) > 0

-- name: some_known
(mine.customer_id <> {row}.subject
            OR EXISTS (SELECT FROM identities i WHERE i.dataset_id = {row}.dataset_id AND i.subject = {row}.subject))
