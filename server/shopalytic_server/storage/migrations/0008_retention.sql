-- How many days a project keeps events: by type, and by "default" for types
-- without an entry. null: for ever.
ALTER TABLE projects ADD COLUMN retention jsonb NOT NULL DEFAULT '{}';

-- Before which moment, a midnight in UTC, events of a type may have been removed
-- because they had expired. It never goes back. What such an event said of
-- typed tables, and of sums of page views, is in these alone: nothing makes
-- them anew from the events of before.
CREATE TABLE expirations (
    dataset_id int NOT NULL,
    type text NOT NULL,
    before timestamptz NOT NULL,
    PRIMARY KEY (dataset_id, type)
);
