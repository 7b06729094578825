"""examples/: each program runs as a newcomer runs it: a verdict, a refusal with its reason, and a report."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from running.running_service import Service, folder

EXAMPLES = Path(__file__).parents[3] / "examples"
COMMANDS = {
    "go": ("go", "run", "go/main.go"),
    "java": ("java", "java/Shop.java"),
    "node": ("node", "node/shop.mjs"),
    "php": ("php", "php/shop.php"),
    "ruby": ("ruby", "ruby/shop.rb"),
    "rust": ("rustc", "rust/shop.rs", "-o", "{out}/shop"),
    "kotlin": ("kotlinc", "kotlin/Shop.kt", "-include-runtime", "-d", "{out}/shop.jar"),
    "csharp": ("dotnet", "build", "{out}/shop.csproj", "-o", "{out}/built"),
    "swift": ("swiftc", "-parse-as-library", "swift/Shop.swift", "-o", "{out}/shop"),
}
# How what was built is run; the others are run by their command.
RUNS = {
    "rust": ("{out}/shop",),
    "kotlin": ("java", "-jar", "{out}/shop.jar"),
    "csharp": ("dotnet", "{out}/built/shop.dll"),
    "swift": ("{out}/shop",),
}
PROJECT = """<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup>
  <OutputType>Exe</OutputType><TargetFramework>net{version}.0</TargetFramework>
  <ImplicitUsings>enable</ImplicitUsings><Nullable>enable</Nullable>
</PropertyGroup><ItemGroup><Compile Include="{source}"/></ItemGroup></Project>
"""


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with folder() as place, Service(place) as running:
        yield running


@pytest.mark.parametrize("language", COMMANDS)
def test_an_example_sends_is_refused_and_reads_a_report(language: str, service: Service, tmp_path: Path):
    command = COMMANDS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    if (
        language == "rust"
        and subprocess.run(("rustc", "--version"), capture_output=True, check=False).returncode
    ):
        pytest.skip("rustc is a proxy here, of a toolchain that is not installed")
    keys = service.ready["keys"]
    environment = {
        **os.environ,
        "SHOPALYTIC_URL": service.ready["http_address"],
        "SHOPALYTIC_KEY": keys["server"],
        "SHOPALYTIC_REPORTS_KEY": keys["reports"],
        # No module of others is needed, so none is fetched.
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
    }
    if language == "csharp":
        version = subprocess.check_output(("dotnet", "--version"), text=True).partition(".")[0]
        project = PROJECT.format(version=version, source=EXAMPLES / "csharp" / "Shop.cs")
        (tmp_path / "shop.csproj").write_text(project)
    for each in (command, RUNS.get(language)):
        if each is None:
            continue
        arguments = [part.format(out=tmp_path) for part in each]
        done = subprocess.run(
            arguments, cwd=EXAMPLES, env=environment, capture_output=True, text=True, timeout=400, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "ACCEPTED" in done.stdout
    assert "order.total" in done.stdout
    assert "9.99" in done.stdout
