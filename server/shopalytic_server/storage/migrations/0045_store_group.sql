-- A whole usual group in one statement: plain events, identify calls that join nobody and
-- orders that nothing was said of before. Servers of the version before call
-- `store_plain_events_v3`.

-- The columns of `events` as rows of COPY have them, with the fingerprint for the dataset.
CREATE TYPE incoming_event_v4 AS (
    fingerprint uuid,
    received_at timestamptz,
    sent_at timestamptz,
    type text,
    source text,
    bot boolean,
    key_class text,
    identity_signed boolean,
    subject uuid,
    occurred_at timestamptz,
    event_id uuid,
    corrected_at timestamptz,
    stated_at timestamptz,
    tie_breaker bigint,
    plain_dates text[],
    tracking_id text,
    identity text,
    properties jsonb,
    context jsonb
);

-- Identify calls, each of another device and another identity.
CREATE TYPE identify_call_v1 AS (
    subject uuid,
    customer_id uuid,
    event_id uuid,
    occurred_at timestamptz,
    received_at timestamptz,
    tie_breaker bigint,
    tracking_id text,
    identity text
);

-- What is to be done with identify calls, for those that join nobody: nothing new was said
-- (`known`), the same was said later (`earlier`), or nothing was ever said of the device
-- (`fresh`). An identity that has a customer keeps it: whose device is new adds nobody to it.
CREATE FUNCTION plain_links_v1(dataset int, calls identify_call_v1[])
RETURNS TABLE (event_id uuid, state text, customer_id uuid, is_new boolean) LANGUAGE sql STABLE AS $$
    SELECT c.event_id,
           CASE WHEN l.subject IS NULL THEN 'fresh'
                WHEN (event_position(l.kind, NULL, l.occurred_at), tie_order(l.tie_breaker), l.event_id)
                     <= (event_position('identify', NULL, c.occurred_at), tie_order(c.tie_breaker), c.event_id)
                THEN 'known' ELSE 'earlier' END,
           coalesce(i.customer_id, c.customer_id), i.identity IS NULL
      FROM unnest(calls) AS c
      LEFT JOIN tracking_links l ON l.dataset_id = dataset AND l.subject = c.subject AND l.owner
      LEFT JOIN identities i ON i.dataset_id = dataset AND i.identity = c.identity
     WHERE CASE WHEN l.subject IS NOT NULL THEN l.identity = c.identity AND i.identity IS NOT NULL
           ELSE NOT EXISTS (SELECT FROM tracking_links o WHERE o.dataset_id = dataset AND o.subject = c.subject)
            AND NOT EXISTS (SELECT FROM alias_links a
                             WHERE a.dataset_id = dataset AND a.existing_tracking_id = c.tracking_id
                               AND a.existing_tracking_id <> '')
            AND NOT EXISTS (SELECT FROM undone_merges u
                             WHERE u.dataset_id = dataset AND u.identity = c.identity
                               AND u.existing_tracking_id = c.tracking_id) END
$$;

-- Stores those identify calls that join nobody, and tells what they did. Who calls it has
-- locked the dataset.
CREATE FUNCTION store_plain_links_v1(dataset int, calls identify_call_v1[])
RETURNS TABLE (event_id uuid, customer_id uuid, again boolean, is_new boolean, has_past boolean) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH call AS MATERIALIZED (
        SELECT c.*, p.state, p.customer_id AS known_as, p.is_new,
               p.state = 'fresh' AND EXISTS (SELECT FROM events e
                                              WHERE e.dataset_id = dataset AND e.subject = c.subject) AS has_past
          FROM plain_links_v1(dataset, calls) AS p
          JOIN unnest(calls) AS c ON c.event_id = p.event_id
    ), noted AS (
        INSERT INTO customer_changes (dataset_id, subject, customer_id)
        SELECT dataset, subject, subject FROM call WHERE state = 'fresh'
    ), named AS (
        INSERT INTO identities (dataset_id, identity, subject, customer_id, first_at)
        SELECT dataset, identity, customer_id, customer_id, occurred_at FROM call WHERE state <> 'known'
         ORDER BY identity
            ON CONFLICT (dataset_id, identity) DO UPDATE SET first_at = excluded.first_at
         WHERE excluded.first_at < identities.first_at
    ), linked AS (
        INSERT INTO tracking_links (dataset_id, subject, identity, tracking_id, kind, occurred_at, event_id,
                                    received_at, owner, tie_breaker)
        SELECT dataset, subject, identity, tracking_id, 'identify', occurred_at, event_id, received_at, true,
               tie_breaker
          FROM call WHERE state = 'fresh'
    ), moved AS (
        UPDATE tracking_links l
           SET kind = 'identify', occurred_at = c.occurred_at, event_id = c.event_id,
               received_at = c.received_at, tie_breaker = c.tie_breaker
          FROM call c
         WHERE c.state = 'earlier' AND l.dataset_id = dataset AND l.subject = c.subject AND l.identity = c.identity
    )
    SELECT c.event_id, c.known_as, c.state <> 'fresh', c.is_new, c.has_past FROM call c;
