-- Page views, and of days from which retention may have removed some the quarters
-- of an hour that stand for all of them. Such a day is summed up; one that is not
-- has its page views still. These know neither device nor place, and of campaigns
-- the name alone. What stands encoded in an address is marked: reports decode it.
-- name: rows
WITH expired AS MATERIALIZED (
    SELECT r.dataset_id, r.day
      FROM expirations x
      JOIN rollup_days r ON r.dataset_id = x.dataset_id AND r.sealed
       AND r.day < (x.before AT TIME ZONE 'UTC')::date
     WHERE x.dataset_id = ANY({datasets}::int[]) AND x.type = 'page_view'
)
SELECT v.dataset_id AS dataset, fact_key(s.secret, v.dataset_id, uuid_send(v.subject)) AS subject,
       v.occurred_at AT TIME ZONE 'UTC' AS occurred_at,
       event_position('page_view', NULL, v.occurred_at) AS position, tie_order(v.tie_breaker) AS tie_breaker,
       v.event_id,
       v.source, v.bot, v.last_at AT TIME ZONE 'UTC' AS last_at, v.views, v.site, v.landing_page, v.referrer,
       v.campaign, v.campaign_encoded, v.page_type, v.utm_source, v.utm_medium, v.utm_term, v.utm_content,
       v.user_agent, v.language, v.country, v.region, v.city
  FROM (
    SELECT e.dataset_id, e.subject, e.occurred_at, e.event_id, e.source, e.bot, e.occurred_at AS last_at,
           1::bigint AS views, e.tie_breaker,
           split_part(page.url, '/', 1) || '/' || split_part(page.url, '/', 2) || '/' || split_part(page.url, '/', 3)
               AS site,
           coalesce(split_part(split_part(page.url, '#', 1), '?', 1), '') AS landing_page,
           coalesce(ltrim(replace('/' || lower(
               CASE WHEN split_part(page.referrer, '//', 1) IN ('https:', 'http:', '')
                         AND page.referrer NOT LIKE '%[%'
                    THEN split_part(split_part(split_part(split_part(split_part(split_part(
                         page.referrer, '//', 2), '/', 1), '?', 1), '#', 1), '@', -1), ':', 1)
                    ELSE substring(page.referrer FROM
                         '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#]*@)?(\[[^]/?#]*\]|[^/?#:]*)')
                END), '/www.', '/'), '/'), '') AS referrer,
           coalesce(nullif(e.context ->> 'utm_campaign', ''), given.campaign, '') AS campaign,
           coalesce(e.context ->> 'utm_campaign', '') = '' AND coalesce(given.campaign, '') ~ '[%+]'
               AS campaign_encoded,
           e.properties ->> 'page_type' AS page_type,
           coalesce(nullif(e.context ->> 'utm_source', ''), given.source, '') AS utm_source,
           coalesce(nullif(e.context ->> 'utm_medium', ''), given.medium, '') AS utm_medium,
           coalesce(nullif(e.context ->> 'utm_term', ''), given.term, '') AS utm_term,
           coalesce(nullif(e.context ->> 'utm_content', ''), given.content, '') AS utm_content,
           left(e.context ->> 'user_agent', 300) AS user_agent,
           e.context ->> 'language' AS language,
           coalesce(e.context ->> 'country', nullif(e.context ->> 'network_country', '')) AS country,
           coalesce(e.context ->> 'region', e.context ->> 'network_region') AS region,
           coalesce(e.context ->> 'city', e.context ->> 'network_city') AS city
      FROM events e
     CROSS JOIN LATERAL (
        SELECT e.properties ->> 'url' AS url, e.properties ->> 'referrer' AS referrer
      ) AS page
     CROSS JOIN LATERAL (
        SELECT CASE WHEN page.url LIKE '%utm_%'
                    THEN '&' || substring(split_part(page.url, '#', 1) FROM '[?](.*)$') END AS query
      ) AS asked
     CROSS JOIN LATERAL (
        SELECT substring(asked.query FROM '&utm_campaign=([^&]*)') AS campaign,
               encoded_text(substring(asked.query FROM '&utm_source=([^&]*)')) AS source,
               encoded_text(substring(asked.query FROM '&utm_medium=([^&]*)')) AS medium,
               encoded_text(substring(asked.query FROM '&utm_term=([^&]*)')) AS term,
               encoded_text(substring(asked.query FROM '&utm_content=([^&]*)')) AS content
      ) AS given
     WHERE e.dataset_id = ANY({datasets}::int[]) AND e.type = 'page_view'
       AND e.occurred_at >= {begin}::timestamptz AND e.occurred_at < {end}::timestamptz
       AND (e.dataset_id, (e.occurred_at AT TIME ZONE 'UTC')::date) NOT IN (SELECT dataset_id, day FROM expired)
     UNION ALL
    SELECT q.dataset_id, q.subject, q.occurred_at, q.event_id, q.source, q.bot, q.last_at, q.page_views, q.tie_breaker, q.site,
           q.landing_page, q.referrer, q.campaign, q.encoded, NULL, '', '', '', '', NULL, NULL, NULL, NULL, NULL
      FROM expired x
      JOIN page_quarters q ON q.dataset_id = x.dataset_id
       AND q.occurred_at >= x.day::timestamp AT TIME ZONE 'UTC'
       AND q.occurred_at < (x.day + 1)::timestamp AT TIME ZONE 'UTC'
     WHERE q.occurred_at >= {begin}::timestamptz AND q.occurred_at < {end}::timestamptz
  ) AS v
 CROSS JOIN fact_store s
