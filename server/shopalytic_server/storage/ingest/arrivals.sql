-- What of the senders' numbered events arrived.

-- name: note_arrivals
INSERT INTO deliveries AS d (dataset_id, hour, source, instance, received,
                             queue_full, expired, refused, too_large)
SELECT n.dataset_id, n.hour, n.source, n.instance, n.received::int8multirange,
       n.queue_full, n.expired, n.refused, n.too_large
  FROM unnest(%(datasets)s::int[], %(hours)s::timestamptz[], %(sources)s::text[], %(instances)s::text[],
              %(received)s::text[], %(queue_full)s::bigint[], %(expired)s::bigint[], %(refused)s::bigint[],
              %(too_large)s::bigint[])
       AS n (dataset_id, hour, source, instance, received, queue_full, expired, refused, too_large)
    ON CONFLICT (dataset_id, hour, source, instance) DO UPDATE
   SET received = d.received + excluded.received,
       queue_full = greatest(d.queue_full, excluded.queue_full),
       expired = greatest(d.expired, excluded.expired),
       refused = greatest(d.refused, excluded.refused),
       too_large = greatest(d.too_large, excluded.too_large)

-- A hole belongs to the hour of the number after it, because that is when it
-- was seen; a number that arrives later closes it. Senders are looked at from
-- their first number on, whenever that was. Drops are told as sums since the
-- sender's start, so an hour's are what its sum has more than the hours before.
-- name: by_source_and_hour
WITH of_senders AS MATERIALIZED (
    SELECT d.*
      FROM deliveries d
      JOIN (SELECT DISTINCT source, instance
              FROM deliveries
             WHERE dataset_id = %(dataset)s::int
               AND hour >= date_trunc('hour', %(from_at)s::timestamptz) AND hour < %(to_at)s::timestamptz
               AND (%(source)s::text IS NULL OR source = %(source)s::text)) AS wanted
        ON wanted.source = d.source AND wanted.instance = d.instance
     WHERE d.dataset_id = %(dataset)s::int AND d.hour < %(to_at)s::timestamptz
), pieces AS (
    SELECT source, instance, hour, lower(piece) AS first, upper(piece) AS past,
           coalesce(max(upper(piece)) OVER (
               PARTITION BY source, instance ORDER BY lower(piece), upper(piece), hour
               ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 1) AS reached
      FROM of_senders, unnest(received) AS piece
), arrived AS (
    SELECT source, instance, hour,
           sum(greatest(past - greatest(first, reached), 0))::bigint AS received,
           sum(greatest(first - reached, 0))::bigint AS missing
      FROM pieces
     GROUP BY source, instance, hour
), dropped AS (
    SELECT source, instance, hour,
           greatest(queue_full - coalesce(max(queue_full) OVER before, 0), 0) AS queue_full,
           greatest(expired - coalesce(max(expired) OVER before, 0), 0) AS expired,
           greatest(refused - coalesce(max(refused) OVER before, 0), 0) AS refused,
           greatest(too_large - coalesce(max(too_large) OVER before, 0), 0) AS too_large
      FROM of_senders
    WINDOW before AS (PARTITION BY source, instance ORDER BY hour
                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT hour, source, array_agg(instance) AS instances,
       coalesce(sum(a.received), 0)::bigint AS received, coalesce(sum(a.missing), 0)::bigint AS missing,
       sum(d.queue_full)::bigint AS queue_full, sum(d.expired)::bigint AS expired,
       sum(d.refused)::bigint AS refused, sum(d.too_large)::bigint AS too_large
  FROM dropped d
  LEFT JOIN arrived a USING (source, instance, hour)
 WHERE hour >= date_trunc('hour', %(from_at)s::timestamptz)
 GROUP BY hour, source
 ORDER BY hour, source
