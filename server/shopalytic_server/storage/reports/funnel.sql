-- Funnels. Times are compared as they are, so no time zone is needed.

-- Where customers' sessions begin, and their campaigns, as the traffic report has them.
-- name: begun
SELECT customer, position, campaign, campaign_encoded
  FROM visit_begins
 WHERE occurred_at < $to_at::TIMESTAMP

-- None, for a funnel that is not split by campaign.
-- name: none_begun
SELECT 0::BIGINT AS customer, 0::BIGINT AS position, '' AS campaign, false AS campaign_encoded LIMIT 0

-- Who took the second step at any time. Nobody else gets further than the first.
-- name: going_on
SELECT DISTINCT coalesce(c.customer, e.subject) AS customer
  FROM steps e
  LEFT JOIN customers_of c ON c.subject = e.subject
 WHERE e.type = ($types::VARCHAR[])[2] AND ($page_types::VARCHAR[])[2] IN ('', e.page_type)
   AND e.occurred_at >= $from_at::TIMESTAMP AND e.occurred_at - to_seconds($window::BIGINT) < $to_at::TIMESTAMP
   AND ($source::VARCHAR IS NULL OR e.source = $source) AND ($include_bots OR NOT e.bot)

-- Whose events they took it with.
-- name: followed
SELECT customer AS subject FROM going_on
 UNION
SELECT c.subject FROM customers_of c JOIN going_on g ON g.customer = c.customer

-- All others who took the first step, where nobody asks by which event.
-- name: alone_counted
SELECT DISTINCT coalesce(c.customer, e.subject) AS customer, NULL::BIGINT AS dataset, NULL::TIMESTAMP AS occurred_at,
       NULL::BIGINT AS position, NULL::BIGINT AS tie_breaker, NULL::UUID AS event_id, '' AS value, false AS encoded,
       '' AS by_1, '' AS by_2
  FROM counted_steps e
  LEFT JOIN customers_of c ON c.subject = e.subject
 WHERE e.type = ($types::VARCHAR[])[1] AND ($page_types::VARCHAR[])[1] IN ('', e.page_type)
   AND e.occurred_at >= $from_at::TIMESTAMP AND e.occurred_at < $to_at::TIMESTAMP AND e.matching
   AND coalesce(c.customer, e.subject) NOT IN (SELECT customer FROM going_on)

-- Their first steps, of which only each customer's first counts.
-- name: entered
SELECT coalesce(c.customer, e.subject) AS customer, e.position, e.by_1, e.by_2,
       CASE $split WHEN 'source' THEN coalesce(e.source, '') WHEN 'campaign' THEN e.campaign ELSE '' END AS value,
       $split = 'campaign' AND e.campaign_encoded AS encoded, e.tie_breaker, e.event_id, e.dataset, e.occurred_at
  FROM counted_steps e
  LEFT JOIN customers_of c ON c.subject = e.subject
 WHERE e.type = ($types::VARCHAR[])[1] AND ($page_types::VARCHAR[])[1] IN ('', e.page_type)
   AND e.occurred_at >= $from_at::TIMESTAMP AND e.occurred_at < $to_at::TIMESTAMP AND e.matching
   AND coalesce(c.customer, e.subject) NOT IN (SELECT customer FROM going_on)

-- name: alone
WITH firsts AS (
    SELECT customer, min(position) AS position FROM entered GROUP BY customer
), tied AS (
    SELECT e.* FROM entered e JOIN firsts f ON f.customer = e.customer AND f.position = e.position
), alone AS (
    SELECT * FROM tied QUALIFY row_number() OVER (PARTITION BY customer ORDER BY tie_breaker, event_id) = 1
)
SELECT a.customer, a.dataset, a.occurred_at, a.position, a.tie_breaker, a.event_id,
       coalesce(s.campaign, a.value) AS value, coalesce(s.campaign_encoded, a.encoded) AS encoded, a.by_1, a.by_2
  FROM alone a
  ASOF LEFT JOIN begun s ON s.customer = a.customer AND a.position >= s.position

