"""The servers' own metrics, and that dashboard and alerts ask for metrics that exist."""

import json
import re
import socket
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from running.running_service import Service, folder, run

DEPLOY = Path(__file__).resolve().parents[3] / "server" / "deploy"
EVENT = {
    "type": "page_view",
    "tracking_id": "a",
    "occurred_at": "2026-05-01T10:00:00Z",
    "properties": {"url": "https://shop.example/", "referrer": ""},
}
BROKEN = {**EVENT, "properties": {"referrer": ""}}


def free_ports(count: int) -> int:
    """The first of so many free ports in a row."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as first:
            port = int(first.getsockname()[1])
        try:
            for each in range(port, port + count):
                socket.create_server(("127.0.0.1", each)).close()
        except OSError:
            continue
        return port


def scrape(address: str) -> dict[str, float]:
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=120) as answer:
        lines = [line for line in answer.read().decode().splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


@pytest.fixture(scope="module")
def scraped() -> Iterator[tuple[dict[str, float], dict[str, float]]]:
    """The metrics of two workers together, and the gateway's, after a few events."""
    port = free_ports(3)
    with folder() as path, Service(path, "--workers", "2", "--metrics-port", str(port)) as service:
        lines = [json.dumps(each) + "\n" for each in (EVENT, {**EVENT, "tracking_id": "b"}, BROKEN)]
        service.command("import", "-", stdin="".join(lines).encode())
        body = json.dumps({"token": service.ready["keys"]["browser"], "events": [EVENT]}).encode()
        web = service.ready["http_address"]
        request = urllib.request.Request(f"{web}/collect", body, {"content-type": "text/plain"})
        urllib.request.urlopen(request, timeout=120).close()
        workers: dict[str, float] = {}
        # The pool fills in the background, so this figure is waited for.
        while workers.get("shopalytic_server_store_pool_size", 0) < 2:
            workers = {}
            for each in (port, port + 1):
                for name, value in scrape(f"127.0.0.1:{each}").items():
                    workers[name] = workers.get(name, 0) + value
            time.sleep(0.1)
        found = scrape(web.removeprefix("http://"))
        assert scrape(f"127.0.0.1:{port + 2}").keys() >= found.keys()
        yield workers, found


def test_workers_count_what_they_store(scraped: tuple[dict[str, float], dict[str, float]]) -> None:
    workers, _ = scraped
    assert workers['shopalytic_server_accepted_events_total{type="page_view"}'] == 3
    assert workers['shopalytic_server_quarantined_events_total{rule="required"}'] == 1
    assert workers["shopalytic_server_store_ready"] == 2
    assert workers["shopalytic_server_pending_events"] == 0
    assert workers["shopalytic_server_group_events_sum"] == 4


def test_dashboard_and_alerts_ask_for_metrics_that_exist(
    scraped: tuple[dict[str, float], dict[str, float]],
) -> None:
    known = {name.partition("{")[0] for metrics in scraped for name in metrics}
    known.add("shopalytic_gateway_track_failures_total")  # There is no failure yet to count.
    dashboard = json.loads((DEPLOY / "grafana" / "shopalytic.json").read_text())
    alerts = yaml.safe_load((DEPLOY / "prometheus" / "alerts.yaml").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [rule["expr"] for group in alerts["groups"] for rule in group["rules"]]
    assert set(re.findall(r"shopalytic_\w+", " ".join(asked))) <= known


def test_a_port_that_is_taken_is_told() -> None:
    with folder() as path, socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", "--data-dir", path / "data", "--grpc-port", "0", "--metrics-port", port)
    assert done.returncode == 1
    assert "--metrics-port" in done.stderr
    assert "Traceback" not in done.stderr
