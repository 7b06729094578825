-- The order of events: (whole second, rank of the type, microsecond, tie breaker, id).
-- `domain/event_order.py` says why.

-- Where a type stands along a purchase among events of the same second. A full refund
-- takes what the partial ones have left.
CREATE FUNCTION event_rank(type text, refund_type text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE type
        WHEN 'customer_register' THEN 1
        WHEN 'customer_update' THEN 2
        WHEN 'identify' THEN 3
        WHEN 'alias' THEN 4
        WHEN 'page_view' THEN 6
        WHEN 'product_list_view' THEN 7
        WHEN 'product_view' THEN 8
        WHEN 'search' THEN 10
        WHEN 'wishlist_add' THEN 11
        WHEN 'wishlist_remove' THEN 12
        WHEN 'cart_add' THEN 14
        WHEN 'cart_modify' THEN 15
        WHEN 'coupon' THEN 17
        WHEN 'checkout_step' THEN 18
        WHEN 'order' THEN 20
        WHEN 'order_cancel' THEN 22
        WHEN 'refund' THEN CASE WHEN refund_type = 'full' THEN 25 ELSE 24 END
        WHEN 'shipment' THEN 27
        WHEN 'shipment_delivered' THEN 28
        WHEN 'review' THEN 30
        ELSE 31 END::bigint
$$;

-- Second, rank and microsecond as one number, for times from 1970 on.
CREATE FUNCTION event_position(type text, refund_type text, occurred_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT (floor(date_part('epoch', occurred_at - '1970-01-01 00:00:00+00'::timestamptz))::bigint << 25)
           + (event_rank(type, refund_type) << 20)
           + date_part('microseconds', occurred_at - '1970-01-01 00:00:00+00'::timestamptz)::bigint % 1000000
$$;

-- The same of rows of the typed tables, which do not name their event's type.
CREATE FUNCTION cart_position(added boolean, occurred_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT event_position(CASE WHEN added THEN 'cart_add' ELSE 'cart_modify' END, NULL, occurred_at) $$;

CREATE FUNCTION refund_position(refund_type text, occurred_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT event_position('refund', refund_type, occurred_at) $$;

-- Every customer_register has a join_date, and no customer_update has.
CREATE FUNCTION profile_position(join_date timestamptz, occurred_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT event_position(CASE WHEN join_date IS NULL THEN 'customer_update' ELSE 'customer_register' END,
                          NULL, occurred_at)
$$;

-- Every shipment has a carrier, and no shipment_delivered has.
CREATE FUNCTION parcel_position(carrier text, occurred_at timestamptz) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT event_position(CASE WHEN carrier IS NULL THEN 'shipment_delivered' ELSE 'shipment' END,
                          NULL, occurred_at)
$$;

-- What a tie breaker is compared as: an event without one comes after those that have one.
CREATE FUNCTION tie_order(tie_breaker bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT coalesce(tie_breaker, 9223372036854775807) $$;

-- `occurred_at` is the counted time, which reports, partitions and retention go by:
-- the sender's, or where its clock was off by more than five minutes the sender's
-- moved by that. `stated_at` is then the time as it was sent; NULL: the same. Rows of
-- before have their sender's time. `tie_breaker` is NULL where none was given.
ALTER TABLE events
    ADD COLUMN stated_at timestamptz,
    ADD COLUMN tie_breaker bigint;
ALTER TABLE profile_changes ADD COLUMN tie_breaker bigint;
ALTER TABLE cart_changes ADD COLUMN tie_breaker bigint;
ALTER TABLE order_revisions ADD COLUMN tie_breaker bigint;
ALTER TABLE refunds ADD COLUMN tie_breaker bigint;
ALTER TABLE shipment_changes ADD COLUMN tie_breaker bigint;
ALTER TABLE tracking_links ADD COLUMN tie_breaker bigint;
ALTER TABLE alias_links ADD COLUMN tie_breaker bigint;
ALTER TABLE products
    ADD COLUMN seen_tie_breaker bigint,
    ADD COLUMN categories_tie_breaker bigint;
ALTER TABLE page_quarters ADD COLUMN tie_breaker bigint;

-- The views of before, in this order.

CREATE OR REPLACE VIEW profiles AS
SELECT dataset_id, subject,
       (array_agg(email ORDER BY profile_position(join_date, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE email IS NOT NULL))[1] AS email,
       (array_agg(first_name ORDER BY profile_position(join_date, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE first_name IS NOT NULL))[1] AS first_name,
       (array_agg(last_name ORDER BY profile_position(join_date, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE last_name IS NOT NULL))[1] AS last_name,
       (array_agg(join_date ORDER BY profile_position(join_date, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE join_date IS NOT NULL))[1] AS join_date
  FROM profile_changes
 GROUP BY dataset_id, subject;

CREATE OR REPLACE VIEW shipments AS
SELECT dataset_id, shipment_id, min(order_id) AS order_id,
       (array_agg(carrier ORDER BY parcel_position(carrier, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE carrier IS NOT NULL))[1] AS carrier,
       (array_agg(tracking_number ORDER BY parcel_position(carrier, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE tracking_number IS NOT NULL))[1] AS tracking_number,
       (array_agg(date_shipped ORDER BY parcel_position(carrier, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE date_shipped IS NOT NULL))[1] AS date_shipped,
       (array_agg(date_delivered ORDER BY parcel_position(carrier, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE date_delivered IS NOT NULL))[1] AS date_delivered
  FROM shipment_changes
 GROUP BY dataset_id, shipment_id;

-- A line holds what was last set, plus what was added since.
CREATE OR REPLACE VIEW cart_lines AS
WITH marked AS (
    SELECT c.dataset_id, c.cart_id, c.sku, c.occurred_at, c.event_id, c.subject, c.added, c.qty, c.price,
           c.currency, c.modified_at, c.source, c.bot, c.tie_breaker,
           count(*) FILTER (WHERE NOT added AND qty IS NOT NULL) OVER (
               PARTITION BY dataset_id, cart_id, sku
               ORDER BY cart_position(added, occurred_at) DESC, tie_breaker DESC, event_id DESC) AS sets_since
      FROM cart_changes c
)
SELECT dataset_id, cart_id, sku,
       coalesce(sum(qty) FILTER (WHERE added AND sets_since = 0 OR NOT added AND sets_since = 1), 0) AS qty,
       (array_agg(price ORDER BY cart_position(added, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE price IS NOT NULL))[1] AS price,
       (array_agg(currency ORDER BY cart_position(added, occurred_at) DESC, tie_breaker DESC, event_id DESC)
           FILTER (WHERE price IS NOT NULL))[1] AS currency,
       max(modified_at) AS changed_at
  FROM marked
 GROUP BY dataset_id, cart_id, sku;

CREATE OR REPLACE VIEW carts AS
SELECT dataset_id, cart_id, min(modified_at) AS created_at, max(modified_at) AS changed_at,
       (array_agg(subject ORDER BY cart_position(added, occurred_at) DESC, tie_breaker DESC, event_id DESC))[1] AS subject,
       (array_agg(source ORDER BY cart_position(added, occurred_at) DESC, tie_breaker DESC, event_id DESC))[1] AS source
  FROM cart_changes
 GROUP BY dataset_id, cart_id;

CREATE OR REPLACE VIEW customers AS
SELECT i.dataset_id, i.customer_id, i.identities, p.email, p.first_name, p.last_name, p.join_date
  FROM (SELECT dataset_id, customer_id, array_agg(identity ORDER BY first_at, identity) AS identities
          FROM identities
         GROUP BY dataset_id, customer_id) AS i
  LEFT JOIN (
    SELECT s.dataset_id, s.customer_id,
           (array_agg(c.email ORDER BY profile_position(c.join_date, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
               FILTER (WHERE c.email IS NOT NULL))[1] AS email,
           (array_agg(c.first_name ORDER BY profile_position(c.join_date, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
               FILTER (WHERE c.first_name IS NOT NULL))[1] AS first_name,
           (array_agg(c.last_name ORDER BY profile_position(c.join_date, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
               FILTER (WHERE c.last_name IS NOT NULL))[1] AS last_name,
           (array_agg(c.join_date ORDER BY profile_position(c.join_date, c.occurred_at) DESC, c.tie_breaker DESC, c.event_id DESC)
               FILTER (WHERE c.join_date IS NOT NULL))[1] AS join_date
      FROM profile_changes c
      JOIN subject_customers s ON s.dataset_id = c.dataset_id AND s.subject = c.subject
     GROUP BY s.dataset_id, s.customer_id) AS p
    ON p.dataset_id = i.dataset_id AND p.customer_id = i.customer_id;
