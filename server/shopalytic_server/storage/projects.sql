-- Projects and their keys.

-- name: create_project
INSERT INTO projects (name, currency, currency_open, time_zone, browser_event_types, default_event_types, created_at)
VALUES (%(name)s, %(currency)s, %(currency_open)s, %(time_zone)s, %(browser_event_types)s, %(browser_event_types)s, %(created_at)s)
ON CONFLICT (name) DO NOTHING
RETURNING project_id, name, currency, time_zone, browser_event_types, default_event_types, first_currency, currency_open, own_user_agents, order_number_groups, allowed_origins, respect_privacy_signals,
    signed_identify, identity_secrets, denied_consent, anonymous_salt, token_secret, retention,
    created_at

-- name: get_project
SELECT project_id, name, currency, time_zone, browser_event_types, default_event_types, first_currency, currency_open, own_user_agents, order_number_groups, allowed_origins, respect_privacy_signals,
    signed_identify, identity_secrets, denied_consent, anonymous_salt, token_secret, retention,
    created_at
FROM projects
WHERE project_id = %(project_id)s

-- name: find_project
SELECT project_id, name, currency, time_zone, browser_event_types, default_event_types, first_currency, currency_open, own_user_agents, order_number_groups, allowed_origins, respect_privacy_signals,
    signed_identify, identity_secrets, denied_consent, anonymous_salt, token_secret, retention,
    created_at
FROM projects
WHERE name = %(name)s

-- name: list_projects
SELECT project_id, name, currency, time_zone, browser_event_types, default_event_types, first_currency, currency_open, own_user_agents, order_number_groups, allowed_origins, respect_privacy_signals,
    signed_identify, identity_secrets, denied_consent, anonymous_salt, token_secret, retention,
    created_at
FROM projects
ORDER BY project_id

-- name: update_project
UPDATE projects
SET days_to_move = days_to_move OR coalesce(%(time_zone)s, time_zone) <> time_zone,
    time_zone = coalesce(%(time_zone)s, time_zone),
    currency = coalesce(%(currency)s, currency),
    first_currency = CASE WHEN %(currency)s <> currency AND NOT currency_open
                          THEN coalesce(first_currency, currency) ELSE first_currency END,
    currency_open = currency_open AND %(currency)s::text IS NULL,
    browser_event_types = coalesce(%(browser_event_types)s::text[], browser_event_types),
    default_event_types = CASE WHEN %(browser_event_types)s::text[] IS NULL THEN default_event_types
                               WHEN %(types_as_default)s THEN %(browser_event_types)s END,
    own_user_agents = coalesce(%(own_user_agents)s::text[], own_user_agents),
    orders_to_part = orders_to_part OR coalesce(%(order_number_groups)s::jsonb, order_number_groups) <> order_number_groups,
    order_number_groups = coalesce(%(order_number_groups)s::jsonb, order_number_groups),
    allowed_origins = coalesce(%(allowed_origins)s::text[], allowed_origins),
    respect_privacy_signals = coalesce(%(respect_privacy_signals)s, respect_privacy_signals),
    signed_identify = coalesce(%(signed_identify)s, signed_identify),
    denied_consent = coalesce(%(denied_consent)s, denied_consent),
    -- Kept for ever: with another one, what is sent again would look new.
    anonymous_salt = CASE WHEN %(denied_consent)s = 'anonymize' THEN coalesce(anonymous_salt, %(new_salt)s)
                          ELSE anonymous_salt END,
    retention = (retention || %(retention)s::jsonb) - %(as_default)s::text[]
WHERE project_id = %(project_id)s
RETURNING project_id, name, currency, time_zone, browser_event_types, default_event_types, first_currency, currency_open, own_user_agents, order_number_groups, allowed_origins, respect_privacy_signals,
    signed_identify, identity_secrets, denied_consent, anonymous_salt, token_secret, retention,
    created_at

-- The first money that arrives decides. NULL: it named no currency, and took the default.
-- name: settle_currency
UPDATE projects
SET currency = coalesce(%(currency)s, currency), currency_open = false
WHERE project_id = %(project_id)s AND currency_open
RETURNING project_id, name, currency, time_zone, browser_event_types, default_event_types, first_currency, currency_open, own_user_agents, order_number_groups, allowed_origins, respect_privacy_signals,
    signed_identify, identity_secrets, denied_consent, anonymous_salt, token_secret, retention,
    created_at

-- name: rotate_identity_secret
-- Of those before, the newest stays, or none.
UPDATE projects
SET identity_secrets = %(secret)s::text || identity_secrets[1:%(kept)s]
WHERE project_id = %(project_id)s
RETURNING project_id

-- name: create_key
INSERT INTO keys (key_id, project_id, key_class, label, hint, secret_hash, created_at, expires_at)
VALUES (%(key_id)s, %(project_id)s, %(key_class)s, %(label)s, %(hint)s, %(secret_hash)s, %(created_at)s,
    %(expires_at)s)
RETURNING key_id, project_id, key_class, label, hint, created_at, revoked_at, expires_at, last_used_at

-- name: find_key
SELECT keys.key_id, keys.project_id, keys.key_class, keys.label, keys.hint, keys.created_at, keys.revoked_at,
    keys.expires_at, keys.last_used_at, projects.name, projects.currency, projects.time_zone, projects.browser_event_types,
    projects.default_event_types, projects.first_currency, projects.currency_open,
    projects.own_user_agents, projects.order_number_groups, projects.allowed_origins, projects.respect_privacy_signals,
    projects.signed_identify, projects.identity_secrets, projects.denied_consent, projects.anonymous_salt, projects.token_secret,
    projects.retention,
    projects.created_at AS project_created_at
FROM keys
JOIN projects ON projects.project_id = keys.project_id
WHERE keys.secret_hash = %(secret_hash)s AND keys.revoked_at IS NULL
    AND (keys.expires_at IS NULL OR keys.expires_at > %(now)s)

-- name: list_keys
SELECT key_id, project_id, key_class, label, hint, created_at, revoked_at, expires_at, last_used_at
FROM keys
WHERE project_id = %(project_id)s
ORDER BY created_at, key_id

-- name: revoke_key
UPDATE keys
SET revoked_at = coalesce(revoked_at, %(revoked_at)s)
WHERE key_id = %(key_id)s AND project_id = %(project_id)s
RETURNING key_id, project_id, key_class, label, hint, created_at, revoked_at, expires_at, last_used_at

-- name: expire_key
-- A key that would have ended sooner still does.
UPDATE keys
SET expires_at = least(expires_at, %(expires_at)s)
WHERE key_id = %(key_id)s AND project_id = %(project_id)s AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > %(now)s)
RETURNING key_id, project_id, key_class, label, hint, created_at, revoked_at, expires_at, last_used_at

-- name: record_key_use
-- Several servers see the same key: who finds it recorded a moment ago, writes nothing.
WITH used AS MATERIALIZED (
    SELECT key_id, used_at, used_at - interval '30 seconds' AS recently
    FROM unnest(%(key_ids)s::uuid[], %(used_at)s::timestamptz[]) AS given(key_id, used_at)
)
UPDATE keys
SET last_used_at = used.used_at
FROM used
WHERE keys.key_id = used.key_id
    AND (keys.last_used_at IS NULL OR keys.last_used_at < used.recently)
