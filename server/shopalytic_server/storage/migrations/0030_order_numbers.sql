-- Groups of sources that number their orders apart, and whether the orders have still to
-- be told apart by the present ones. Who decides which order is meant knows the groups as
-- arrays of sources; see `domain/formats/order_numbers.py`, which says the same.
ALTER TABLE projects ADD COLUMN order_number_groups jsonb NOT NULL DEFAULT '[]';
ALTER TABLE projects ADD COLUMN orders_to_part boolean NOT NULL DEFAULT false;

-- What the store knows the order by that a source means by a number.
CREATE FUNCTION order_key(number text, source text, groups jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT number || coalesce((SELECT E'\x1f\x1e' || (each ->> 0)
                                 FROM jsonb_array_elements(groups) WITH ORDINALITY AS g (each, place)
                                WHERE each @> to_jsonb(source)
                                ORDER BY place LIMIT 1), '')
$$;

-- All orders of a dataset's project that a number may mean.
CREATE FUNCTION order_keys(dataset int, number text) RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT number || ARRAY(SELECT number || E'\x1f\x1e' || (each ->> 0)
                             FROM projects p
                            CROSS JOIN jsonb_array_elements(p.order_number_groups) AS each
                            WHERE p.project_id = dataset / 2)
$$;

-- What analysts know an order by: its number, with its group where that has one.
CREATE FUNCTION order_name(key text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT replace(key, E'\x1f\x1e', '@') $$;