-- Each event that a customer's chosen attempt took, with its step and how many
-- microseconds after the step before. `value` is what the funnel is split by; it
-- is that of the attempt's first event, or of the session which that is in. Filters
-- and breakdowns look at the first event, too.
--
-- Each first step begins an attempt; its next step is the customer's first event
-- of that kind after it, and so on while the window lasts. Of each customer the
-- attempt that gets furthest is chosen, and of several the earliest. `place`
-- numbers a customer's events, `first` is that of an attempt's first event; `steps` has a
-- bit for each step that an event may take. Steps
-- that nobody asks for are NULL, and read nothing. Most customers take no second
-- step: of these (`alone`) the first event is all that counts, and nothing has to be sorted.
-- name: chosen
WITH looked AS (
    SELECT subject, dataset, type, page_type, occurred_at, position, tie_breaker, event_id, source, campaign,
           campaign_encoded, matching, by_1, by_2
      FROM counted_steps
     WHERE type = ($types::VARCHAR[])[1]
     UNION ALL
    SELECT subject, dataset, type, page_type, occurred_at, position, tie_breaker, event_id, source, campaign,
           campaign_encoded, false, '', ''
      FROM steps
     WHERE list_contains($types::VARCHAR[], type) AND type <> ($types::VARCHAR[])[1]
       AND ($source::VARCHAR IS NULL OR source = $source) AND ($include_bots OR NOT bot)
), numbered AS (
    SELECT coalesce(c.customer, e.subject) AS customer, e.dataset, e.occurred_at, e.position, e.tie_breaker, e.event_id,
           CASE $split WHEN 'source' THEN coalesce(e.source, '') WHEN 'campaign' THEN e.campaign ELSE '' END AS value,
           $split = 'campaign' AND e.campaign_encoded AS encoded, e.by_1, e.by_2,
           CASE WHEN e.matching AND e.type = ($types::VARCHAR[])[1] AND ($page_types::VARCHAR[])[1] IN ('', e.page_type) THEN 1 ELSE 0 END
               + CASE WHEN e.type = ($types::VARCHAR[])[2] AND ($page_types::VARCHAR[])[2] IN ('', e.page_type) THEN 2 ELSE 0 END
               + CASE WHEN e.type = ($types::VARCHAR[])[3] AND ($page_types::VARCHAR[])[3] IN ('', e.page_type) THEN 4 ELSE 0 END
               + CASE WHEN e.type = ($types::VARCHAR[])[4] AND ($page_types::VARCHAR[])[4] IN ('', e.page_type) THEN 8 ELSE 0 END
               + CASE WHEN e.type = ($types::VARCHAR[])[5] AND ($page_types::VARCHAR[])[5] IN ('', e.page_type) THEN 16 ELSE 0 END
               + CASE WHEN e.type = ($types::VARCHAR[])[6] AND ($page_types::VARCHAR[])[6] IN ('', e.page_type) THEN 32 ELSE 0 END
               + CASE WHEN e.type = ($types::VARCHAR[])[7] AND ($page_types::VARCHAR[])[7] IN ('', e.page_type) THEN 64 ELSE 0 END
               + CASE WHEN e.type = ($types::VARCHAR[])[8] AND ($page_types::VARCHAR[])[8] IN ('', e.page_type) THEN 128 ELSE 0 END
               + CASE WHEN e.type = ($types::VARCHAR[])[9] AND ($page_types::VARCHAR[])[9] IN ('', e.page_type) THEN 256 ELSE 0 END
               + CASE WHEN e.type = ($types::VARCHAR[])[10] AND ($page_types::VARCHAR[])[10] IN ('', e.page_type) THEN 512 ELSE 0 END AS steps
      FROM looked e
      LEFT JOIN customers_of c ON c.subject = e.subject
     WHERE e.occurred_at >= $from_at::TIMESTAMP
       AND e.occurred_at - to_seconds($window::BIGINT) < $to_at::TIMESTAMP
       AND e.subject IN (SELECT subject FROM followed)
), placed AS MATERIALIZED (
    SELECT *, row_number() OVER (PARTITION BY customer ORDER BY position, tie_breaker, event_id) AS place
      FROM numbered
     WHERE steps > 0
), step_1 AS MATERIALIZED (
    SELECT customer, place AS first, place, occurred_at, occurred_at + to_seconds($window::BIGINT) AS deadline
      FROM placed
     WHERE steps & 1 > 0 AND occurred_at < $to_at::TIMESTAMP
), step_2 AS MATERIALIZED (
    SELECT r.customer, r.first, n.place, n.occurred_at, r.deadline,
           epoch_us(n.occurred_at) - epoch_us(r.occurred_at) AS after
      FROM step_1 r
      ASOF JOIN (SELECT customer, place, occurred_at FROM placed
                  WHERE steps & 2 > 0) n
        ON n.customer = r.customer AND r.place < n.place
     WHERE n.occurred_at <= r.deadline
), step_3 AS MATERIALIZED (
    SELECT r.customer, r.first, n.place, n.occurred_at, r.deadline,
           epoch_us(n.occurred_at) - epoch_us(r.occurred_at) AS after
      FROM step_2 r
      ASOF JOIN (SELECT customer, place, occurred_at FROM placed
                  WHERE steps & 4 > 0) n
        ON n.customer = r.customer AND r.place < n.place
     WHERE n.occurred_at <= r.deadline
), step_4 AS MATERIALIZED (
    SELECT r.customer, r.first, n.place, n.occurred_at, r.deadline,
           epoch_us(n.occurred_at) - epoch_us(r.occurred_at) AS after
      FROM step_3 r
      ASOF JOIN (SELECT customer, place, occurred_at FROM placed
                  WHERE steps & 8 > 0) n
        ON n.customer = r.customer AND r.place < n.place
     WHERE n.occurred_at <= r.deadline
), step_5 AS MATERIALIZED (
    SELECT r.customer, r.first, n.place, n.occurred_at, r.deadline,
           epoch_us(n.occurred_at) - epoch_us(r.occurred_at) AS after
      FROM step_4 r
      ASOF JOIN (SELECT customer, place, occurred_at FROM placed
                  WHERE steps & 16 > 0) n
        ON n.customer = r.customer AND r.place < n.place
     WHERE n.occurred_at <= r.deadline
), step_6 AS MATERIALIZED (
    SELECT r.customer, r.first, n.place, n.occurred_at, r.deadline,
           epoch_us(n.occurred_at) - epoch_us(r.occurred_at) AS after
      FROM step_5 r
      ASOF JOIN (SELECT customer, place, occurred_at FROM placed
                  WHERE steps & 32 > 0) n
        ON n.customer = r.customer AND r.place < n.place
     WHERE n.occurred_at <= r.deadline
), step_7 AS MATERIALIZED (
    SELECT r.customer, r.first, n.place, n.occurred_at, r.deadline,
           epoch_us(n.occurred_at) - epoch_us(r.occurred_at) AS after
      FROM step_6 r
      ASOF JOIN (SELECT customer, place, occurred_at FROM placed
                  WHERE steps & 64 > 0) n
        ON n.customer = r.customer AND r.place < n.place
     WHERE n.occurred_at <= r.deadline
), step_8 AS MATERIALIZED (
    SELECT r.customer, r.first, n.place, n.occurred_at, r.deadline,
           epoch_us(n.occurred_at) - epoch_us(r.occurred_at) AS after
      FROM step_7 r
      ASOF JOIN (SELECT customer, place, occurred_at FROM placed
                  WHERE steps & 128 > 0) n
        ON n.customer = r.customer AND r.place < n.place
     WHERE n.occurred_at <= r.deadline
), step_9 AS MATERIALIZED (
    SELECT r.customer, r.first, n.place, n.occurred_at, r.deadline,
           epoch_us(n.occurred_at) - epoch_us(r.occurred_at) AS after
      FROM step_8 r
      ASOF JOIN (SELECT customer, place, occurred_at FROM placed
                  WHERE steps & 256 > 0) n
        ON n.customer = r.customer AND r.place < n.place
     WHERE n.occurred_at <= r.deadline
), step_10 AS MATERIALIZED (
    SELECT r.customer, r.first, n.place, n.occurred_at, r.deadline,
           epoch_us(n.occurred_at) - epoch_us(r.occurred_at) AS after
      FROM step_9 r
      ASOF JOIN (SELECT customer, place, occurred_at FROM placed
                  WHERE steps & 512 > 0) n
        ON n.customer = r.customer AND r.place < n.place
     WHERE n.occurred_at <= r.deadline
), reached AS (
    SELECT 1 AS step, customer, first, place, NULL AS after FROM step_1
     UNION ALL
    SELECT 2, customer, first, place, after FROM step_2
     UNION ALL
    SELECT 3, customer, first, place, after FROM step_3
     UNION ALL
    SELECT 4, customer, first, place, after FROM step_4
     UNION ALL
    SELECT 5, customer, first, place, after FROM step_5
     UNION ALL
    SELECT 6, customer, first, place, after FROM step_6
     UNION ALL
    SELECT 7, customer, first, place, after FROM step_7
     UNION ALL
    SELECT 8, customer, first, place, after FROM step_8
     UNION ALL
    SELECT 9, customer, first, place, after FROM step_9
     UNION ALL
    SELECT 10, customer, first, place, after FROM step_10
), furthest AS (
    SELECT customer, arg_max(first, step) AS first
      FROM (SELECT customer, step, min(first) AS first FROM reached GROUP BY ALL)
     GROUP BY customer
), taken AS MATERIALIZED (
    SELECT r.step, r.customer, r.place, CASE WHEN r.after < 0 THEN 0 ELSE r.after END AS waited
      FROM reached r
      JOIN furthest f ON f.customer = r.customer AND f.first = r.first
), firsts AS (
    SELECT e.customer, coalesce(s.campaign, e.value) AS value, coalesce(s.campaign_encoded, e.encoded) AS encoded,
           e.by_1, e.by_2
      FROM (SELECT p.* FROM placed p JOIN taken t ON t.customer = p.customer AND t.place = p.place AND t.step = 1) e
      ASOF LEFT JOIN begun s ON s.customer = e.customer AND e.position >= s.position
)
SELECT t.step, e.dataset, ($types::VARCHAR[])[t.step] AS type, e.occurred_at, e.position, e.tie_breaker, e.event_id, t.waited, f.value, f.encoded,
       f.by_1, f.by_2
  FROM placed e
  JOIN taken t ON t.customer = e.customer AND t.place = e.place
  JOIN firsts f ON f.customer = e.customer
 UNION ALL
