"""`shopalytic import`: files of every kind into a service, once each, whatever happens meanwhile."""

import gzip
import json
import signal
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import psycopg
import pytest

from running.running_service import COMMAND, Service, ask, folder
from standins.scripted_collector import KEY, ScriptedCollector, fail, lose_the_answer

COUNTS = ("read", "accepted", "duplicate", "conflict", "quarantined", "rejected")


@pytest.fixture(scope="module")
def service():
    with folder() as path, Service(path) as running:
        yield running


@pytest.fixture
def collector():
    scripted = ScriptedCollector().start()
    yield scripted
    scripted.stop()


def page_view(**changes):
    visitor = changes.pop("tracking_id", f"visitor-{uuid.uuid4()}")
    properties = {"url": "https://shop.example/", "referrer": "", **changes.pop("properties", {})}
    return {
        "type": "page_view",
        "tracking_id": visitor,
        "occurred_at": "2026-01-31T12:00:00Z",
        "properties": properties,
        **changes,
    }


def write(path, *lines):
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def counts(result):
    return {name: result[name] for name in COUNTS if result[name]}


def import_json(target, *args, stdin=None):
    done = ask("import", *args, "--target", target, "--key", KEY, "--json", stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz", "named-otherwise.gz"])
def test_a_file_is_imported_once(service, tmp_path, name):
    file = write(tmp_path / name, *[page_view() for _ in range(2_500)])
    first = service.json("import", file)
    assert set(first) == {*COUNTS, "seconds"}
    assert counts(first) == {"read": 2_500, "accepted": 2_500}
    assert counts(service.json("import", file)) == {"read": 2_500, "duplicate": 2_500}


def test_gzip_is_recognised_by_content_and_standard_input_is_read(service, tmp_path):
    packed = write(tmp_path / "events.gz", page_view(), page_view()).read_bytes()
    misnamed = tmp_path / "events.jsonl"
    misnamed.write_bytes(packed)
    assert counts(service.json("import", misnamed)) == {"read": 2, "accepted": 2}
    assert counts(service.json("import", "-", stdin=packed)) == {"read": 2, "duplicate": 2}
    assert counts(service.json("import", "-", stdin=gzip.decompress(packed))) == {"read": 2, "duplicate": 2}


def test_two_gzip_files_joined_are_both_read(service, tmp_path):
    parts = [write(tmp_path / f"{number}.gz", page_view()).read_bytes() for number in range(2)]
    joined = tmp_path / "joined.gz"
    joined.write_bytes(b"".join(parts))
    assert counts(service.json("import", joined)) == {"read": 2, "accepted": 2}


def test_money_written_as_a_number_stays_exact(service, tmp_path):
    item = '{"sku": "A", "price": 0.1, "qty": 3}'
    order = (
        '{"type": "order", "identity": "exact", "occurred_at": 1769860800, "properties":'
        f' {{"order_id": "exact-1", "cart_id": "c", "total": 99999999999999.9999, "subtotal": 0.3,'
        f' "line_items": [{item}]}}}}'
    )
    assert counts(service.json("import", write(tmp_path / "order.jsonl", order))) == {
        "read": 1,
        "accepted": 1,
    }
    with psycopg.connect(service.ready["database_url"]) as connection:
        query = "SELECT properties FROM events WHERE type = 'order' AND identity = 'exact'"
        [(properties,)] = connection.execute(query).fetchall()
    assert (properties["total"], properties["line_items"][0]["price"]) == ("99999999999999.9999", "0.1")


def test_every_line_gets_its_own_verdict(service, tmp_path):
    good = page_view(event_id=str(uuid.uuid4()))
    file = write(
        tmp_path / "mixed.jsonl",
        good,
        good,
        {**good, "properties": {"url": "https://shop.example/other", "referrer": ""}},
        "",
        "   ",
        page_view(properties={"url": ""}),
        page_view(properties={"colour": "red"}),
        page_view(occurred_at=None),
        '{"type": "page_view", "tracking_id": ',
        "[1, 2]",
        "null",
        '{"type": "page_view", "properties": {"url": NaN}}',
        "[" * 100_000,
    )
    done = service.command("import", file, "--json")
    assert done.returncode == 0
    assert counts(json.loads(done.stdout)) == {
        "read": 11,
        "accepted": 1,
        "duplicate": 1,
        "conflict": 1,
        "quarantined": 8,
    }
    assert "line 7: page_view.colour is not a property of page_view" in done.stderr
    assert "line 8: occurred_at" in done.stderr
    assert "line 9 is not JSON" in done.stderr
    again = counts(service.json("import", file))
    assert again == {"read": 11, "duplicate": 2, "conflict": 1, "quarantined": 8}
    with psycopg.connect(service.ready["database_url"]) as connection:
        kept = connection.execute("SELECT count(*), count(DISTINCT event_id) FROM quarantine").fetchone()
    assert kept == (9, 9)


def test_bytes_that_are_no_text_and_controls_are_kept_out_of_the_terminal(service, tmp_path):
    file = tmp_path / "raw.jsonl"
    file.write_bytes(
        b'\xef\xbb\xbf{"type": "x\xff"}\r\n{"type": "\x1b[31mred", "properties": {}}\r\n'
        + json.dumps({"type": "\x1b[31mred", "properties": {}}).encode()
    )
    done = service.command("import", file, "--json")
    assert counts(json.loads(done.stdout)) == {"read": 3, "quarantined": 3}
    assert done.returncode == 1
    assert "No event of this file is stored" in done.stderr
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    "content",
    [
        b"order_id,email,total\n1001,ada@shop.example,9.99\n",
        b'"order_id";"email"\n"1001";"ada@shop.example"\n',
        b"\n\n[\n" + json.dumps(page_view()).encode() + b"\n]\n",
        json.dumps([page_view(), page_view()]).encode(),
        json.dumps(page_view(), indent=2).encode(),
        b"1\n2\n",
        b"null\n",
        b"PK\x03\x04 a spreadsheet",
        "type,email\n".encode("utf-16"),
        gzip.compress(b"order_id\n1001\n", mtime=0),
    ],
)
def test_a_file_that_is_not_json_lines_is_refused_at_its_first_line(service, tmp_path, content):
    file = tmp_path / "orders.csv"
    file.write_bytes(content)
    kept = "SELECT count(*) FROM quarantine"
    with psycopg.connect(service.ready["database_url"]) as connection:
        before = connection.execute(kept).fetchone()
    for done in (service.command("import", file), service.command("import", "-", stdin=content)):
        assert done.returncode == 2
        assert "is not JSON Lines: line" in done.stderr
        assert "ada@shop.example" not in done.stderr
    with psycopg.connect(service.ready["database_url"]) as connection:
        assert connection.execute(kept).fetchone() == before


