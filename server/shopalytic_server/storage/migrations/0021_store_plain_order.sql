-- `store_plain` with the stated time and the tie breaker of events; the version before
-- calls the former one.

CREATE TYPE incoming_event_v3 AS (
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
    tracking_id text,
    identity text,
    properties jsonb,
    context jsonb,
    fingerprint uuid,
    received_at timestamptz,
    sent_at timestamptz,
    modified_at timestamptz
);

-- Stores new events that need no decision, and takes the ids of others; all ids are
-- distinct. Returns false, and does nothing, if one of them is taken or an event may
-- be of somebody who was erased: `marks` are what tells, and null if nobody of the
-- project was known to be. A statement for each table, as in ingest.sql, where the
-- reasons stand.
CREATE FUNCTION store_plain_events_v3(
    dataset int, default_currency text, incoming incoming_event_v3[],
    other_ids uuid[], other_fingerprints uuid[], marks uuid[],
    with_identities boolean, with_products boolean, with_carts boolean
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    ids CONSTANT uuid[] := ARRAY(SELECT event_id FROM unnest(incoming) UNION ALL
                                 SELECT * FROM unnest(other_ids) ORDER BY 1);
BEGIN
    -- The lock that an erasure excludes, before looking whether there was one.
    LOCK TABLE event_keys IN ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM tombstones t
                WHERE t.dataset_id = dataset AND (marks IS NULL OR t.mark = ANY(marks)))
        OR EXISTS (SELECT FROM event_keys k WHERE k.dataset_id = dataset AND k.event_id = ANY(ids)) THEN
        RETURN false;
    END IF;
    INSERT INTO event_keys (dataset_id, event_id, fingerprint)
    SELECT dataset, i.event_id, i.fingerprint FROM unnest(incoming) AS i UNION ALL
    SELECT dataset, * FROM unnest(other_ids, other_fingerprints)
     ORDER BY 2;
    -- Whoever decides writes identities too: what is decided later in this
    -- transaction must not wait for the lock while others wait for its identities.
    IF cardinality(other_ids) > 0 THEN
        PERFORM pg_advisory_xact_lock(hashtext('shopalytic.decisions'), dataset);
    END IF;
    IF with_identities THEN
        PERFORM pg_advisory_xact_lock_shared(hashtext('shopalytic.identities'), dataset);
        INSERT INTO identities (dataset_id, identity, subject, customer_id, first_at)
        SELECT dataset, seen.identity, seen.subject, seen.subject, seen.occurred_at
          FROM (SELECT DISTINCT ON (i.identity) i.identity, i.subject, i.occurred_at
                  FROM unnest(incoming) AS i
                 WHERE i.identity IS NOT NULL
                 ORDER BY i.identity, i.occurred_at) AS seen
         WHERE NOT EXISTS (SELECT FROM identities known
                            WHERE known.dataset_id = dataset AND known.identity = seen.identity
                              AND known.first_at <= seen.occurred_at)
         ORDER BY seen.identity
            ON CONFLICT (dataset_id, identity) DO UPDATE SET first_at = excluded.first_at
         WHERE excluded.first_at < identities.first_at;
    END IF;
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
               coalesce(i.properties ->> 'currency', default_currency), i.modified_at, i.source, i.bot,
               i.tie_breaker
          FROM unnest(incoming) AS i
         WHERE i.type IN ('cart_add', 'cart_modify');
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
    RETURN true;
END
$$;
