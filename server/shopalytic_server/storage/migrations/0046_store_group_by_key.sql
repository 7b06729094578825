-- `store_group` whose every look-up is by a whole key. A function's plans are kept, and those
-- that are made while tables are small, or before anybody counted their rows, may read all rows
-- of a dataset, which then grows. Here they cannot: a subquery with a LIMIT can only be asked
-- for one key after the other, and what it is ordered by is what only the index of this key
-- gives, for reading a whole table and sorting are both switched off. So a plan that is made
-- once serves all groups; and nothing is compiled, though what cannot be done without sorting
-- now seems to cost much.
-- Servers of the version before call `store_group_v1`, and those on Citus, which takes no such
-- subqueries.

-- See `plain_links_v1`.
CREATE FUNCTION plain_links_v2(dataset int, calls identify_call_v1[])
RETURNS TABLE (event_id uuid, state text, customer_id uuid, is_new boolean) LANGUAGE sql STABLE AS $$
    SELECT c.event_id,
           CASE WHEN l.subject IS NULL THEN 'fresh'
                WHEN (event_position(l.kind, NULL, l.occurred_at), tie_order(l.tie_breaker), l.event_id)
                     <= (event_position('identify', NULL, c.occurred_at), tie_order(c.tie_breaker), c.event_id)
                THEN 'known' ELSE 'earlier' END,
           coalesce(i.customer_id, c.customer_id), i.customer_id IS NULL
      FROM unnest(calls) AS c
      LEFT JOIN LATERAL (SELECT * FROM tracking_links o
                          WHERE o.dataset_id = dataset AND o.subject >= c.subject AND o.owner
                          ORDER BY o.subject LIMIT 1) AS l ON l.subject = c.subject
      LEFT JOIN LATERAL (SELECT * FROM identities n
                          WHERE n.dataset_id = dataset AND n.identity >= c.identity
                          ORDER BY n.identity LIMIT 1) AS i ON i.identity = c.identity
     WHERE CASE WHEN l.subject IS NOT NULL THEN l.identity = c.identity AND i.customer_id IS NOT NULL
           ELSE (SELECT o.subject FROM tracking_links o
                  WHERE o.dataset_id = dataset AND o.subject >= c.subject
                  ORDER BY o.subject LIMIT 1) IS DISTINCT FROM c.subject
            AND (SELECT a.existing_tracking_id FROM alias_links a
                  WHERE a.dataset_id = dataset AND a.existing_tracking_id >= c.tracking_id
                    AND a.existing_tracking_id <> ''
                  ORDER BY a.existing_tracking_id LIMIT 1) IS DISTINCT FROM c.tracking_id
            AND (SELECT 1 FROM undone_merges u
                  WHERE u.dataset_id = dataset AND u.identity = c.identity
                    AND u.existing_tracking_id = c.tracking_id
                  ORDER BY u.existing_identity LIMIT 1) IS NULL END
$$;

-- See `store_plain_links_v1`.
CREATE FUNCTION store_plain_links_v2(dataset int, calls identify_call_v1[])
RETURNS TABLE (event_id uuid, customer_id uuid, again boolean, is_new boolean, has_past boolean)
LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_sort = off SET jit = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH call AS MATERIALIZED (
        SELECT c.*, p.state, p.customer_id AS known_as, p.is_new,
               p.state = 'fresh' AND (SELECT 1 FROM events e
                                       WHERE e.dataset_id = dataset AND e.subject = c.subject
                                       ORDER BY e.occurred_at LIMIT 1) IS NOT NULL AS has_past
          FROM plain_links_v2(dataset, calls) AS p
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
          FROM call WHERE state <> 'known'
            -- What was said before is said of an earlier time now.
            ON CONFLICT (dataset_id, subject, identity) DO UPDATE
           SET kind = excluded.kind, occurred_at = excluded.occurred_at, event_id = excluded.event_id,
               received_at = excluded.received_at, tie_breaker = excluded.tie_breaker
    )
    SELECT c.event_id, c.known_as, c.state <> 'fresh', c.is_new, c.has_past FROM call c;
