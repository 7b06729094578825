-- What tells whether files of facts still hold.

-- Each transaction that changes anything that the facts of a day before today are
-- made of adds a row for that day. The version of a day is the set of its tokens. A
-- day is closed once a closing token is there: what changes it afterwards leaves a
-- token, so files are made of closed days only. A row of the day 0001-01-01 is a
-- token of all days. `erased`: somebody's rows of that day went for good, so files
-- of before must not be kept.
CREATE TABLE fact_changes (
    dataset_id int NOT NULL,
    day date NOT NULL,
    token uuid NOT NULL DEFAULT gen_random_uuid(),
    closing boolean NOT NULL DEFAULT false,
    erased boolean NOT NULL DEFAULT false,
    marked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (dataset_id, day, token)
);
