-- Page views, and of days from which retention may have removed some the quarters
-- of an hour that stand for all of them. Such a day is summed up; one that is not
-- has its page views still. Quarters know neither device nor place, and of campaigns
-- the name alone.
-- name: rows
WITH expired AS MATERIALIZED (
    SELECT r.dataset_id, r.day
      FROM expirations x
      JOIN rollup_days r ON r.dataset_id = x.dataset_id AND r.sealed
       AND r.day < (x.before AT TIME ZONE 'UTC')::date
     WHERE x.dataset_id = ANY({datasets}::int[]) AND x.type = 'page_view'
)
SELECT v.dataset_id AS dataset, fact_key(s.secret, v.dataset_id, uuid_send(v.subject)) AS subject,
       v.occurred_at AT TIME ZONE 'UTC' AS occurred_at, v.tie_breaker, v.event_id, v.source, v.bot,
       v.last_at AT TIME ZONE 'UTC' AS last_at, v.views, v.url, v.referrer, v.campaign, v.page_type, v.utm_source,
       v.utm_medium, v.utm_term, v.utm_content, v.user_agent, v.language, v.country, v.region, v.city, v.summed_site,
       v.summed_page, v.summed_encoded
  FROM (
    SELECT e.dataset_id, e.subject, e.occurred_at, e.tie_breaker, e.event_id, e.source, e.bot,
           NULL::timestamptz AS last_at, NULL::bigint AS views, e.properties ->> 'url' AS url,
           e.properties ->> 'referrer' AS referrer, e.context ->> 'utm_campaign' AS campaign,
           e.properties ->> 'page_type' AS page_type, e.context ->> 'utm_source' AS utm_source,
           e.context ->> 'utm_medium' AS utm_medium, e.context ->> 'utm_term' AS utm_term,
           e.context ->> 'utm_content' AS utm_content, left(e.context ->> 'user_agent', 300) AS user_agent,
           e.context ->> 'language' AS language,
           coalesce(e.context ->> 'country', nullif(e.context ->> 'network_country', '')) AS country,
           coalesce(e.context ->> 'region', e.context ->> 'network_region') AS region,
           coalesce(e.context ->> 'city', e.context ->> 'network_city') AS city, NULL AS summed_site,
           NULL AS summed_page, NULL::boolean AS summed_encoded
      FROM events e
     WHERE e.dataset_id = ANY({datasets}::int[]) AND e.type = 'page_view'
       AND e.occurred_at >= {begin}::timestamptz AND e.occurred_at < {end}::timestamptz
       AND (e.dataset_id, (e.occurred_at AT TIME ZONE 'UTC')::date) NOT IN (SELECT dataset_id, day FROM expired)
     UNION ALL
    SELECT q.dataset_id, q.subject, q.occurred_at, q.tie_breaker, q.event_id, q.source, q.bot, q.last_at,
           q.page_views, NULL, q.referrer, q.campaign, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           q.site, q.landing_page, q.encoded
      FROM expired x
      JOIN page_quarters q ON q.dataset_id = x.dataset_id
       AND q.occurred_at >= x.day::timestamp AT TIME ZONE 'UTC'
       AND q.occurred_at < (x.day + 1)::timestamp AT TIME ZONE 'UTC'
     WHERE q.occurred_at >= {begin}::timestamptz AND q.occurred_at < {end}::timestamptz
  ) AS v
 CROSS JOIN fact_store s