END
$$;

-- See `is_order_known_v1`.
CREATE FUNCTION is_order_known_v2(dataset int, order_ids text[]) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (
        SELECT FROM unnest(order_ids) AS o (order_id)
         WHERE (SELECT 1 FROM order_revisions r
                 WHERE r.dataset_id = dataset AND r.order_id = o.order_id ORDER BY r.content LIMIT 1) IS NOT NULL
            OR (SELECT 1 FROM order_statements s
                 WHERE s.dataset_id = dataset AND s.order_id = o.order_id ORDER BY s.event_id LIMIT 1) IS NOT NULL
            OR (SELECT c.order_id FROM shipment_changes c
                 WHERE c.dataset_id = dataset AND c.order_id >= o.order_id ORDER BY c.order_id LIMIT 1) = o.order_id
            OR (SELECT 1 FROM refunds f
                 WHERE f.dataset_id = dataset AND f.order_id = o.order_id ORDER BY f.event_id LIMIT 1) IS NOT NULL);
END
$$;

-- Keeps each product as it was last seen, and its categories as they were last named.
CREATE FUNCTION keep_seen_products_v1(dataset int, default_currency text, incoming incoming_event_v4[])
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    WITH view AS MATERIALIZED (
        SELECT i.properties AS given, i.properties ->> 'sku' AS sku, i.occurred_at, i.tie_breaker, i.event_id
          FROM unnest(incoming) AS i
         WHERE i.type = 'product_view'
    ), seen AS (
        SELECT DISTINCT ON (sku) * FROM view ORDER BY sku, occurred_at DESC, tie_breaker DESC, event_id DESC
    ), named AS (
        SELECT DISTINCT ON (sku) * FROM view
         WHERE given -> 'categories' <> '[]'
         ORDER BY sku, occurred_at DESC, tie_breaker DESC, event_id DESC
    )
    INSERT INTO products AS p (dataset_id, sku, name, price, currency, seen_at, seen_tie_breaker, seen_event_id,
                               categories, categories_at, categories_tie_breaker, categories_event_id)
    SELECT dataset, seen.sku, seen.given ->> 'name', (seen.given ->> 'price')::numeric,
           coalesce(seen.given ->> 'currency', default_currency), seen.occurred_at, seen.tie_breaker, seen.event_id,
           CASE WHEN named.sku IS NOT NULL
                THEN ARRAY(SELECT jsonb_array_elements_text(named.given -> 'categories')) END,
           named.occurred_at, named.tie_breaker, named.event_id
      FROM seen
      LEFT JOIN named ON named.sku = seen.sku
     ORDER BY seen.sku
        ON CONFLICT (dataset_id, sku) DO UPDATE
       SET (name, price, currency, seen_at, seen_tie_breaker, seen_event_id) = (
               SELECT * FROM (VALUES (excluded.name, excluded.price, excluded.currency, excluded.seen_at,
                                      excluded.seen_tie_breaker, excluded.seen_event_id),
                                     (p.name, p.price, p.currency, p.seen_at,
                                      p.seen_tie_breaker, p.seen_event_id)) AS v
                ORDER BY 4 DESC, 5 DESC, 6 DESC LIMIT 1),
           (categories, categories_at, categories_tie_breaker, categories_event_id) = (
               SELECT * FROM (VALUES (excluded.categories, excluded.categories_at,
                                      excluded.categories_tie_breaker, excluded.categories_event_id),
                                     (p.categories, p.categories_at,
                                      p.categories_tie_breaker, p.categories_event_id)) AS v
                ORDER BY 2 DESC NULLS LAST, 3 DESC, 4 DESC LIMIT 1)
     WHERE (excluded.seen_at, tie_order(excluded.seen_tie_breaker), excluded.seen_event_id)
           > (p.seen_at, tie_order(p.seen_tie_breaker), p.seen_event_id)
        OR excluded.categories_at IS NOT NULL
           AND (p.categories_at IS NULL
                OR (excluded.categories_at, tie_order(excluded.categories_tie_breaker), excluded.categories_event_id)
                   > (p.categories_at, tie_order(p.categories_tie_breaker), p.categories_event_id));
