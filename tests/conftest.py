"""Fixtures for everybody: a clean environment, a real PostgreSQL, and a fresh migrated database per test."""

import os
import signal
import sys
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

OUTSIDE_SERVER_VARIABLE = "SHOPALYTIC_TEST_DATABASE_URL"
# make sets it to nothing where nobody has named one.
OUTSIDE_SERVER = os.environ.get(OUTSIDE_SERVER_VARIABLE) or None

# Before anything of ours is imported: settings of the person who runs the tests must not reach them.
# The parallel workers read the server's address from the same environment, so it stays.
for name in [name for name in os.environ if name.startswith(("PG", "SHOPALYTIC_"))]:
    if name != OUTSIDE_SERVER_VARIABLE:
        del os.environ[name]

# The tests start hundreds of commands. Each would compile all its modules again if it must not keep them.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Our own plugin makes the clients of tests strict; here their defaults are tested, too.
os.environ["SHOPALYTIC_STRICT"] = "0"

# The tests start PostgreSQL while gRPC is busy in the same process; its own handlers would crash the fork.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

# A shell that starts the tests in the background lets them ignore SIGINT, and what they start would, too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import psycopg  # noqa: E402 - libpq's variables are gone now
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402
from psycopg import sql  # noqa: E402
from psycopg.conninfo import conninfo_to_dict, make_conninfo  # noqa: E402

from running import cluster, prepared_data  # noqa: E402
from running.length import LONG  # noqa: E402
from running.scratch import scratch  # noqa: E402

REPOSITORY = Path(__file__).resolve().parent.parent
REAL_DATA = REPOSITORY.parent / "shared" / "data" / "online-retail.csv.gz"

# A slow machine is no defect, so no deadline. HYPOTHESIS_PROFILE=thorough and `make test-long` look longer;
# a failure prints the line that replays it.
_COMMON = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.register_profile("default", _COMMON, max_examples=50, derandomize=True)
settings.register_profile("thorough", _COMMON, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "thorough" if LONG else "default"))


# Half the work where nobody waits for the disk, and such a database is dropped in less than half the time.
_WITHOUT_WAL = " STRATEGY FILE_COPY"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--without-core", action="store_true", help="have events read in Python alone")


def pytest_configure(config: pytest.Config) -> None:
    # Before parallel workers start, which share it.
    prepared_data.place()
    if config.getoption("--without-core"):
        from shopalytic_server.domain.ingest import native

        native.use("off")


def pytest_report_header() -> str:
    """Says which engine the tests are run on."""
    if OUTSIDE_SERVER is None:
        return f"engine: embedded PostgreSQL; {cluster.NO_CLUSTER}"
    engine = "Citus" if cluster.is_cluster(OUTSIDE_SERVER) else "PostgreSQL"
    return f"engine: {engine} of {OUTSIDE_SERVER_VARIABLE}"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files with slow tests first, so that the workers end at nearly the same time."""
    left_out = [] if LONG else [item for item in items if item.get_closest_marker("long")]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server to make databases on: our own in a temporary folder, or the one of the environment."""
    if OUTSIDE_SERVER:
        yield OUTSIDE_SERVER
        return
    from shopalytic_server.embedded import EmbeddedPostgres

    with tempfile.TemporaryDirectory(prefix="shopalytic-test-", dir=scratch()) as folder:
        data_dir = Path(folder) / "data"
        prepared_data.copy_to(data_dir)
        with EmbeddedPostgres(data_dir) as server:
            # Each test makes and drops a database, and each waits for the disk both times. What must outlive
            # a crash is tested with servers of their own.
            with psycopg.connect(server.url("postgres", "postgres"), autocommit=True) as superuser:
                superuser.execute("ALTER SYSTEM SET fsync = off")
                superuser.execute("ALTER SYSTEM SET max_wal_size = '256MB'")
                superuser.execute("SELECT pg_reload_conf()")
            yield server.url()


@pytest.fixture(scope="session")
def template_database(postgres_url: str) -> Iterator[str]:
    """The name of a database with the whole schema, to be copied."""
    from shopalytic_server.storage.schema.migrate import migrate

    name = f"shopalytic_template_{uuid.uuid4().hex[:12]}"
    # The embedded server's own database has the schema already.
    made = "template1" if OUTSIDE_SERVER else conninfo_to_dict(postgres_url)["dbname"]
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
    _execute(postgres_url, statement.format(sql.Identifier(name), sql.Identifier(str(made))))
    try:
        if OUTSIDE_SERVER and cluster.is_cluster(postgres_url):
            cluster.distribute(database_on(postgres_url, name))
        else:
            migrate(database_on(postgres_url, name))
        yield name
    finally:
        drop_database(postgres_url, name)


@pytest.fixture
def database_url(postgres_url: str, template_database: str) -> Iterator[str]:
    """A migrated, empty database for one test."""
    name = f"shopalytic_test_{uuid.uuid4().hex[:12]}"
    if OUTSIDE_SERVER and cluster.is_cluster(postgres_url):
        cluster.copy(postgres_url, template_database, name)
    else:
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}" + ("" if OUTSIDE_SERVER else _WITHOUT_WAL))
        _execute(postgres_url, statement.format(sql.Identifier(name), sql.Identifier(template_database)))
    try:
        yield database_on(postgres_url, name)
    finally:
        drop_database(postgres_url, name)


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """A database without any schema, for one test."""
    name = f"shopalytic_empty_{uuid.uuid4().hex[:12]}"
    _execute(postgres_url, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield database_on(postgres_url, name)
    finally:
        drop_database(postgres_url, name)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The real invoices, which lie beside the repository and not in it."""
    if not REAL_DATA.exists():
        pytest.skip(f"the real data is not here: {REAL_DATA}")
    return REAL_DATA


def database_on(server_url: str, name: str) -> str:
    """The connection string of another database on the same server."""
    return make_conninfo(server_url, dbname=name)


def drop_database(server_url: str, name: str) -> None:
    """Drop it even while a test's connections linger."""
    _execute(server_url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(server_url: str, statement: sql.Composed) -> None:
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(statement)
