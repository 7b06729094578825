-- Funnels. Times are compared as they are, so no time zone is needed.

-- Each event that a customer's chosen attempt took, with its step and how many
-- microseconds after the step before. `value` is what the funnel is split by.
--
-- Events are numbered so that a customer's later ones have smaller numbers; the
-- next event of a step is then the largest number before one's own. Which event
-- comes next does not depend on where an attempt began, so it is worked out
-- once for every event, and attempts only follow these links.
-- name: chosen
WITH matched AS MATERIALIZED (
    SELECT e.dataset_id, coalesce(named.customer_id, owner.customer_id, e.subject) AS customer_id,
           s.step, e.subject, e.occurred_at, e.event_id,
           CASE WHEN s.step > 1 THEN NULL
                WHEN %(split)s::text = 'source' THEN coalesce(e.source, '')
                WHEN %(split)s::text = 'campaign' THEN coalesce(
                    nullif(e.context ->> 'utm_campaign', ''),
                    CASE WHEN given.campaign ~ '[%%+]'
                         THEN (%(decoded)s::text[])[array_position(%(encoded)s::text[], given.campaign)]
                         ELSE given.campaign END,
                    '')
                ELSE '' END AS value
      FROM events e
      JOIN unnest(%(types)s::text[], %(page_types)s::text[]) WITH ORDINALITY AS s (type, page_type, step)
        ON s.type = e.type AND (s.page_type = '' OR s.page_type = e.properties ->> 'page_type')
     CROSS JOIN LATERAL (
        SELECT CASE WHEN e.type = 'page_view' AND s.step = 1 AND %(split)s::text = 'campaign'
                     AND e.properties ->> 'url' LIKE '%%utm_campaign=%%'
                    THEN substring('&' || substring(split_part(e.properties ->> 'url', '#', 1) FROM '[?](.*)$')
                                   FROM '&utm_campaign=([^&]*)') END AS campaign
      ) AS given
      LEFT JOIN identities named ON named.dataset_id = e.dataset_id AND named.subject = e.subject
      LEFT JOIN tracking_links l ON l.dataset_id = e.dataset_id AND l.subject = e.subject AND l.owner
      LEFT JOIN identities owner ON owner.dataset_id = l.dataset_id AND owner.identity = l.identity
     WHERE e.dataset_id = ANY(%(datasets)s::int[]) AND e.type = ANY(%(types)s::text[])
       AND e.occurred_at >= %(from_at)s::timestamptz
       AND e.occurred_at < %(to_at)s::timestamptz + %(window)s::bigint * interval '1 second'
       AND (s.step > 1 OR e.occurred_at < %(to_at)s::timestamptz)
       AND (%(source)s::text IS NULL OR e.source = %(source)s::text)
       AND (%(include_bots)s::boolean OR NOT e.bot)
), numbered AS (
    SELECT *, dense_rank() OVER (ORDER BY dataset_id, customer_id, occurred_at DESC, event_id DESC) AS number
      FROM matched
), paired AS (
    SELECT n.*, p.is_next,
           max(n.number) FILTER (WHERE p.is_next) OVER (
               PARTITION BY n.dataset_id, n.customer_id, p.pair ORDER BY n.number
               GROUPS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS next_number
      FROM numbered n
     CROSS JOIN LATERAL (VALUES (n.step, false), (n.step - 1, true)) AS p (pair, is_next)
), linked AS MATERIALIZED (
    SELECT * FROM paired WHERE NOT is_next
), attempts AS (
    SELECT s1.dataset_id, s1.customer_id, s1.number, s1.value,
           num_nonnulls(s1.number, s2.number, s3.number, s4.number, s5.number, s6.number, s7.number,
                        s8.number, s9.number, s10.number) AS reached,
           ARRAY[s1.occurred_at, s2.occurred_at, s3.occurred_at, s4.occurred_at, s5.occurred_at,
                 s6.occurred_at, s7.occurred_at, s8.occurred_at, s9.occurred_at, s10.occurred_at] AS times,
           ARRAY[s1.event_id, s2.event_id, s3.event_id, s4.event_id, s5.event_id,
                 s6.event_id, s7.event_id, s8.event_id, s9.event_id, s10.event_id] AS event_ids,
           ARRAY[s1.subject, s2.subject, s3.subject, s4.subject, s5.subject,
                 s6.subject, s7.subject, s8.subject, s9.subject, s10.subject] AS subjects
      FROM linked s1
     CROSS JOIN LATERAL (
        SELECT s1.occurred_at + %(window)s::bigint * interval '1 second' AS deadline
      ) AS d
      LEFT JOIN linked s2 ON s2.step = s1.step + 1 AND s2.number = s1.next_number AND s2.occurred_at <= deadline
      LEFT JOIN linked s3 ON s3.step = s2.step + 1 AND s3.number = s2.next_number AND s3.occurred_at <= deadline
      LEFT JOIN linked s4 ON s4.step = s3.step + 1 AND s4.number = s3.next_number AND s4.occurred_at <= deadline
      LEFT JOIN linked s5 ON s5.step = s4.step + 1 AND s5.number = s4.next_number AND s5.occurred_at <= deadline
      LEFT JOIN linked s6 ON s6.step = s5.step + 1 AND s6.number = s5.next_number AND s6.occurred_at <= deadline
      LEFT JOIN linked s7 ON s7.step = s6.step + 1 AND s7.number = s6.next_number AND s7.occurred_at <= deadline
      LEFT JOIN linked s8 ON s8.step = s7.step + 1 AND s8.number = s7.next_number AND s8.occurred_at <= deadline
      LEFT JOIN linked s9 ON s9.step = s8.step + 1 AND s9.number = s8.next_number AND s9.occurred_at <= deadline
      LEFT JOIN linked s10 ON s10.step = s9.step + 1 AND s10.number = s9.next_number AND s10.occurred_at <= deadline
     WHERE s1.step = 1
), furthest AS (
    SELECT DISTINCT ON (dataset_id, customer_id) *
      FROM attempts
     ORDER BY dataset_id, customer_id, reached DESC, number DESC
)
SELECT f.value, t.step, f.dataset_id, t.subject, t.occurred_at, t.event_id,
       (extract(epoch FROM t.occurred_at - f.times[t.step - 1]) * 1000000)::bigint AS waited
  FROM furthest f
 CROSS JOIN LATERAL unnest(f.times, f.event_ids, f.subjects)
       WITH ORDINALITY AS t (occurred_at, event_id, subject, step)
 WHERE t.step <= f.reached

-- The two middle ones of the waits; for an odd number they are the same one.
-- name: steps
WITH chosen AS (
{chosen}
)
SELECT value, step, count(*) AS customers,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY waited) AS lower_middle,
       percentile_disc(0.5) WITHIN GROUP (ORDER BY waited DESC) AS upper_middle
  FROM chosen
 GROUP BY value, step

-- name: explain_step
WITH chosen AS (
{chosen}
)
SELECT dataset_id, subject, occurred_at, event_id
  FROM chosen
 WHERE step = %(step)s::bigint AND value = %(value)s::text