END
$$;

-- Whether something was said of one of these orders, or hangs on it.
CREATE FUNCTION is_order_known_v1(dataset int, order_ids text[]) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT FROM order_revisions r WHERE r.dataset_id = dataset AND r.order_id = ANY(order_ids))
        OR EXISTS (SELECT FROM order_statements s WHERE s.dataset_id = dataset AND s.order_id = ANY(order_ids))
        OR EXISTS (SELECT FROM shipment_changes c WHERE c.dataset_id = dataset AND c.order_id = ANY(order_ids))
        OR EXISTS (SELECT FROM refunds f WHERE f.dataset_id = dataset AND f.order_id = ANY(order_ids));
END
$$;

-- Stores orders that nothing was said of before; `contents` are theirs, in the same order.
CREATE FUNCTION store_new_orders_v1(
    dataset int, default_currency text, orders incoming_event_v4[], contents uuid[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO order_revisions (dataset_id, tie_breaker, order_id, content, event_id, occurred_at, subject, current,
                                 ordered_at, source, bot, cart_id, currency, total, subtotal, total_tax,
                                 total_shipping, total_discount, units, payment_type, billing_country,
                                 shipping_country, region, city, discounts)
    SELECT dataset, o.tie_breaker, p ->> 'order_id', content, o.event_id, o.occurred_at, o.subject, true,
           o.occurred_at, o.source, o.bot, coalesce(p ->> 'cart_id', ''),
           coalesce(p ->> 'currency', default_currency), (p ->> 'total')::numeric, (p ->> 'subtotal')::numeric,
           (p ->> 'total_tax')::numeric, (p ->> 'total_shipping')::numeric, (p ->> 'total_discount')::numeric,
           (SELECT coalesce(sum((line ->> 'qty')::bigint), 0) FROM jsonb_array_elements(p -> 'line_items') AS line),
           p ->> 'payment_type', p -> 'billing' ->> 'country', p -> 'shipping' ->> 'country',
           coalesce(nullif(p -> 'shipping' ->> 'state', ''), nullif(p -> 'billing' ->> 'state', '')),
           coalesce(nullif(p -> 'shipping' ->> 'city', ''), nullif(p -> 'billing' ->> 'city', '')),
           (SELECT coalesce(jsonb_agg(jsonb_build_object('code', d -> 'code', 'value', d -> 'value') ORDER BY place), '[]')
              FROM jsonb_array_elements(p -> 'discounts') WITH ORDINALITY AS found (d, place))
      FROM unnest(orders) WITH ORDINALITY
           AS o (fingerprint, received_at, sent_at, type, source, bot, key_class, identity_signed, subject, occurred_at,
                 event_id, corrected_at, stated_at, tie_breaker, plain_dates, tracking_id, identity, p, context, number)
      JOIN unnest(contents) WITH ORDINALITY AS c (content, number) USING (number);
    INSERT INTO order_items (dataset_id, order_id, content, line, sku, price, qty, cost)
    SELECT dataset, p ->> 'order_id', content, place, coalesce(nullif(line ->> 'sku', ''), line ->> 'name'),
           (line ->> 'price')::numeric, (line ->> 'qty')::int, (line ->> 'cost')::numeric
      FROM unnest(orders) WITH ORDINALITY
           AS o (fingerprint, received_at, sent_at, type, source, bot, key_class, identity_signed, subject, occurred_at,
                 event_id, corrected_at, stated_at, tie_breaker, plain_dates, tracking_id, identity, p, context, number)
      JOIN unnest(contents) WITH ORDINALITY AS c (content, number) USING (number),
           jsonb_array_elements(p -> 'line_items') WITH ORDINALITY AS found (line, place);
END
$$;

-- Stores new events that need no decision (`incoming`), identify calls that join nobody
-- and orders that nothing was said of before, and takes the ids of `other` events; all ids
-- are distinct, and so are the orders. `stored` is false, and nothing was done, if an event
-- may be of somebody who was erased, if a call or order is not as usual, or, where it is to
-- `look`, if an id is taken; else a taken id is a unique violation. `marks` are what tells
-- of the erased, and null if nobody of the project was known to be. The other columns of
-- the answer tell what the calls did. A statement for each table, as in ingest.sql, where
-- the reasons stand.
CREATE FUNCTION store_group_v1(
    dataset int, default_currency text, incoming incoming_event_v4[],
    identifies incoming_event_v4[], calls identify_call_v1[], orders incoming_event_v4[], contents uuid[],
    other_ids uuid[], other_fingerprints uuid[], marks uuid[], look boolean,
    with_identities boolean, with_products boolean, with_carts boolean,
    OUT stored boolean, OUT linked uuid[], OUT customers uuid[], OUT again boolean[], OUT is_new boolean[],
    OUT has_past boolean[]
) LANGUAGE plpgsql AS $$
DECLARE
    decided CONSTANT incoming_event_v4[] := identifies || orders;
    has_calls CONSTANT boolean := cardinality(calls) > 0;
    has_orders CONSTANT boolean := cardinality(orders) > 0;
    order_ids text[];
BEGIN
    stored := false;
    -- The lock that an erasure excludes, before looking whether there was one.
    LOCK TABLE event_keys IN ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM tombstones t WHERE t.dataset_id = dataset AND (marks IS NULL OR t.mark = ANY(marks))) THEN
        RETURN;
    END IF;
    IF look AND EXISTS (
        SELECT FROM event_keys k
         WHERE k.dataset_id = dataset
           AND k.event_id = ANY(ARRAY(SELECT i.event_id FROM unnest(incoming || decided) AS i UNION ALL
                                      SELECT * FROM unnest(other_ids)))) THEN
        RETURN;
    END IF;
    IF has_orders THEN
        order_ids := ARRAY(SELECT o.properties ->> 'order_id' FROM unnest(orders) AS o);
    END IF;
    -- Nearly always this sees what is seen under the lock, where it would be late to say no.
    IF has_calls AND (SELECT count(*) FROM plain_links_v1(dataset, calls)) < cardinality(calls)
        OR has_orders AND is_order_known_v1(dataset, order_ids) THEN
        RETURN;
    END IF;
    INSERT INTO event_keys (dataset_id, event_id, fingerprint)
    SELECT dataset, i.event_id, i.fingerprint FROM unnest(incoming || decided) AS i UNION ALL
    SELECT dataset, * FROM unnest(other_ids, other_fingerprints)
     ORDER BY 2;
    -- What is only appended comes first, beside other transactions.
    INSERT INTO events (dataset_id, received_at, sent_at, type, source, bot, subject, occurred_at, event_id,
                        corrected_at, stated_at, tie_breaker, tracking_id, identity, properties, context,
                        key_class, identity_signed)
    SELECT dataset, i.received_at, i.sent_at, i.type, i.source, i.bot, i.subject, i.occurred_at, i.event_id,
           i.corrected_at, i.stated_at, i.tie_breaker, i.tracking_id, i.identity, i.properties, i.context,
           i.key_class, i.identity_signed
      FROM unnest(incoming) AS i;
    IF with_carts THEN
        INSERT INTO cart_changes (dataset_id, cart_id, sku, occurred_at, event_id, subject, added, qty, price,
                                  currency, modified_at, source, bot, tie_breaker)
        SELECT dataset, i.properties ->> 'cart_id', i.properties ->> 'sku', i.occurred_at, i.event_id, i.subject,
               i.type = 'cart_add', (i.properties ->> 'qty')::int, (i.properties ->> 'price')::numeric,
               coalesce(i.properties ->> 'currency', default_currency), i.occurred_at, i.source, i.bot,
               i.tie_breaker
          FROM unnest(incoming) AS i
         WHERE i.type IN ('cart_add', 'cart_modify');
    END IF;
    -- Whoever decides writes identities too: what is decided later in this
    -- transaction must not wait for the lock while others wait for its identities.
    IF has_calls OR has_orders OR cardinality(other_ids) > 0 THEN
        PERFORM pg_advisory_xact_lock(hashtext('shopalytic.decisions'), dataset);
        IF has_calls AND (SELECT count(*) FROM plain_links_v1(dataset, calls)) < cardinality(calls)
            OR has_orders AND is_order_known_v1(dataset, order_ids) THEN
            RAISE EXCEPTION 'another transaction decided on the same device or order' USING ERRCODE = '40001';
        END IF;
    END IF;
    IF with_identities THEN
        PERFORM pg_advisory_xact_lock_shared(hashtext('shopalytic.identities'), dataset);
        INSERT INTO identities (dataset_id, identity, subject, customer_id, first_at)
        SELECT dataset, seen.identity, seen.subject, seen.subject, seen.occurred_at
          FROM (SELECT DISTINCT ON (i.identity) i.identity, i.subject, i.occurred_at
                  FROM unnest(incoming || orders) AS i
                 WHERE i.identity IS NOT NULL
                 ORDER BY i.identity, i.occurred_at) AS seen
         WHERE NOT EXISTS (SELECT FROM identities known
                            WHERE known.dataset_id = dataset AND known.identity = seen.identity
                              AND known.first_at <= seen.occurred_at)
         ORDER BY seen.identity
            ON CONFLICT (dataset_id, identity) DO UPDATE SET first_at = excluded.first_at
         WHERE excluded.first_at < identities.first_at;
    END IF;
    IF has_calls THEN
        SELECT array_agg(l.event_id), array_agg(l.customer_id), array_agg(l.again), array_agg(l.is_new),
               array_agg(l.has_past)
          INTO linked, customers, again, is_new, has_past
          FROM store_plain_links_v1(dataset, calls) AS l;
    END IF;
    IF has_orders THEN
        PERFORM store_new_orders_v1(dataset, default_currency, orders, contents);
    END IF;
    IF has_calls OR has_orders THEN
        INSERT INTO events (dataset_id, received_at, sent_at, type, source, bot, subject, occurred_at, event_id,
                            corrected_at, stated_at, tie_breaker, tracking_id, identity, properties, context,
                            key_class, identity_signed)
        SELECT dataset, i.received_at, i.sent_at, i.type, i.source, i.bot, i.subject, i.occurred_at, i.event_id,
               i.corrected_at, i.stated_at, i.tie_breaker, i.tracking_id, i.identity, i.properties, i.context,
               i.key_class, i.identity_signed
          FROM unnest(decided) AS i;
    END IF;
    IF with_products THEN
        INSERT INTO products (dataset_id, sku, name, price, currency, seen_at, seen_tie_breaker, seen_event_id)
        SELECT dataset, seen.sku, seen.name, seen.price, seen.currency, seen.occurred_at, seen.tie_breaker,
               seen.event_id
          FROM (SELECT DISTINCT ON (i.properties ->> 'sku')
                       i.properties ->> 'sku' AS sku, i.properties ->> 'name' AS name,
                       (i.properties ->> 'price')::numeric AS price,
                       coalesce(i.properties ->> 'currency', default_currency) AS currency,
                       i.occurred_at, i.tie_breaker, i.event_id
                  FROM unnest(incoming) AS i
                 WHERE i.type = 'product_view'
                 ORDER BY i.properties ->> 'sku', i.occurred_at DESC, i.tie_breaker DESC, i.event_id DESC) AS seen
         ORDER BY seen.sku
            ON CONFLICT (dataset_id, sku) DO UPDATE
           SET name = excluded.name, price = excluded.price, currency = excluded.currency,
               seen_at = excluded.seen_at, seen_tie_breaker = excluded.seen_tie_breaker,
               seen_event_id = excluded.seen_event_id
         WHERE (excluded.seen_at, tie_order(excluded.seen_tie_breaker), excluded.seen_event_id)
               > (products.seen_at, tie_order(products.seen_tie_breaker), products.seen_event_id);
        UPDATE products p
           SET categories = seen.categories, categories_at = seen.occurred_at,
               categories_tie_breaker = seen.tie_breaker, categories_event_id = seen.event_id
          FROM (SELECT DISTINCT ON (i.properties ->> 'sku')
                       i.properties ->> 'sku' AS sku, i.occurred_at, i.tie_breaker, i.event_id,
                       ARRAY(SELECT jsonb_array_elements_text(i.properties -> 'categories')) AS categories
                  FROM unnest(incoming) AS i
                 WHERE i.type = 'product_view' AND i.properties -> 'categories' <> '[]'
                 ORDER BY i.properties ->> 'sku', i.occurred_at DESC, i.tie_breaker DESC, i.event_id DESC) AS seen
         WHERE p.dataset_id = dataset AND p.sku = seen.sku
           AND (p.categories_at IS NULL
                OR (seen.occurred_at, tie_order(seen.tie_breaker), seen.event_id)
                   > (p.categories_at, tie_order(p.categories_tie_breaker), p.categories_event_id));
    END IF;
    stored := true;
END
$$;
