-- What operators have undone: an identity stays apart from a tracking id, or
-- from another identity (the other is empty), whatever calls say. These are
-- facts like the events: a rebuild reads them and does not make them. Kept by
-- identity, as the links of aliases are.

CREATE TABLE undone_merges (
    dataset_id int NOT NULL,
    identity text NOT NULL,
    existing_identity text NOT NULL,
    existing_tracking_id text NOT NULL,
    undone_at timestamptz NOT NULL,
    key_id uuid NOT NULL,
    PRIMARY KEY (dataset_id, identity, existing_identity, existing_tracking_id)
);
