-- Identities that are forms of one e-mail address are one person's. The plain form of an
-- identity is what `plain_form` in domain/formats/plain_forms.py says: an address
-- without space around it and in small ASCII letters; any other identity as it is.
CREATE FUNCTION plain_identity(identity text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
           WHEN strpos(identity, '@') = 0 THEN identity
           WHEN trimmed !~ '^[^@]+@[^@]+$' OR translate(trimmed, outer_space, '') <> trimmed THEN identity
           ELSE translate(trimmed, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz') END
      FROM (SELECT btrim(identity, outer_space) AS trimmed, outer_space
              FROM (SELECT E' \t\n\x0B\f\r\u00A0\u200B\u200C\u200D\u2060\uFEFF' AS outer_space) AS s) AS t
$$;

-- Whoever has another form than the plain one: they are joined to it in the background
-- of a server, and come in the journal of merges.
CREATE INDEX identities_forms ON identities (dataset_id, plain_identity(identity), identity)
    WHERE plain_identity(identity) <> identity;