def test_a_line_no_event_could_be_is_rejected_without_reading_it_whole(service, tmp_path):
    file = tmp_path / "long.jsonl"
    file.write_bytes(
        b'{"type": "'
        + b"x" * 5_000_000
        + b'"}\n'
        + json.dumps(page_view()).encode()
        + b"\n"
        + b"y" * 3_000_000
    )
    done = service.command("import", file, "--json")
    assert counts(json.loads(done.stdout)) == {"read": 3, "accepted": 1, "rejected": 2}
    assert "line 1 is larger than 256 KB" in done.stderr
    assert "line 3 is larger than 256 KB" in done.stderr


def test_an_event_over_the_limit_is_rejected_by_itself(service, tmp_path):
    large = page_view(type="order", properties={"order_id": "x" * 300_000})
    file = write(tmp_path / "large.jsonl", page_view(), large, page_view())
    assert counts(service.json("import", file)) == {"read": 3, "accepted": 2, "rejected": 1}


def test_batches_stay_within_the_servers_size_limit(service, tmp_path):
    long_url = "https://shop.example/" + "x" * 8_000
    file = write(tmp_path / "wide.jsonl", *[page_view(properties={"url": long_url}) for _ in range(1_500)])
    assert counts(service.json("import", file)) == {"read": 1_500, "accepted": 1_500}


