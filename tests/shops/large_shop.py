"""A year of a large shop, made by PostgreSQL itself: as many events as a test of plans or speed wants.

Ten events a visitor, in two sessions. Everything is in it: devices that are
joined, aliases, profiles, carts that are left, orders in three currencies with
costs, refunds in part and in full, parcels, campaigns, robots and trial data.
Everything follows from the visitor's number. The typed tables are filled as
ingest fills them; test_large_shop.py holds a small shop against `rebuild`.
"""

from datetime import UTC, datetime

from shopalytic_server.storage.database.connections import Connection
from shopalytic_server.storage.schema.partitions import Partitions

BEGIN, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
EVENTS_A_VISITOR = 10
CURRENCY = "EUR"
# Where the last visitors' second sessions lie.
_MONTHS = [*(datetime(2025, month, 1, tzinfo=UTC) for month in range(1, 13)), END]

# Visitor v, step k; h is a number that looks like chance. Buyers are every
# tenth visitor, and two buyers that are far apart may be one person.
_EVENTS = """
INSERT INTO events (dataset_id, subject, occurred_at, event_id, received_at, type, tracking_id, identity,
                    source, bot, properties, context)
SELECT CASE WHEN v %% 100 = 99 THEN 3 ELSE 2 END,
       encode(substring(sha256(convert_to(coalesce('i:' || identity, 't:visitor-' || v), 'UTF8')) FOR 16),
              'hex')::uuid,
       at, md5('event-' || v || '-' || k)::uuid, at + interval '1 second', type, 'visitor-' || v, identity,
       (ARRAY['web', 'ios'])[1 + v %% 3], v %% 50 = 7,
       CASE type
       WHEN 'page_view' THEN jsonb_build_object(
            'url', 'https://shop.test/page/' || h %% 500 || CASE WHEN k = 0 AND v %% 7 = 1
                                                            THEN '?utm_campaign=mail-' || h %% 5 ELSE '' END,
            'referrer', CASE WHEN k NOT IN (0, 6) THEN 'https://shop.test/'
                             WHEN h %% 3 = 0 THEN '' ELSE 'https://www.site-' || h %% 40 || '.test/x' END)
            || CASE WHEN k = 1 THEN '{"page_type": "category"}'
                    WHEN k = 5 THEN '{"page_type": "checkout-1"}' ELSE '{}' END::jsonb
       WHEN 'product_view' THEN jsonb_build_object('sku', sku, 'name', 'Product ' || sku, 'price', price)
       WHEN 'cart_add' THEN jsonb_build_object('cart_id', 'cart-' || v, 'sku', sku, 'price', price,
                                               'qty', 1 + h %% 3)
       WHEN 'cart_modify' THEN jsonb_build_object('cart_id', 'cart-' || v, 'sku', sku, 'qty', h %% 3)
       WHEN 'identify' THEN jsonb_build_object('identity', person)
       WHEN 'alias' THEN jsonb_build_object('identity', 'mail-' || v)
       WHEN 'customer_register' THEN jsonb_build_object(
            'email', person || '@mail-' || h %% 20 || '.test',
            'first_name', (ARRAY['Ada', 'Bob', 'Zoë'])[1 + h %% 3], 'last_name', 'Name' || h %% 5000)
       WHEN 'order' THEN (
            SELECT jsonb_build_object(
                       'order_id', 'order-' || v, 'cart_id', 'cart-' || v, 'line_items', lines.items,
                       'subtotal', lines.subtotal::text, 'total_shipping', '4.9', 'total_tax', '1.25',
                       'total', (lines.subtotal + 4.9)::text,
                       'shipping', jsonb_build_object('city', 'X', 'zipcode', '1',
                                                      'country', (ARRAY['DEU', 'FRA', 'USA'])[1 + h %% 3]))
                   || CASE h %% 10 WHEN 9 THEN '{"currency": "GBP"}' WHEN 8 THEN '{"currency": "USD"}'
                                   WHEN 7 THEN '{"currency": "USD"}' ELSE '{}' END::jsonb
              FROM (SELECT jsonb_agg(jsonb_build_object('sku', line.sku, 'price', line.price::text,
                                                        'qty', line.qty)
                                     || CASE WHEN v %% 20 = 0 THEN jsonb_build_object('cost', '0.75')
                                             ELSE '{}' END ORDER BY line.n) AS items,
                           sum(line.price * line.qty) AS subtotal
                      FROM (SELECT n, 'sku-' || (hashint8extended(v, 70 + n) & hashint8extended(v, 60 + n)
                                                 & 1023) AS sku,
                                   trim_scale(((hashint8extended(v, 80 + n) & 8191) + 1) / 100.0) AS price,
                                   1 + (hashint8extended(v, 90 + n) & 1) AS qty
                              FROM generate_series(0, v / 10 %% 4) AS n) AS line) AS lines)
       WHEN 'shipment' THEN jsonb_build_object(
            'order_id', 'order-' || v, 'shipment_id', 'parcel-' || v,
            'carrier', (ARRAY['dhl', 'ups', 'dpd', 'custom'])[1 + h %% 4],
            'date_shipped', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
       WHEN 'shipment_delivered' THEN jsonb_build_object(
            'order_id', 'order-' || v, 'shipment_id', 'parcel-' || v,
            'date_delivered', to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))
       WHEN 'refund' THEN
            CASE WHEN v %% 160 = 0 THEN jsonb_build_object('order_id', 'order-' || v, 'refund_type', 'full')
                 ELSE jsonb_build_object(
                     'order_id', 'order-' || v, 'refund_type', 'partial', 'total_refund', '0.5',
                     'subtotal_refund', '0.5', 'line_items',
                     jsonb_build_array(jsonb_build_object('sku', sku, 'price', '0.5', 'qty', 1))) END
       END,
       jsonb_build_object('user_agent', CASE WHEN v %% 50 = 7
            THEN 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'
            ELSE 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 '
                 || 'Safari/537.36' END)
       || CASE WHEN k IN (0, 6) AND h %% 4 = 0
               THEN jsonb_build_object('utm_source', 'news', 'utm_campaign', 'season-' || h %% 6)
               ELSE '{}' END
  FROM (
    SELECT *, CASE WHEN type IN ('customer_register', 'alias') OR type = 'order' AND v %% 30 = 0 AND known
                        OR type IN ('shipment', 'shipment_delivered', 'refund') AND known
                   THEN person END AS identity,
           'sku-' || (hashint8extended(v * 10 + least(k, 4), 4) & hashint8extended(v * 10 + least(k, 4), 5)
                      & 1023) AS sku,
           trim_scale((h %% 9000 + 1) / 100.0)::text AS price
      FROM (
        SELECT v, k, v / 10 %% 5 < 4 AS known, 'person-' || v / 10 %% %(people)s AS person,
               hashint8extended(v * 10 + k, 1) & 2147483647 AS h,
               %(begin)s + v * (interval '1 microsecond' * (31536000000000 / %(visitors)s))
               + CASE WHEN k < 6 THEN k * interval '97 seconds'
                      ELSE (1 + (hashint8extended(v, 2) & 15)) * interval '1 day' + k * interval '113 seconds'
                           + CASE WHEN k > 7 AND v %% 10 = 0
                                  THEN (1 + (hashint8extended(v, 3) & 7)) * interval '1 day'
                                  ELSE interval '0' END
                 END AS at,
               CASE WHEN k IN (0, 1) THEN 'page_view'
                    WHEN k IN (2, 3) THEN 'product_view'
                    WHEN k = 4 THEN CASE WHEN v %% 10 < 3 THEN 'cart_add' ELSE 'page_view' END
                    WHEN k = 5 THEN CASE v %% 10 WHEN 0 THEN 'order' WHEN 1 THEN 'cart_modify'
                                                 WHEN 2 THEN 'page_view' ELSE 'product_view' END
                    WHEN k = 6 THEN CASE WHEN v %% 10 = 0 AND v / 10 %% 5 < 4 THEN 'identify'
                                         ELSE 'page_view' END
                    WHEN k = 7 THEN CASE WHEN v %% 10 = 0 THEN 'shipment' ELSE 'product_view' END
                    WHEN k = 8 THEN CASE WHEN v %% 10 = 0 AND v / 10 %% 3 > 0 THEN 'shipment_delivered'
                                         ELSE 'page_view' END
                    WHEN v %% 10 > 0 OR v / 10 %% 5 = 4 THEN 'product_view'
                    WHEN v / 10 %% 8 = 0 THEN 'refund'
                    WHEN v / 10 >= %(people)s THEN 'page_view'
                    WHEN v / 10 %% 8 = 1 THEN 'alias'
                    ELSE 'customer_register' END AS type
          FROM generate_series(%(first)s::bigint, %(last)s::bigint - 1) AS v
         CROSS JOIN generate_series(0, 9) AS k
      ) AS stepped
  ) AS typed
"""

