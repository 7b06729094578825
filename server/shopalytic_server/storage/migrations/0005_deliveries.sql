-- Which of their numbered events senders got through. A row per sender and hour
-- of arrival; `received` has the numbers as ranges, so that what arrives twice
-- counts once and what arrives late closes its hole. The drops are the sender's
-- own sums since its start. Nothing personal is in here.
CREATE TABLE deliveries (
    dataset_id integer NOT NULL,
    hour timestamptz NOT NULL,
    source text NOT NULL,
    instance text NOT NULL,
    received int8multirange NOT NULL,
    queue_full bigint NOT NULL,
    expired bigint NOT NULL,
    refused bigint NOT NULL,
    too_large bigint NOT NULL,
    PRIMARY KEY (dataset_id, hour, source, instance)
);

-- A sender's holes are found over all its hours.
CREATE INDEX deliveries_by_sender ON deliveries (dataset_id, source, instance);
