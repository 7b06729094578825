"""The files for containers, systemd and Kubernetes name settings, commands, ports and paths that exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from shopalytic_server import config
from shopalytic_server.cli.root import COMMANDS

REPOSITORY = Path(__file__).resolve().parents[2]
DEPLOY = REPOSITORY / "server" / "deploy"
FILES = sorted(path for path in DEPLOY.rglob("*") if path.is_file())
VARIABLES = {info.variable for info in config.TABLE.values()}
GRPC_PORT, HTTP_PORT = (config.TABLE[f"{name}_port"].default for name in ("grpc", "http"))


def kubernetes() -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / "shopalytic.yaml").read_text()))


def containers() -> list[dict[str, Any]]:
    made = [each for each in kubernetes() if each["kind"] in ("Deployment", "StatefulSet")]
    return [container for each in made for container in each["spec"]["template"]["spec"]["containers"]]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(r"\bSHOPALYTIC_[A-Z_]+", path.read_text()))
    assert named <= VARIABLES


def test_the_container_copies_what_there_is_and_opens_the_default_ports() -> None:
    lines = (DEPLOY / "Containerfile").read_text().replace("\\\n", " ").splitlines()
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    assert copied
    assert [name for names in copied for name in names if not (REPOSITORY / name).exists()] == []
    assert f"EXPOSE {HTTP_PORT} {GRPC_PORT}" in lines
    assert [line for line in lines if line.startswith("USER ")] == ["USER 10001:10001"]


def test_what_is_run_are_commands() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert compose["services"]["shopalytic"]["build"]["dockerfile"] == "server/deploy/Containerfile"
    unit = (DEPLOY / "systemd" / "shopalytic.service").read_text()
    [started] = re.findall(r"^ExecStart=\S+/shopalytic (\S+)$", unit, re.MULTILINE)
    run = [container["args"][0] for container in containers()]
    assert {started, *run} <= set(COMMANDS)


def test_kubernetes_asks_the_ports_and_paths_that_answer() -> None:
    server, gateway = containers()
    assert server["readinessProbe"]["grpc"]["port"] == GRPC_PORT
    assert gateway["ports"][0]["containerPort"] == HTTP_PORT
    probes = [gateway[name]["httpGet"]["path"] for name in ("readinessProbe", "livenessProbe")]
    assert probes == ["/readyz", "/healthz"]
    services = {each["metadata"]["name"]: each["spec"] for each in kubernetes() if each["kind"] == "Service"}
    [collector] = [each["value"] for each in gateway["env"] if each["name"] == "SHOPALYTIC_COLLECTOR"]
    host, _, port = collector.removeprefix("dns:///").partition(":")
    assert services[host]["ports"][0]["port"] == int(port) == GRPC_PORT
