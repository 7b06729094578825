"""The generated files are those of the protos, and others can generate theirs from what is published."""

import importlib
import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

import shopalytic
from shopalytic.v1 import collector_pb2, events_pb2

REPOSITORY = Path(__file__).resolve().parents[2]
PROTOS = REPOSITORY / "protos"
IMAGE = Path(shopalytic.__file__).parent / "shopalytic.v1.binpb"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The contract and its generated files, to be spoiled."""
    for name in ("protos", "clients/python/shopalytic", "clients/dashboard/src", "tests/vectors"):
        for path in (REPOSITORY / name).rglob("*"):
            if path.suffix in {".proto", ".py", ".pyi", ".binpb", ".json"}:
                target = tmp_path / path.relative_to(REPOSITORY)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(path.read_bytes())
    (tmp_path / "buf.yaml").write_bytes((REPOSITORY / "buf.yaml").read_bytes())
    return tmp_path


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_generated_files_are_those_of_the_protos():
    done = run(PROTOS / "generate.py", "--check")
    assert done.returncode == 0, done.stderr


def test_a_changed_missing_or_left_over_file_is_named(copy):
    package = copy / "clients/python/shopalytic/v1"
    (package / "rules.py").write_text("")
    (package / "events_pb2.py").unlink()
    (package / "old_pb2.py").write_text("")
    done = run(copy / "protos/generate.py", "--check")
    assert done.returncode == 1
    assert re.findall(r"v1/(\w+\.py)", done.stderr) == ["events_pb2.py", "old_pb2.py", "rules.py"]


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("(buf.validate.field).string.max_len = 254", "(buf.validate.field).string.len = 254", "email"),
        ("{3}$", "{4}$", "pattern"),
        (
            "size(this.discounts) == 0 ||",
            "size(this.discounts) <= 1 ||",
            "total_discount.required_with_discounts",
        ),
    ],
)
def test_a_rule_that_the_generator_does_not_know_stops_it(copy, old, new, named):
    edit(copy / "protos/shopalytic/v1/events.proto", old, new)
    done = run(copy / "protos/generate.py")
    assert done.returncode == 1
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_the_protos_keep_the_style_that_buf_checks():
    done = run(PROTOS / "generate.py", "--lint")
    assert done.returncode == 0, done.stderr


def test_a_breach_of_the_style_is_named(copy):
    edit(
        copy / "protos/shopalytic/v1/events.proto",
        "optional string payment_type",
        "optional string paymentType",
    )
    done = run(copy / "protos/generate.py", "--lint")
    assert done.returncode == 1
    assert "paymentType" in done.stderr


def test_a_breaking_change_is_named(copy):
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", "-C", str(copy), *identity, *arguments], check=True, capture_output=True)

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "Begin")
    done = run(copy / "protos/generate.py", "--breaking", "HEAD")
    assert (done.returncode, done.stdout) == (0, "HEAD has no protos to compare with.\n")
    git("add", "protos")
    git("commit", "-q", "-m", "Write the protos")
    assert run(copy / "protos/generate.py", "--breaking", "HEAD").returncode == 0
    edit(copy / "protos/shopalytic/v1/commerce.proto", "string sku = 1", "string sku = 9")
    done = run(copy / "protos/generate.py", "--breaking", "HEAD")
    assert done.returncode == 1
    assert "LineItem" in done.stderr


def test_plain_protoc_generates_from_the_published_image(tmp_path):
    names = [
        f"shopalytic/v1/{name}.proto" for name in ("commerce", "events", "collector", "reports", "admin")
    ]
    done = run(
        *("-m", "grpc_tools.protoc", f"--descriptor_set_in={IMAGE}"),
        *(f"--python_out={tmp_path}", f"--pyi_out={tmp_path}", f"--grpc_python_out={tmp_path}"),
        *names,
        "buf/validate/validate.proto",
    )
    assert done.returncode == 0, done.stderr
    script = "from shopalytic.v1 import collector_pb2_grpc as g; print(g.CollectorServiceStub.__name__)"
    imported = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert imported.stdout == "CollectorServiceStub\n", imported.stderr


def test_the_plain_client_needs_no_validator():
    script = "import sys, shopalytic.events.decoding; print('protovalidate' in sys.modules)"
    assert run("-c", script).stdout == "False\n"


@pytest.mark.parametrize("name", ["collector", "reports", "admin"])
def test_services_have_stubs_with_types(name):
    module = importlib.import_module(f"shopalytic.v1.{name}_pb2_grpc")
    typed = (Path(str(module.__file__)).parent / f"{name}_pb2_grpc.pyi").read_text()
    for attribute in dir(module):
        if attribute.endswith(("ServiceStub", "ServiceServicer")):
            assert f"class {attribute}" in typed


def test_every_field_says_what_it_means():
    text = "\n".join(path.read_text() for path in sorted((PROTOS / "shopalytic").rglob("*.proto")))
    lines = [line.strip() for line in text.splitlines()]
    declared = re.compile(
        r"(?:optional |repeated )?[\w.]+(?:<.*>)? \w+ = \d+(?: \[.*|;)$|(?:message|enum|service|rpc) "
    )
    bare = [
        line
        for before, line in pairwise(lines)
        if declared.match(line) and not line.startswith("//") and not before.startswith("//")
    ]
    assert bare == []


def test_the_published_names_are_kept():
    statuses = ["UNSPECIFIED", "ACCEPTED", "DUPLICATE", "CONFLICT", "QUARANTINED", "REJECTED"]
    assert collector_pb2.EventStatus.keys() == [f"EVENT_STATUS_{name}" for name in statuses]
    assert list(collector_pb2.EventResult.DESCRIPTOR.fields_by_name)[:3] == [
        "event_id",
        "status",
        "violations",
    ]
    assert [field.name for field in events_pb2.Event.DESCRIPTOR.fields[:7]] == [
        *("event_id", "occurred_at", "tracking_id", "identity", "source", "sandbox", "context")
    ]


def test_the_package_asks_for_libraries_that_run_the_generated_code():
    floors = {
        name: floor
        for name, _, floor in (
            line.partition(">=")
            for line in tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]
        )
    }
    package = IMAGE.parent / "v1"
    grpc_code = (package / "collector_pb2_grpc.py").read_text()
    assert f"GRPC_GENERATED_VERSION = '{floors['grpcio']}'" in grpc_code
    assert f"# Protobuf Python Version: {floors['protobuf']}\n" in (package / "events_pb2.py").read_text()
