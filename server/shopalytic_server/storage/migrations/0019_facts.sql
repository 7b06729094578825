-- What facts are made with.

-- One row: the secret of the keys that stand for subjects, orders, carts and
-- parcels in files outside of the database.
CREATE TABLE fact_store (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    secret bytea NOT NULL
);
INSERT INTO fact_store (secret) VALUES (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));

-- A key of 64 bits for a name in a dataset: nobody without the secret can tell
-- whether a name is behind it. Two of ten million names share one with a
-- probability of 3 in a million.
CREATE FUNCTION fact_key(secret bytea, dataset int, name bytea) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT ('x' || encode(substr(sha256($1 || int4send($2) || $3), 1, 8), 'hex'))::bit(64)::bigint
$$;
