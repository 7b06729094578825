-- Days whose page views are summed up in all of these datasets, and whether some
-- of the page views may have been removed since.
-- name: sealed
SELECT r.day, bool_or(x.dataset_id IS NOT NULL) AS expired
  FROM rollup_days r
  LEFT JOIN expirations x ON x.dataset_id = r.dataset_id AND x.type = 'page_view'
       AND r.day < (x.before AT TIME ZONE 'UTC')::date
 WHERE r.dataset_id = ANY(%(datasets)s::int[]) AND r.sealed
   AND r.day <= (%(to_at)s::timestamptz AT TIME ZONE 'UTC')::date
 GROUP BY r.day
HAVING count(*) = cardinality(%(datasets)s::int[])
 ORDER BY r.day
