"""`shopalytic digest` and `shopalytic alerts` at a real service, with a real webhook."""

import time
from collections.abc import Iterator

import pytest

from running.running_service import Service, folder
from standins.receivers import Hook, open_hook


@pytest.fixture(scope="module")
def hook() -> Iterator[Hook]:
    with open_hook() as opened:
        yield opened


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as path, Service(path, "--webhooks-to-private-addresses", "on") as running:
        yield running


def until_posted(hook: Hook, count: int) -> None:
    deadline = time.monotonic() + 60
    while len(hook.posted) < count:
        assert time.monotonic() < deadline, "nothing was posted"
        time.sleep(0.05)


def test_a_digest_is_shown_set_listed_sent_and_ended(service: Service, hook: Hook) -> None:
    shown = service.command("digest", "send", "--dry-run")
    assert shown.returncode == 0
    assert shown.stdout.startswith("Subject: default, ")
    assert "Net sales" in shown.stdout
    assert "No digests yet" in service.command("digest", "list").stdout

    made = service.command("digest", "add", "monday", "--webhook", hook.url, "--filter", "country=DEU")
    assert made.stdout.startswith("The digest monday comes next at ")
    assert "whsec_" in made.stdout
    [listed] = service.json("digest", "list")["digests"]
    assert listed["recipients"]["webhooks"] == [hook.url]
    assert "whsec_" not in service.command("digest", "list", "--json").stdout

    before = len(hook.posted)
    assert "1 notification is on the way" in service.command("digest", "send", "monday").stdout
    until_posted(hook, before + 1)
    assert hook.contents()[-1]["kind"] == "digest"

    assert service.command("digest", "remove", "monday").stdout == "The digest monday has ended.\n"
    assert "No digest is named 'monday'" in service.command("digest", "remove", "monday").stderr


def test_an_alert_is_set_tested_listed_and_ended(service: Service, hook: Hook) -> None:
    assert "No alerts yet" in service.command("alerts", "test").stdout
    watched = ("--report", "sales", "--number", "orders", "--hours", "3")
    made = service.command("alerts", "add", "silence", *watched, "--below", "1", "--webhook", hook.url)
    assert made.returncode == 0, made.stderr

    [test] = service.json("alerts", "test")["tests"]
    assert test["finding"] == "orders (sales) of the last 3 hours: 0, less than 1."
    assert "orders (sales)" in " ".join(service.command("alerts", "test").stdout.split())

    before = len(hook.posted)
    assert service.json("alerts", "test", "silence", "--send")["queued"] == 1
    until_posted(hook, before + 1)
    assert "test" in [each["kind"] for each in hook.contents()[before:]]
    assert "sent" in service.command("alerts", "sent").stdout
    [listed] = service.json("alerts", "list")["alerts"]
    assert listed["below"] == "1"

    assert service.command("alerts", "remove", "silence").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("digest", "add", "x"), "Nobody would get it: give --email or --webhook."),
        (
            ("digest", "add", "x", "--email", "nobody"),
            "digest.recipients.emails[0]: must be an e-mail address",
        ),
        (("digest", "add", "x", "--email", "a@["), "digest.recipients.emails[0]: must be an e-mail address"),
        (("digest", "add", "x", "--email", "a@b.test", "--filter", "colour"), "is no filter"),
        (("digest", "send"), "names no digest"),
        (("alerts", "test", "nothing"), "No alert is named 'nothing'"),
        (
            ("alerts", "add", "x", "--report", "sales", "--number", "orders", "--email", "a@b.test"),
            "Give one of --hours and --days.",
        ),
    ],
)
def test_wrong_input_is_told_in_one_sentence(
    service: Service, arguments: tuple[str, ...], message: str
) -> None:
    done = service.command(*arguments)

    assert done.returncode in (1, 2)
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def test_a_mail_server_and_a_sender_belong_together() -> None:
    with folder() as path, pytest.raises(AssertionError, match="--smtp-url and --mail-from belong together"):
        Service(path, "--smtp-url", "smtp://127.0.0.1:25").start()
