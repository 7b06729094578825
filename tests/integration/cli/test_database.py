"""`shopalytic migrate`, `rebuild` and `doctor`, beside a running service and without one."""

import json
import socket
from typing import Any

import psycopg
import pytest

from running.running_service import Service, ask, folder
from shopalytic_server.storage.schema import migrate as migrations

ORDER = {
    "type": "order",
    "identity": "jane",
    "occurred_at": "2026-01-31T12:00:00Z",
    "properties": {
        "order_id": "A-1",
        "cart_id": "c",
        "total": "9.99",
        "subtotal": "9.99",
        "line_items": [{"sku": "A", "price": "9.99", "qty": 1}],
    },
}


@pytest.fixture(scope="module")
def service():
    with folder() as path, Service(path) as running:
        assert running.json("import", "-", stdin=json.dumps(ORDER).encode())["accepted"] == 1
        yield running


@pytest.fixture
def damaged(service):
    """The service's database with an order that no event speaks of; repaired afterwards."""
    with psycopg.connect(service.ready["database_url"], autocommit=True) as connection:
        connection.execute("UPDATE order_revisions SET total = total + 1")
        yield service
    assert service.command("rebuild").returncode == 0


def findings(done):
    return {finding["check"]: finding for finding in json.loads(done.stdout)["checks"]}


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_an_empty_database_is_migrated_once(empty_database_url):
    check = ask("migrate", "--check", "--database-url", empty_database_url, "--json")
    assert check.returncode == 1
    pending = json.loads(check.stdout)["pending"]
    done = ask("migrate", "--database-url", empty_database_url, "--json")
    assert (done.returncode, json.loads(done.stdout)["applied"]) == (0, pending)
    again = ask("migrate", "--database-url", empty_database_url)
    assert (again.returncode, again.stdout) == (0, "The schema is up to date.\n")
    assert ask("migrate", "--check", "--database-url", empty_database_url).returncode == 0


def test_the_embedded_database_is_started_for_a_command_and_stopped_after():
    with folder() as path:
        assert ask("migrate", "--data-dir", path / "data").returncode == 0
        assert not (path / "data" / "postgres" / "postmaster.pid").exists()
        with Service(path) as service:
            assert service.ready["project"] == "default"


@pytest.mark.parametrize("command", ["migrate", "rebuild"])
def test_a_database_that_is_not_there_is_told(command):
    done = ask(command, "--database-url", f"postgresql://127.0.0.1:{free_port()}/shop")
    assert done.returncode == 1
    assert "Connection refused" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_address_that_is_none_is_wrong_usage():
    done = ask("migrate", "--database-url", "postgresql://shop:s3cret@host/shop?speed=high")
    assert done.returncode == 2
    assert "s3cret" not in done.stderr


def test_a_rebuild_beside_a_service_finds_nothing_to_do(service):
    result = service.json("rebuild", "--check")
    assert result["equal"] is True
    assert set(result["differences"].values()) == {0}


def test_a_check_finds_damage_and_leaves_it(damaged):
    for _ in range(2):
        done = damaged.command("rebuild", "--check", "--json")
        assert done.returncode == 1
        assert json.loads(done.stdout)["differences"]["order_revisions"] > 0


def test_a_rebuild_repairs_damage(damaged):
    done = damaged.command("rebuild")
    assert done.returncode == 0
    assert "They were repaired." in done.stdout
    assert damaged.json("rebuild", "--check")["equal"] is True


def test_the_doctor_finds_a_running_service_well(service):
    grpc_port = service.address.rpartition(":")[2]
    http_port = service.ready["http_address"].rpartition(":")[2]
    done = service.command("doctor", "--grpc-port", grpc_port, "--http-port", http_port, "--json")
    assert done.returncode == 0, done.stdout
    found = findings(done)
    assert json.loads(done.stdout)["ok"] is True
    assert {finding["verdict"] for finding in found.values()} == {"ok"}
    assert "can store" in found["gRPC port"]["message"]
    assert "gateway answers" in found["HTTP port"]["message"]
    assert "4 known keys" in found["keys"]["message"]


def test_the_doctor_tells_what_else_uses_a_port(service):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = service.command("doctor", "--http-port", port, "--grpc-port", str(free_port()), "--json")
    assert done.returncode == 1
    assert "used by something else" in findings(done)["HTTP port"]["message"]


def test_the_doctor_tells_of_a_database_that_is_not_there(tmp_path):
    url = f"postgresql://127.0.0.1:{free_port()}/shop"
    done = ask("doctor", "--data-dir", tmp_path, "--database-url", url, "--json")
    assert done.returncode == 1
    assert findings(done)["database"]["verdict"] == "failed"


def test_the_doctor_tells_of_migrations_and_changes_nothing(empty_database_url, tmp_path):
    flags = ("--data-dir", tmp_path, "--database-url", empty_database_url, "--json")
    done = ask("doctor", *flags, "--grpc-port", free_port(), "--http-port", free_port())
    assert done.returncode == 0, done.stdout
    assert findings(done)["schema"]["verdict"] == "warning"
    assert ask("migrate", "--check", "--database-url", empty_database_url).returncode == 1


def test_the_doctor_tells_of_a_key_that_is_not_valid(service):
    done = service.command(
        "doctor", "--key", "shop_server_unknown", "--grpc-port", "0", "--http-port", "0", "--json"
    )
    assert findings(done)["keys"]["verdict"] == "warning"
    assert "SHOPALYTIC_KEY" in findings(done)["keys"]["message"]
    assert "shop_server_unknown" not in done.stdout


def test_people_get_a_table_from_the_doctor(service):
    done = service.command("doctor", "--grpc-port", "0", "--http-port", "0")
    assert done.returncode == 0
    assert "PostgreSQL 18" in done.stdout


def test_a_migration_that_ingest_was_in_the_way_of_is_tried_again(
    empty_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply, tries = migrations._Backend.apply_migrations, []

    def roll_back_once(backend: Any, todo: Any) -> None:
        tries.append(len(todo))
        if len(tries) == 1:
            raise psycopg.errors.DeadlockDetected
        apply(backend, todo)

    monkeypatch.setattr(migrations._Backend, "apply_migrations", roll_back_once)
    applied = migrations.migrate(empty_database_url)
    assert tries == [len(applied)] * 2
    assert migrations.pending(empty_database_url) == []