# Projections of the events above, statement by statement in this order. No
# content repeats and nobody clashes, so each event makes its rows alone.
_TYPED = (
    """
INSERT INTO profile_changes
SELECT dataset_id, subject, occurred_at, event_id, properties ->> 'email', properties ->> 'first_name',
       properties ->> 'last_name', occurred_at
  FROM events WHERE type = 'customer_register'
    """,
    """
INSERT INTO tracking_links
SELECT dataset_id, subject, properties ->> 'identity', tracking_id, 'identify', occurred_at, event_id,
       received_at, true
  FROM events WHERE type = 'identify'
    """,
    """
INSERT INTO alias_links
SELECT dataset_id, properties ->> 'identity', identity, '', occurred_at, event_id, received_at
  FROM events WHERE type = 'alias'
    """,
    """
INSERT INTO identities
SELECT named.dataset_id, named.identity,
       encode(substring(sha256(convert_to('i:' || named.identity, 'UTF8')) FOR 16), 'hex')::uuid,
       encode(substring(sha256(convert_to('i:' || min(coalesce(a.existing_identity, named.identity)), 'UTF8'))
                        FOR 16), 'hex')::uuid,
       min(named.occurred_at)
  FROM (
    SELECT dataset_id, identity, occurred_at FROM events
     WHERE type IN ('order', 'refund', 'shipment', 'shipment_delivered', 'customer_register', 'alias')
       AND identity IS NOT NULL
     UNION ALL
    SELECT dataset_id, properties ->> 'identity', occurred_at FROM events WHERE type IN ('identify', 'alias')
  ) AS named
  LEFT JOIN alias_links a ON a.dataset_id = named.dataset_id AND a.identity = named.identity
 GROUP BY named.dataset_id, named.identity
    """,
    """
INSERT INTO cart_changes
SELECT dataset_id, properties ->> 'cart_id', properties ->> 'sku', occurred_at, event_id, subject,
       type = 'cart_add', (properties ->> 'qty')::int, (properties ->> 'price')::numeric, 'EUR', occurred_at,
       source, bot
  FROM events WHERE type IN ('cart_add', 'cart_modify')
    """,
    """
CREATE TEMP TABLE placed AS
SELECT e.*, e.properties ->> 'order_id' AS order_id,
       encode(substring(sha256(convert_to(concat(
           '{"cart_id":', e.properties -> 'cart_id', ',"currency":"' || (e.properties ->> 'currency') || '"',
           ',"line_items":[', lines.items, '],"order_id":', e.properties -> 'order_id',
           ',"shipping":{"city":"X","country":', e.properties #> '{shipping,country}', ',"zipcode":"1"}'
           ',"subtotal":"', trim_scale((e.properties ->> 'subtotal')::numeric),
           '","total":"', trim_scale((e.properties ->> 'total')::numeric),
           '","total_shipping":"4.9","total_tax":"1.25"}'), 'UTF8')) FOR 16), 'hex')::uuid AS content
  FROM events e
 CROSS JOIN LATERAL (
    SELECT string_agg(concat('{', '"cost":"' || (line ->> 'cost') || '",', '"price":', line -> 'price',
                             ',"qty":', line -> 'qty', ',"sku":', line -> 'sku', '}'),
                      ',' ORDER BY n) AS items
      FROM jsonb_array_elements(e.properties -> 'line_items') WITH ORDINALITY AS lines (line, n)
  ) AS lines
 WHERE e.type = 'order'
    """,
    """
INSERT INTO order_revisions
SELECT dataset_id, order_id, content, event_id, occurred_at, subject, true, occurred_at, source, bot,
       properties ->> 'cart_id', coalesce(properties ->> 'currency', 'EUR'),
       (properties ->> 'total')::numeric, (properties ->> 'subtotal')::numeric,
       (properties ->> 'total_tax')::numeric,
       (properties ->> 'total_shipping')::numeric, NULL,
       (SELECT sum((line ->> 'qty')::int) FROM jsonb_array_elements(properties -> 'line_items') AS line),
       NULL, NULL, properties #>> '{shipping,country}', NULL, NULL, properties #>> '{shipping,city}', '[]'
  FROM placed
    """,
    """
INSERT INTO order_items
SELECT dataset_id, order_id, content, n, line ->> 'sku', (line ->> 'price')::numeric, (line ->> 'qty')::int,
       (line ->> 'cost')::numeric
  FROM placed
 CROSS JOIN LATERAL jsonb_array_elements(properties -> 'line_items') WITH ORDINALITY AS lines (line, n)
    """,
    """
INSERT INTO refunds
SELECT e.dataset_id, o.order_id, e.event_id, e.occurred_at, e.subject, e.source, e.bot,
       e.properties ->> 'refund_type', NULL, (e.properties ->> 'total_refund')::numeric,
       (e.properties ->> 'subtotal_refund')::numeric, NULL, NULL, NULL, o.currency,
       coalesce((e.properties ->> 'total_refund')::numeric, o.total), NULL
  FROM events e
  JOIN order_revisions o ON o.dataset_id = e.dataset_id AND o.order_id = e.properties ->> 'order_id'
 WHERE e.type = 'refund'
    """,
    """
INSERT INTO refund_items
SELECT dataset_id, properties ->> 'order_id', event_id, n, line ->> 'sku', (line ->> 'price')::numeric,
       (line ->> 'qty')::int
  FROM events
 CROSS JOIN LATERAL jsonb_array_elements(properties -> 'line_items') WITH ORDINALITY AS lines (line, n)
 WHERE type = 'refund'
    """,
    """
INSERT INTO shipment_changes
SELECT dataset_id, properties ->> 'shipment_id', occurred_at, event_id, properties ->> 'order_id', subject,
       source, bot, properties ->> 'carrier', NULL, (properties ->> 'date_shipped')::timestamptz,
       (properties ->> 'date_delivered')::timestamptz
  FROM events WHERE type IN ('shipment', 'shipment_delivered')
    """,
    """
INSERT INTO products
SELECT DISTINCT ON (dataset_id, sku) dataset_id, properties ->> 'sku' AS sku, properties ->> 'name',
       (properties ->> 'price')::numeric, 'EUR', occurred_at, event_id
  FROM events WHERE type = 'product_view'
 ORDER BY dataset_id, sku, occurred_at DESC, event_id DESC
    """,
    "DROP TABLE placed",
)
_CHUNK_OF_VISITORS = 50_000


async def fill(conn: Connection, events: int) -> None:
    """Puts about so many events, and what they amount to, into an empty database."""
    visitors = max(events // EVENTS_A_VISITOR, 100)
    await Partitions().ensure(conn, _MONTHS)
    await conn.execute("SET timezone = 'UTC'")
    for first in range(0, visitors, _CHUNK_OF_VISITORS):
        which = {"first": first, "last": min(first + _CHUNK_OF_VISITORS, visitors)}
        whole = {"visitors": visitors, "people": max(visitors // 10 * 6 // 10, 1), "begin": BEGIN}
        await conn.execute(_EVENTS, {**which, **whole})
    for statement in _TYPED:
        await conn.execute(statement)
    await conn.execute("VACUUM ANALYZE")