SELECT 1, dataset, ($types::VARCHAR[])[1], occurred_at, position, tie_breaker, event_id, NULL, value, encoded, by_1, by_2
  FROM alone

-- Campaigns that stand encoded in the addresses of first steps ("spring%20sale").
-- name: encoded
SELECT DISTINCT value FROM chosen WHERE encoded ORDER BY value

-- The customers of each step, and their two middle waits, which of an odd number are the same.
-- name: steps
WITH counted AS (
    SELECT CASE WHEN encoded THEN ($decoded::VARCHAR[])[list_position($encoded::VARCHAR[], value)] ELSE value END
               AS value,
           by_1, by_2, step, count(*) AS customers, list_sort(list(waited) FILTER (WHERE waited IS NOT NULL)) AS waits
      FROM chosen
     GROUP BY ALL
)
SELECT value, by_1, by_2, step, customers, [waits[(len(waits) + 1) // 2], waits[len(waits) // 2 + 1]] AS waits
  FROM counted

-- The events that took a step; `encoded` are the forms in which a campaign stands in addresses.
-- name: explain_step
SELECT dataset, type, occurred_at, position, tie_breaker, event_id
  FROM chosen
 WHERE step = $step::BIGINT AND ($by_1::VARCHAR IS NULL OR by_1 = $by_1) AND ($by_2::VARCHAR IS NULL OR by_2 = $by_2)
   AND CASE WHEN encoded THEN list_contains($encoded::VARCHAR[], value) ELSE value = $value::VARCHAR END