def test_an_empty_file_is_a_finished_import(service, tmp_path):
    assert counts(service.json("import", write(tmp_path / "empty.jsonl"))) == {}


def test_a_person_gets_a_table_and_examples(service, tmp_path):
    done = service.command("import", write(tmp_path / "some.jsonl", page_view(), *["{"] * 5))
    assert done.returncode == 0
    assert "quarantined" in done.stdout
    assert "quarantined, rule json: 5 times" in done.stderr
    assert done.stderr.count("is not JSON") == 3


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_told(service, tmp_path, name):
    done = service.command("import", tmp_path / name, "--json")
    assert (done.returncode, done.stdout) == (1, "")
    assert str(tmp_path) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_broken_gzip_ends_with_a_sentence_and_what_was_done(service, tmp_path):
    file = write(tmp_path / "cut.gz", *[page_view() for _ in range(50_000)])
    file.write_bytes(file.read_bytes()[:-20])
    done = service.command("import", file, "--json")
    assert done.returncode == 1
    assert "the gzip data is broken after line" in done.stderr
    assert json.loads(done.stdout)["accepted"] > 0


def test_a_wrong_key_is_told_and_not_tried_again(service, tmp_path):
    file = write(tmp_path / "one.jsonl", page_view())
    wrong = "shop_server_" + "x" * 43
    done = ask("import", file, "--target", service.address, "--key", wrong)
    assert done.returncode == 1
    assert "The key is unknown, was revoked or has expired" in done.stderr
    refused = ask("import", file, "--target", service.address, "--key", service.ready["keys"]["reports"])
    assert refused.returncode == 1
    assert "use one of class browser or server" in refused.stderr


def test_the_directorys_key_is_not_sent_to_another_machine(service, tmp_path):
    file = write(tmp_path / "one.jsonl", page_view())
    done = service.command("import", file, "--target", "192.0.2.1:50051")
    assert done.returncode == 1
    assert "No key for 192.0.2.1:50051" in done.stderr


def test_without_any_key_the_ways_to_give_one_are_named(tmp_path):
    file = write(tmp_path / "one.jsonl", page_view())
    done = ask("import", file, "--data-dir", tmp_path / "nothing", "--target", "127.0.0.1:1")
    assert done.returncode == 1
    assert "--key" in done.stderr
    assert "SHOPALYTIC_KEY" in done.stderr


def test_a_busy_or_absent_store_is_waited_for(collector, tmp_path):
    collector.script.extend(
        [
            fail(grpc.StatusCode.UNAVAILABLE, retry_after=0.01),
            fail(grpc.StatusCode.RESOURCE_EXHAUSTED, retry_after=0.01),
            fail(grpc.StatusCode.UNAVAILABLE),
        ]
    )
    file = write(tmp_path / "events.jsonl", *[page_view() for _ in range(3_000)])
    assert counts(import_json(collector.target, file)) == {"read": 3_000, "accepted": 3_000}
    assert len(collector.stored) == 3_000


def test_an_answer_that_got_lost_is_a_duplicate_and_not_a_second_event(collector, tmp_path):
    collector.script.append(lose_the_answer)
    file = write(tmp_path / "events.jsonl", page_view(), page_view())
    assert counts(import_json(collector.target, file)) == {"read": 2, "duplicate": 2}
    assert len(collector.stored) == 2


