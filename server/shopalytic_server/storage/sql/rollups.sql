-- Days whose page views are summed up in all of these datasets.
-- name: sealed
SELECT day
  FROM rollup_days
 WHERE dataset_id = ANY(%(datasets)s::int[]) AND sealed
   AND day <= (%(to_at)s::timestamptz AT TIME ZONE 'UTC')::date
 GROUP BY day
HAVING count(*) = cardinality(%(datasets)s::int[])
 ORDER BY day
