-- Page views made into parts of visits. `row` numbers the rows. Parts that begin before
-- {early} or end at {late} or later may go on in other units of days, and those of a
-- subject that came through several sources may lie in each other.
-- name: parts
WITH begun AS (
    SELECT row, subject, source, bot, occurred_at, coalesce(last_at, occurred_at) AS last_at, coalesce(views, 1) AS views,
           row_number() OVER earlier AS place,
           coalesce(occurred_at - max(coalesce(last_at, occurred_at)) OVER before > {gap}, true) AS begins
      FROM {rows}
    WINDOW earlier AS (PARTITION BY subject, source, bot ORDER BY occurred_at, coalesce(tie_breaker, 9223372036854775807), event_id),
           before AS (PARTITION BY subject, source, bot ORDER BY occurred_at, coalesce(tie_breaker, 9223372036854775807), event_id
                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), numbered AS (
    SELECT *, sum(begins::INTEGER) OVER (PARTITION BY subject, source, bot ORDER BY place ROWS UNBOUNDED PRECEDING) AS number
      FROM begun
), parts AS MATERIALIZED (
    SELECT subject, source, bot, min(row) FILTER (WHERE begins) AS row, min(occurred_at) AS occurred_at,
           max(last_at) AS last_at, sum(views)::BIGINT AS views
      FROM numbered
     GROUP BY subject, source, bot, number
), mixed AS (
    SELECT subject FROM (SELECT DISTINCT subject, source, bot FROM parts) GROUP BY subject HAVING count(*) > 1
)
SELECT v.* REPLACE (p.last_at AS last_at, p.views AS views),
       p.occurred_at < {early} OR p.last_at >= {late} OR p.subject IN (FROM mixed) AS loose
  FROM parts p
  JOIN {rows} v ON v.row = p.row

-- The parts with which no visit of their customer begins: there was a page view in the
-- half hour before. All others begin one. Parts that are not loose, of a subject that is
-- no known customer's, are alone.
-- name: continued
SELECT subject, occurred_at, event_id
  FROM (
    SELECT coalesce(c.customer, t.subject) AS customer, t.subject, t.occurred_at, t.last_at, t.tie_breaker, t.event_id
      FROM visit_parts t
      LEFT JOIN customers_of c ON c.subject = t.subject
     WHERE {counts} AND (t.loose OR c.customer IS NOT NULL OR t.subject IN (SELECT customer FROM customers_of))
  )
QUALIFY NOT coalesce(occurred_at - max(last_at) OVER (PARTITION BY customer ORDER BY occurred_at, tie_breaker, event_id
                                                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) > {gap}, true)

-- The page views with which visits of customers begin.
-- name: visit_begins
SELECT coalesce(c.customer, t.subject) AS customer, c.customer IS NOT NULL AS known, t.*
  FROM visit_parts t
  ANTI JOIN visits_continued d ON d.subject = t.subject AND d.occurred_at = t.occurred_at AND d.event_id = t.event_id
  LEFT JOIN customers_of c ON c.subject = t.subject
 WHERE {counts}
