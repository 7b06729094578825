-- What is left of erased people: keyed hashes of their identities, tracking ids
-- and e-mail addresses. Whatever carries one of them is refused.

CREATE TABLE tombstones (
    dataset_id int NOT NULL,
    mark uuid NOT NULL,
    erased_at timestamptz NOT NULL,
    PRIMARY KEY (dataset_id, mark)
);

-- The key of a project's hashes, made with its first erasure.
CREATE TABLE tombstone_salts (
    project_id int PRIMARY KEY,
    salt bytea NOT NULL
);