-- on citus: rows
WITH expired AS MATERIALIZED (
    SELECT r.dataset_id, r.day
      FROM expirations x
      JOIN rollup_days r ON r.dataset_id = x.dataset_id AND r.sealed
       AND r.day < (x.before AT TIME ZONE 'UTC')::date
     WHERE x.dataset_id = ANY({datasets}::int[]) AND x.type = 'page_view'
), v AS MATERIALIZED (
    SELECT e.dataset_id, e.subject, e.occurred_at, e.tie_breaker, e.event_id, e.source, e.bot,
           NULL::timestamptz AS last_at, NULL::bigint AS views, e.properties ->> 'url' AS url,
           e.properties ->> 'referrer' AS referrer, e.context ->> 'utm_campaign' AS campaign,
           e.properties ->> 'page_type' AS page_type, e.context ->> 'utm_source' AS utm_source,
           e.context ->> 'utm_medium' AS utm_medium, e.context ->> 'utm_term' AS utm_term,
           e.context ->> 'utm_content' AS utm_content, left(e.context ->> 'user_agent', 300) AS user_agent,
           e.context ->> 'language' AS language,
           coalesce(e.context ->> 'country', nullif(e.context ->> 'network_country', '')) AS country,
           coalesce(e.context ->> 'region', e.context ->> 'network_region') AS region,
           coalesce(e.context ->> 'city', e.context ->> 'network_city') AS city, NULL AS summed_site,
           NULL AS summed_page, NULL::boolean AS summed_encoded
      FROM events e
     WHERE e.dataset_id = ANY({datasets}::int[]) AND e.type = 'page_view'
       AND e.occurred_at >= {begin}::timestamptz AND e.occurred_at < {end}::timestamptz
       AND (e.dataset_id, (e.occurred_at AT TIME ZONE 'UTC')::date) NOT IN (SELECT dataset_id, day FROM expired)
     UNION ALL
    SELECT q.dataset_id, q.subject, q.occurred_at, q.tie_breaker, q.event_id, q.source, q.bot, q.last_at,
           q.page_views, NULL, q.referrer, q.campaign, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
           q.site, q.landing_page, q.encoded
      FROM expired x
      JOIN page_quarters q ON q.dataset_id = x.dataset_id
       AND q.occurred_at >= x.day::timestamp AT TIME ZONE 'UTC'
       AND q.occurred_at < (x.day + 1)::timestamp AT TIME ZONE 'UTC'
     WHERE q.occurred_at >= {begin}::timestamptz AND q.occurred_at < {end}::timestamptz
)
SELECT v.dataset_id AS dataset, fact_key(s.secret, v.dataset_id, uuid_send(v.subject)) AS subject,
       v.occurred_at AT TIME ZONE 'UTC' AS occurred_at, v.tie_breaker, v.event_id, v.source, v.bot,
       v.last_at AT TIME ZONE 'UTC' AS last_at, v.views, v.url, v.referrer, v.campaign, v.page_type, v.utm_source,
       v.utm_medium, v.utm_term, v.utm_content, v.user_agent, v.language, v.country, v.region, v.city, v.summed_site,
       v.summed_page, v.summed_encoded
  FROM v
 CROSS JOIN fact_store s

-- What stands encoded in an address is marked: reports decode it. Of what an address
-- and the context of an event say the context counts.
-- name: made
SELECT * EXCLUDE (url, summed_site, summed_page, summed_encoded, named, given) REPLACE (
           CASE WHEN views IS NULL THEN coalesce(host_of(referrer), '') ELSE referrer END AS referrer,
           coalesce(nullif(campaign, ''), regexp_extract(given, '&utm_campaign=([^&]*)', 1), '') AS campaign,
           coalesce(nullif(utm_source, ''), encoded_text(regexp_extract(given, '&utm_source=([^&]*)', 1)), '')
               AS utm_source,
           coalesce(nullif(utm_medium, ''), encoded_text(regexp_extract(given, '&utm_medium=([^&]*)', 1)), '')
               AS utm_medium,
           coalesce(nullif(utm_term, ''), encoded_text(regexp_extract(given, '&utm_term=([^&]*)', 1)), '')
               AS utm_term,
           coalesce(nullif(utm_content, ''), encoded_text(regexp_extract(given, '&utm_content=([^&]*)', 1)), '')
               AS utm_content
       ),
       CASE WHEN views IS NULL
            THEN split_part(url, '/', 1) || '/' || split_part(url, '/', 2) || '/' || split_part(url, '/', 3)
            ELSE summed_site END AS site,
       CASE WHEN views IS NULL THEN coalesce(split_part(split_part(url, '#', 1), '?', 1), '')
            ELSE summed_page END AS landing_page,
       CASE WHEN views IS NULL
            THEN coalesce(campaign, '') = '' AND coalesce(is_encoded(regexp_extract(given, '&utm_campaign=([^&]*)', 1)), false)
            ELSE summed_encoded END AS campaign_encoded
  FROM (
    SELECT *, CASE WHEN contains(url, 'utm_') THEN split_part(url, '#', 1) END AS named,
           CASE WHEN contains(named, '?') THEN '&' || substr(named, instr(named, '?') + 1) END AS given
      FROM {rows}
  )