END
$$;

-- Stores new events that need no decision (`incoming`), identify calls that join nobody and
-- orders that nothing was said of before, and takes the ids of all events and of others
-- (`with_others`), which are distinct and in order; so are the orders. The answer is as that
-- of `store_group_v1`, and the reasons for each statement stand there and in ingest.sql.
CREATE FUNCTION store_group_v2(
    dataset int, default_currency text, ids uuid[], fingerprints uuid[], incoming incoming_event_v4[],
    identifies incoming_event_v4[], calls identify_call_v1[], orders incoming_event_v4[], contents uuid[],
    marks uuid[], look boolean, with_others boolean, with_identities boolean, with_products boolean,
    with_carts boolean,
    OUT stored boolean, OUT linked uuid[], OUT customers uuid[], OUT again boolean[], OUT is_new boolean[],
    OUT has_past boolean[]
) LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_sort = off SET jit = off AS $$
DECLARE
    has_calls CONSTANT boolean := cardinality(calls) > 0;
    has_orders CONSTANT boolean := cardinality(orders) > 0;
    order_ids text[];
BEGIN
    stored := false;
    -- The lock that an erasure excludes, before looking whether there was one.
    LOCK TABLE event_keys IN ROW EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM tombstones t WHERE t.dataset_id = dataset)
        AND (marks IS NULL OR EXISTS (
            SELECT FROM unnest(marks) AS m (mark)
             WHERE (SELECT t.mark FROM tombstones t
                     WHERE t.dataset_id = dataset AND t.mark >= m.mark ORDER BY t.mark LIMIT 1) = m.mark)) THEN
        RETURN;
    END IF;
    IF look AND EXISTS (
        SELECT FROM unnest(ids) AS i (event_id)
         WHERE (SELECT k.event_id FROM event_keys k
                 WHERE k.dataset_id = dataset AND k.event_id >= i.event_id ORDER BY k.event_id LIMIT 1) = i.event_id) THEN
        RETURN;
    END IF;
    IF has_orders THEN
        order_ids := ARRAY(SELECT o.properties ->> 'order_id' FROM unnest(orders) AS o);
    END IF;
    -- Nearly always this sees what is seen under the lock, where it would be late to say no.
    IF has_calls AND (SELECT count(*) FROM plain_links_v2(dataset, calls)) < cardinality(calls)
        OR has_orders AND is_order_known_v2(dataset, order_ids) THEN
        RETURN;
    END IF;
    INSERT INTO event_keys (dataset_id, event_id, fingerprint)
    SELECT dataset, * FROM unnest(ids, fingerprints);
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
    IF has_calls OR has_orders OR with_others THEN
        PERFORM pg_advisory_xact_lock(hashtext('shopalytic.decisions'), dataset);
        IF has_calls AND (SELECT count(*) FROM plain_links_v2(dataset, calls)) < cardinality(calls)
            OR has_orders AND is_order_known_v2(dataset, order_ids) THEN
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
          LEFT JOIN LATERAL (SELECT * FROM identities k
                              WHERE k.dataset_id = dataset AND k.identity >= seen.identity
                              ORDER BY k.identity LIMIT 1) AS known ON known.identity = seen.identity
         WHERE known.first_at IS NULL OR known.first_at > seen.occurred_at
         ORDER BY seen.identity
            ON CONFLICT (dataset_id, identity) DO UPDATE SET first_at = excluded.first_at
         WHERE excluded.first_at < identities.first_at;
    END IF;
    IF has_calls THEN
        SELECT array_agg(l.event_id), array_agg(l.customer_id), array_agg(l.again), array_agg(l.is_new),
               array_agg(l.has_past)
          INTO linked, customers, again, is_new, has_past
          FROM store_plain_links_v2(dataset, calls) AS l;
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
          FROM unnest(identifies || orders) AS i;
    END IF;
    IF with_products THEN
        PERFORM keep_seen_products_v1(dataset, default_currency, incoming);
    END IF;
    stored := true;
END
$$;
