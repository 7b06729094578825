-- What a page view says of where its visitor came from; parts of statements.

-- The host of an address, in lower case, without user, port and "www.". Most
-- addresses are plain ones, for which a regular expression would take most of a
-- report's time.
-- name: host
coalesce(ltrim(replace('/' || lower(
    CASE WHEN split_part({address}, '//', 1) IN ('https:', 'http:', '') AND {address} NOT LIKE '%%[%%'
         THEN split_part(split_part(split_part(split_part(split_part(split_part(
              {address}, '//', 2), '/', 1), '?', 1), '#', 1), '@', -1), ':', 1)
         ELSE substring({address} FROM
              '^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//(?:[^/?#]*@)?(\[[^]/?#]*\]|[^/?#:]*)')
     END), '/www.', '/'), '/'), '')

-- What the first page view of a session says of where it came from. A campaign
-- that stands `encoded` in the address is decoded elsewhere: SQL could not,
-- without failing on wrong bytes.
-- name: found
    SELECT {host} AS host,
           CASE WHEN {page}.url LIKE '%%utm_campaign=%%'
                THEN substring('&' || substring(split_part({page}.url, '#', 1) FROM '[?](.*)$')
                               FROM '&utm_campaign=([^&]*)') END AS campaign

-- name: way
coalesce(split_part(split_part({page}.url, '#', 1), '?', 1), '') AS landing_page,
       found.host AS referrer,
       coalesce(nullif({page}.campaign, ''), found.campaign, '') AS campaign,
       coalesce({page}.campaign, '') = '' AND coalesce(found.campaign, '') ~ '[%%+]' AS encoded
