"""`migrate --citus`: what it refuses, and, where the tests run on a cluster, what it does."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from running import cluster
from running.running_service import ask
from shopalytic_server.storage.schema.layout import EVERYWHERE, SPREAD, TABLES
from shopalytic_server.storage.schema.migrate import migrate


@pytest.fixture
def bare_cluster(
    postgres_url: str, empty_database_url: str
) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A database with the extension that is not a cluster yet."""
    if not cluster.is_cluster(postgres_url):
        pytest.skip(cluster.NO_CLUSTER)
    with psycopg.connect(empty_database_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION citus")
        yield connection


def on_cluster(url: str, *options: str) -> "tuple[int, str]":
    done = ask("migrate", "--citus", *options, "--database-url", url)
    return done.returncode, done.stdout + done.stderr


def test_a_database_without_the_extension_is_refused_with_the_remedy(empty_database_url: str) -> None:
    code, told = on_cluster(empty_database_url)
    assert code == 1
    assert "CREATE EXTENSION citus" in told
    with psycopg.connect(empty_database_url) as connection:
        assert connection.execute("SELECT to_regclass('events')").fetchone() == (None,)


@pytest.mark.parametrize("options", [("--shards", "8"), ("--dry-run",)])
def test_options_of_a_cluster_are_refused_without_one(
    empty_database_url: str, options: tuple[str, ...]
) -> None:
    done = ask("migrate", *options, "--database-url", empty_database_url)
    assert done.returncode == 2
    assert "--citus" in done.stderr


def test_what_is_missing_is_told_step_by_step(
    bare_cluster: psycopg.Connection[tuple[object, ...]], empty_database_url: str
) -> None:
    place = [bare_cluster.info.host, bare_cluster.info.port]
    assert "citus_set_coordinator_host" in on_cluster(empty_database_url)[1]
    bare_cluster.execute("SELECT citus_set_coordinator_host(%s, %s)", place)
    assert "shouldhaveshards" in on_cluster(empty_database_url)[1]
    bare_cluster.execute("SELECT citus_set_node_property(%s, %s, 'shouldhaveshards', true)", place)
    code, told = on_cluster(empty_database_url, "--dry-run", "--json")
    assert code == 0, told
    assert json.loads(told)["pending"]
    assert bare_cluster.execute("SELECT to_regclass('events')").fetchone() == (None,)
    code, told = on_cluster(empty_database_url, "--shards", "4", "--json")
    assert code == 0, told
    tables = {one["table"]: one for one in json.loads(told)["tables"]}
    assert sorted(tables) == sorted(TABLES)
    assert {tables[name]["kind"] for name in EVERYWHERE} == {"reference"}
    assert {name: tables[name]["column"] for name in SPREAD} == {
        name: spread.column for name, spread in SPREAD.items()
    }
    assert {tables[name]["shards"] for name in SPREAD} == {4}


@pytest.fixture
def filled_cluster(
    bare_cluster: psycopg.Connection[tuple[object, ...]], empty_database_url: str
) -> psycopg.Connection[tuple[object, ...]]:
    """A cluster of one node whose tables are there, with rows, and are not distributed."""
    place = [bare_cluster.info.host, bare_cluster.info.port]
    bare_cluster.execute("SELECT citus_set_coordinator_host(%s, %s)", place)
    bare_cluster.execute("SELECT citus_set_node_property(%s, %s, 'shouldhaveshards', true)", place)
    migrate(empty_database_url)
    bare_cluster.execute(
        "CREATE TABLE events_2026_01 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')"
    )
    bare_cluster.execute(
        "INSERT INTO events (dataset_id, subject, occurred_at, event_id, received_at, type, bot, properties)"
        " SELECT 2, gen_random_uuid(), '2026-01-02', gen_random_uuid(), now(), 'page_view', false, '{}'"
        "   FROM generate_series(1, 500)"
    )
    bare_cluster.execute(
        "INSERT INTO products (dataset_id, sku, name, price, currency, seen_at, seen_event_id)"
        " SELECT 2, n::text, 'thing', 1, 'EUR', now(), gen_random_uuid() FROM generate_series(1, 20) AS n"
    )
    return bare_cluster


def test_a_filled_database_is_distributed_in_place_and_again(
    filled_cluster: psycopg.Connection[tuple[object, ...]], empty_database_url: str
) -> None:
    for _ in range(2):
        code, told = on_cluster(empty_database_url, "--shards", "4", "--json")
        assert code == 0, told
        rows = {one["table"]: one["rows"] for one in json.loads(told)["tables"]}
        assert (rows["events"], rows["products"]) == (500, 20)
    assert filled_cluster.execute("SELECT count(*) FROM events").fetchone() == (500,)
    stayed = filled_cluster.execute(
        "SELECT sum(pg_relation_size(relid)) FROM (SELECT relid FROM pg_partition_tree('events')"
        " UNION SELECT 'products'::regclass) AS parts"
    )
    assert stayed.fetchone() == (0,)


def found_by_doctor(url: str) -> dict[str, tuple[str, str]]:
    told = json.loads(ask("doctor", "--database-url", url, "--json").stdout)
    return {one["check"]: (one["verdict"], one["message"]) for one in told["checks"]}


def test_doctor_tells_of_the_cluster(
    filled_cluster: psycopg.Connection[tuple[object, ...]], empty_database_url: str
) -> None:
    assert "migrate --citus" in found_by_doctor(empty_database_url)["citus"][1]
    assert on_cluster(empty_database_url, "--shards", "4")[0] == 0
    found = found_by_doctor(empty_database_url)
    assert found["citus"][0] == "ok"
    assert "16 shards" in found["citus"][1]
    assert found["prepared"][0] == found["daemons"][0] == "ok"
    filled_cluster.execute("SELECT undistribute_table('deliveries')")
    assert "deliveries" in found_by_doctor(empty_database_url)["local tables"][1]


def test_what_is_in_the_way_of_tables_is_told_before_anything_is_changed(
    filled_cluster: psycopg.Connection[tuple[object, ...]], empty_database_url: str
) -> None:
    with psycopg.connect(empty_database_url, application_name="shopalytic-2"):
        assert "stop all servers" in on_cluster(empty_database_url)[1]
    filled_cluster.execute("CREATE TABLE shelf (sku text)")
    filled_cluster.execute("ALTER TABLE products ADD CONSTRAINT own_sku UNIQUE (sku)")
    filled_cluster.execute(
        "ALTER TABLE shelf ADD CONSTRAINT of_product FOREIGN KEY (sku) REFERENCES products (sku)"
    )
    assert "DROP CONSTRAINT of_product" in on_cluster(empty_database_url)[1]
    filled_cluster.execute("DROP TABLE shelf")
    filled_cluster.execute("ALTER TABLE products DROP CONSTRAINT own_sku")
    filled_cluster.execute("SELECT create_distributed_table('products', 'sku')")
    assert "undistribute_table('products')" in on_cluster(empty_database_url)[1]


def test_a_plain_migration_distributes_what_a_later_version_adds(
    filled_cluster: psycopg.Connection[tuple[object, ...]], empty_database_url: str
) -> None:
    assert on_cluster(empty_database_url, "--shards", "4")[0] == 0
    filled_cluster.execute("SELECT undistribute_table('deliveries')")
    filled_cluster.execute("SELECT undistribute_table('quarantine')")
    migrate(empty_database_url)
    found = filled_cluster.execute(
        "SELECT table_name::text, shard_count::int FROM citus_tables"
        " WHERE table_name IN ('deliveries'::regclass, 'quarantine'::regclass) ORDER BY 1"
    )
    assert found.fetchall() == [("deliveries", 1), ("quarantine", 4)]
