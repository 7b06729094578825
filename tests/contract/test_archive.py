"""shopalytic.v1.proto.zip: compiles with a plain protoc, and to the contract that is published."""

import subprocess
import sys
import zipfile
from importlib.resources import files
from pathlib import Path

import grpc_tools  # type: ignore[import-untyped]
import pytest
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorSet

WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> FileDescriptorSet:
    """What protoc makes of the zip's protos and nothing else."""
    folder = tmp_path_factory.mktemp("protos")
    with zipfile.ZipFile(str(files("shopalytic") / "shopalytic.v1.proto.zip")) as archive:
        archive.extractall(folder)
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.proto"))
    out = folder / "out.binpb"
    command = [sys.executable, "-m", "grpc_tools.protoc", "-I.", f"-I{WELL_KNOWN}", f"-o{out}", *names]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return FileDescriptorSet.FromString(out.read_bytes())


def shape(message: DescriptorProto, prefix: str = "") -> dict[str, tuple[object, ...]]:
    """Every field of a message and those within: its number, type, label and message."""
    name = f"{prefix}{message.name}"
    found: dict[str, tuple[object, ...]] = {
        f"{name}.{field.name}": (field.number, field.type, field.label, field.type_name)
        for field in [*message.field, *message.extension]
    }
    for inner in message.nested_type:
        found |= shape(inner, f"{name}.")
    return found


def test_the_zip_compiles_to_the_published_contract(compiled: FileDescriptorSet):
    image = FileDescriptorSet.FromString((files("shopalytic") / "shopalytic.v1.binpb").read_bytes())
    published = {file.name: file for file in image.file}
    assert {file.name for file in compiled.file} == {
        name for name in published if name.startswith(("shopalytic/", "buf/"))
    }
    for file in compiled.file:
        other = published[file.name]
        assert [shape(message) for message in file.message_type] == [
            shape(each) for each in other.message_type
        ]
        assert [(enum.name, list(enum.value)) for enum in file.enum_type] == [
            (enum.name, list(enum.value)) for enum in other.enum_type
        ] or file.name.startswith("buf/")
        assert [(each.name, each.number) for each in file.extension] == [
            (each.name, each.number) for each in other.extension
        ]


def test_each_language_gets_a_name_of_its_own(compiled: FileDescriptorSet):
    for file in compiled.file:
        if file.name.startswith("shopalytic/"):
            options = file.options
            assert options.java_package == "com.shopalytic.v1"
            assert options.java_multiple_files
            assert options.csharp_namespace == "Shopalytic.V1"
            assert options.php_namespace == "Shopalytic\\V1"
            assert options.swift_prefix == "Shopalytic"
