-- What products are called, as they were last seen.
-- name: product_names
SELECT DISTINCT ON (p.sku) p.sku, p.name
  FROM products p
 WHERE p.dataset_id = ANY(%(datasets)s::int[]) AND p.sku = ANY(%(skus)s::text[])
 ORDER BY p.sku, p.seen_at DESC, p.seen_tie_breaker DESC, p.seen_event_id DESC

-- name: products_named
SELECT DISTINCT sku
  FROM products
 WHERE dataset_id = ANY(%(datasets)s::int[]) AND strpos(lower(name), lower(%(search)s)) > 0

-- name: product_categories
SELECT sku, array_agg(DISTINCT category ORDER BY category) AS categories
  FROM products p
 CROSS JOIN LATERAL unnest(p.categories) AS category
 WHERE p.dataset_id = ANY(%(datasets)s::int[]) AND category <> ''
 GROUP BY sku
