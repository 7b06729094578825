"""The package as others get it: built, installed elsewhere, and complete."""

import subprocess
import sys
import sysconfig
import tarfile
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from running.running_service import Service, folder

REPOSITORY = Path(__file__).resolve().parents[2]
BUILT = {
    "shopalytic_server/gateway/static/shopalytic.js",
    "shopalytic_server/gateway/static/shopalytic-stub.js",
    "shopalytic_server/gateway/static/dashboard/index.html",
}


def build(target: str, folder: Path) -> Path:
    """What the build backend makes of this repository."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    [made] = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def wheel() -> Iterator[Path]:
    with folder() as path:
        yield build("wheel", path)


def test_a_wheel_installed_elsewhere_serves_the_dashboard_and_the_tag(wheel: Path) -> None:
    with folder() as path:
        venv.create(path / "venv", with_pip=False)
        site = next((path / "venv" / "lib").glob("python*/site-packages"))
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(site)
        # The packages that it needs; this repository's own code is not on that path.
        (site / "needed.pth").write_text(sysconfig.get_path("purelib") + "\n")
        python = str(path / "venv" / "bin" / "python")
        where = [python, "-c", "import shopalytic_server; print(shopalytic_server.__file__)"]
        found = subprocess.run(where, cwd=path, check=True, capture_output=True, text=True).stdout
        assert found.startswith(str(site))
        with Service(path, command=(python, "-m", "shopalytic")) as service:
            for route, content in (("/", b"<html"), ("/shopalytic.js", b"shopalytic")):
                with urllib.request.urlopen(service.ready["http_address"] + route) as answer:
                    assert (answer.status, content in answer.read()) == (200, True)


def test_the_sdist_has_what_only_node_can_build() -> None:
    with folder() as path, tarfile.open(build("sdist", path)) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {f"server/{name}" for name in BUILT} | {"build_check.py", "pyproject.toml"} <= names


def test_a_build_without_them_fails_with_the_way_out() -> None:
    with folder() as path:
        for name in ("pyproject.toml", "build_check.py", "README.md", "LICENSE"):
            (path / name).write_bytes((REPOSITORY / name).read_bytes())
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
        done = subprocess.run(command, cwd=path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "make wheel" in done.stderr + done.stdout
