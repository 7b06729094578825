-- Funnels. Times are compared as they are, so no time zone is needed.

-- Each event that a customer's chosen attempt took, with its step and how many
-- microseconds after the step before. `value` is what the funnel is split by.
--
-- An event has a row for each step that it can take. Rows are numbered so that a
-- customer's later ones have smaller numbers; the next row of a step is then the
-- largest number before one's own. Which one that is does not depend on where an
-- attempt began, so it is worked out once for every row, and attempts follow
-- these links. They do so in arrays, by number: joins would be quadratic
-- whenever the planner expects too few rows. Who never took the second step
-- needs none of this: the attempt is the first event alone.
-- name: chosen
WITH matched AS MATERIALIZED (
    SELECT e.dataset_id, {customer_of_e} AS customer_id,
           s.step, e.subject, e.occurred_at, e.event_id, tie_order(e.tie_breaker) AS tie,
           event_position(e.type, e.properties ->> 'refund_type', e.occurred_at) AS place,
           CASE WHEN s.step > 1 THEN NULL
                WHEN %(split)s::text = 'source' THEN coalesce(e.source, '')
                WHEN %(split)s::text <> 'campaign' THEN ''
                WHEN e.context ->> 'utm_campaign' <> '' THEN e.context ->> 'utm_campaign'
                WHEN given.campaign ~ '[%%+]'
                THEN (%(decoded)s::text[])[array_position(%(encoded)s::text[], given.campaign)]
                ELSE coalesce(given.campaign, '') END AS value
      FROM (SELECT DISTINCT type FROM unnest(%(types)s::text[]) AS type) AS t
      JOIN events e ON {type_of_e} = t.type
      JOIN unnest(%(types)s::text[], %(page_types)s::text[]) WITH ORDINALITY AS s (type, page_type, step)
        -- Not "s.type = e.type": the events would be looked up once for each step.
        ON s.type = t.type || '' AND (s.page_type = '' OR s.page_type = e.properties ->> 'page_type')
     CROSS JOIN LATERAL (
        SELECT CASE WHEN e.type = 'page_view' AND s.step = 1 AND %(split)s::text = 'campaign'
                     AND e.properties ->> 'url' LIKE '%%utm_campaign=%%'
                    THEN substring('&' || substring(split_part(e.properties ->> 'url', '#', 1) FROM '[?](.*)$')
                                   FROM '&utm_campaign=([^&]*)') END AS campaign
      ) AS given
      {customers_of_e}
     WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND {type_of_e} = ANY(%(types)s::text[])
       AND e.occurred_at >= %(rows_from)s::timestamptz AND e.occurred_at < %(rows_to)s::timestamptz
       AND e.occurred_at >= %(from_at)s::timestamptz
       AND e.occurred_at < %(to_at)s::timestamptz + %(window)s::bigint * interval '1 second'
       AND (s.step > 1 OR e.occurred_at < %(to_at)s::timestamptz)
       AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT e.bot)
), judged AS MATERIALIZED (
    SELECT *, bool_or(step = 2) OVER (PARTITION BY dataset_id, customer_id) AS goes_on
      FROM matched
), alone AS (
    SELECT DISTINCT ON (dataset_id, customer_id) *
      FROM judged
     WHERE step = 1 AND NOT goes_on
     ORDER BY dataset_id, customer_id, place, tie, event_id
), numbered AS (
    SELECT *, row_number() OVER (
               ORDER BY dataset_id, customer_id, place DESC, tie DESC, event_id DESC, step) AS number
      FROM judged
     WHERE goes_on
), paired AS (
    SELECT n.*, p.is_next,
           max(n.number) FILTER (WHERE p.is_next) OVER (
               PARTITION BY n.dataset_id, n.customer_id, n.step - p.back
                   ORDER BY n.place DESC, n.tie DESC, n.event_id DESC
               GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS next_number
      FROM numbered n
     CROSS JOIN (VALUES (0, false), (1, true)) AS p (back, is_next)
), linked AS MATERIALIZED (
    SELECT * FROM paired WHERE NOT is_next
), arrays AS MATERIALIZED (
    SELECT array_agg(coalesce(next_number, 0) ORDER BY number) AS nexts,
           array_agg(occurred_at ORDER BY number) AS times,
           array_agg(event_id ORDER BY number) AS event_ids,
           array_agg(subject ORDER BY number) AS subjects
      FROM linked
), attempts AS (
    SELECT f.dataset_id, f.customer_id, f.value, r1, ARRAY[r1, r2, r3, r4, r5, r6, r7, r8, r9, r10] AS numbers,
           1
           + coalesce((a.times[r2] <= deadline)::int, 0)
           + coalesce((a.times[r3] <= deadline)::int, 0)
           + coalesce((a.times[r4] <= deadline)::int, 0)
           + coalesce((a.times[r5] <= deadline)::int, 0)
           + coalesce((a.times[r6] <= deadline)::int, 0)
           + coalesce((a.times[r7] <= deadline)::int, 0)
           + coalesce((a.times[r8] <= deadline)::int, 0)
           + coalesce((a.times[r9] <= deadline)::int, 0)
           + coalesce((a.times[r10] <= deadline)::int, 0) AS reached
      FROM linked f
     CROSS JOIN arrays a
     CROSS JOIN LATERAL (
        SELECT f.number AS r1, f.occurred_at + %(window)s::bigint * interval '1 second' AS deadline
      ) AS l1
     CROSS JOIN LATERAL (SELECT a.nexts[r1] AS r2) AS l2
     CROSS JOIN LATERAL (SELECT a.nexts[r2] AS r3) AS l3
     CROSS JOIN LATERAL (SELECT a.nexts[r3] AS r4) AS l4
     CROSS JOIN LATERAL (SELECT a.nexts[r4] AS r5) AS l5
     CROSS JOIN LATERAL (SELECT a.nexts[r5] AS r6) AS l6
     CROSS JOIN LATERAL (SELECT a.nexts[r6] AS r7) AS l7
     CROSS JOIN LATERAL (SELECT a.nexts[r7] AS r8) AS l8
     CROSS JOIN LATERAL (SELECT a.nexts[r8] AS r9) AS l9
     CROSS JOIN LATERAL (SELECT a.nexts[r9] AS r10) AS l10
     WHERE f.step = 1
), furthest AS (
    SELECT DISTINCT ON (dataset_id, customer_id) *
      FROM attempts
     ORDER BY dataset_id, customer_id, reached DESC, r1 DESC
)
SELECT f.value, t.step, f.dataset_id, a.subjects[t.number] AS subject, a.times[t.number] AS occurred_at,
       a.event_ids[t.number] AS event_id,
       greatest((extract(epoch FROM a.times[t.number] - a.times[f.numbers[t.step - 1]]) * 1000000)::bigint, 0)
       AS waited
  FROM furthest f
 CROSS JOIN arrays a
 CROSS JOIN LATERAL unnest(f.numbers) WITH ORDINALITY AS t (number, step)
 WHERE t.step <= f.reached
 UNION ALL
SELECT value, 1, dataset_id, subject, occurred_at, event_id, NULL
  FROM alone

-- Who did something that the funnel looks at outside of the days that are kept.
-- name: live
    SELECT e.dataset_id, e.subject FROM events e
     WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = ANY(%(types)s::text[])
       AND e.occurred_at >= %(from_at)s::timestamptz
       AND e.occurred_at < %(to_at)s::timestamptz + %(window)s::bigint * interval '1 second'
       AND e.occurred_at < %(rows_from)s::timestamptz
     UNION
    SELECT e.dataset_id, e.subject FROM events e
     WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = ANY(%(types)s::text[])
       AND e.occurred_at >= %(from_at)s::timestamptz
       AND e.occurred_at < %(to_at)s::timestamptz + %(window)s::bigint * interval '1 second'
       AND e.occurred_at >= %(rows_to)s::timestamptz

-- name: steps
WITH chosen AS (
{chosen}
)
SELECT value, step, count(*) AS counted, count(*) AS customers,
       coalesce(array_agg(waited) FILTER (WHERE waited IS NOT NULL), '{{}}') AS waits
  FROM chosen
 GROUP BY value, step

-- name: explain_step
WITH chosen AS (
{chosen}
)
SELECT dataset_id, subject, occurred_at, event_id
  FROM chosen
 WHERE step = %(step)s::bigint AND value = %(value)s::text