def test_a_store_that_stays_away_ends_the_import_with_what_to_do(collector, tmp_path):
    collector.script.extend([fail(grpc.StatusCode.UNAVAILABLE, details="The store is away.")] * 50)
    file = write(tmp_path / "events.jsonl", page_view())
    done = ask("import", file, "--target", collector.target, "--key", KEY, "--patience", "0.2", "--json")
    assert done.returncode == 1
    assert "The store is away." in done.stderr
    assert "run the same import again" in done.stderr
    assert counts(json.loads(done.stdout)) == {"read": 1}


def test_a_line_without_an_id_gets_the_same_one_every_time(collector, tmp_path):
    line = json.dumps(page_view())
    (tmp_path / "unix.jsonl").write_text(f"{line}\n")
    (tmp_path / "windows.jsonl").write_bytes(f"  {line}\r\n".encode())
    assert counts(import_json(collector.target, tmp_path / "unix.jsonl")) == {"read": 1, "accepted": 1}
    assert counts(import_json(collector.target, tmp_path / "windows.jsonl")) == {"read": 1, "duplicate": 1}
    [event_id] = collector.stored
    assert uuid.UUID(event_id).version == 8


def test_a_service_that_is_not_there_is_told(tmp_path):
    file = write(tmp_path / "events.jsonl", page_view())
    done = ask("import", file, "--target", "127.0.0.1:1", "--key", KEY, "--patience", "0")
    assert done.returncode == 1
    assert "cannot be reached" in done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_import_run_again_ends_with_the_same_state(service, tmp_path, how):
    visitor = f"interrupted-by-{how.name}"
    lines = [
        page_view(tracking_id=visitor, properties={"url": f"https://shop.example/{n}"}) for n in range(40_000)
    ]
    file = write(tmp_path / "events.jsonl", *lines)
    count = "SELECT count(*) FROM events WHERE tracking_id = %s"
    with (
        psycopg.connect(service.ready["database_url"], autocommit=True) as connection,
        half_sent(file, service) as importing,
    ):
        while connection.execute(count, [visitor]).fetchone() == (0,):
            assert importing.poll() is None
        importing.send_signal(how)
        assert importing.wait(60) == (1 if how is signal.SIGINT else -how)
        result = service.json("import", file)
        assert result["accepted"] + result["duplicate"] == result["read"] == 40_000
        assert result["accepted"] > 0
        assert result["duplicate"] > 0
        assert connection.execute(count, [visitor]).fetchone() == (40_000,)


@contextmanager
def half_sent(file: Path, service: Service) -> Iterator["subprocess.Popen[bytes]"]:
    """An import that was given half of a file, and waits for the rest."""
    command = [*COMMAND, "import", "-", "--data-dir", str(service.data_dir)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as importing:
        assert importing.stdin is not None
        content = file.read_bytes()
        importing.stdin.write(content[: content.index(b"\n", len(content) // 2) + 1])
        importing.stdin.flush()
        yield importing


def test_numbers_stay_exact_whatever_their_form(collector, tmp_path):
    """Also those that a float cannot hold."""
    prices = ["12345678901234.5678", "9.99", "1.5e3", "0.1", "99999999999999.9999", "1E2", "7", "20.50"]
    lines = [
        json.dumps(page_view(type="product_view", properties={})).replace(
            '"properties": {"url": "https://shop.example/", "referrer": ""}',
            f'"properties": {{"sku": "{number}", "name": "n", "price": {price}}}',
        )
        for number, price in enumerate(prices)
    ]
    path = write(tmp_path / "prices.jsonl", *lines, lines[0].replace(prices[0], "1e400"))
    done = import_json(collector.target, path)
    assert done["read"] == len(prices) + 1
    stored = [
        event.product_view.price for event in collector.stored.values() if event.HasField("product_view")
    ]
    assert stored == ["12345678901234.5678", "9.99", "1500", "0.1", "99999999999999.9999", "100", "7", "20.5"]
    [refused] = [event.undecoded for event in collector.stored.values() if event.HasField("undecoded")]
    assert "must" in refused.message
