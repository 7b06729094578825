-- Identify calls that join nobody; see the migrations `store_group`.

-- name: store_plain_links
SELECT event_id, customer_id, again, is_new, has_past
  FROM store_plain_links_v2(%(dataset)s::int, ARRAY(
        SELECT ROW(c.*)::identify_call_v1
          FROM unnest(%(subjects)s::uuid[], %(customers)s::uuid[], %(event_ids)s::uuid[],
                      %(occurred)s::timestamptz[], %(received)s::timestamptz[], %(tie_breakers)s::bigint[],
                      %(tracking_ids)s::text[], %(identities)s::text[]) AS c))
