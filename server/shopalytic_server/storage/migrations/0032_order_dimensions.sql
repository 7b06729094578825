-- What reports filter and break orders down by, beside what was kept already. An
-- order that the version before stored has no `discounts` (which are an empty list
-- where the shop named none): its event tells.
ALTER TABLE order_revisions
    ADD COLUMN region text,
    ADD COLUMN city text,
    ADD COLUMN discounts jsonb;

-- Marks what stands encoded in an address ("spring%20sale"), for whoever decodes it.
CREATE FUNCTION encoded_text(part text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN part ~ '[%+]' THEN chr(1) || part ELSE nullif(part, '') END
$$;
