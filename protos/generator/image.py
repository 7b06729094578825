"""Compiles the protos to images (descriptor sets) without a network.

The proto of the rules, buf/validate/validate.proto, is not in the repository:
its descriptor comes from the installed protovalidate package.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    duration_pb2,
    field_mask_pb2,
    message_factory,
    struct_pb2,
    timestamp_pb2,
)
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet
from protovalidate._gen.buf.validate import validate_pb

RULES_PROTO = "buf/validate/validate.proto"
OWN_PREFIX = "shopalytic/"


class GenerationError(Exception):
    """The protos cannot be turned into code; the message says which and why."""


def run_protoc(arguments: list[str]) -> None:
    """Runs the protoc of grpcio-tools; its complaints become a GenerationError."""
    # grpcio-tools reads its own settings from these; a developer's shell must not change the output.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GRPC_")}
    done = subprocess.run(
        [sys.executable, "-m", "grpc_tools.protoc", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode:
        raise GenerationError(f"protoc refused the protos:\n{done.stderr.strip()}")


def imported_files() -> FileDescriptorSet:
    """The files that the protos import and that are not ours, in order of dependency."""
    known = FileDescriptorSet()
    for module in (descriptor_pb2, duration_pb2, field_mask_pb2, struct_pb2, timestamp_pb2):
        module.DESCRIPTOR.CopyToProto(known.file.add())
    known.file.append(FileDescriptorProto.FromString(validate_pb.desc().proto.to_binary()))
    return known


def compile_image(protos: Path, work: Path) -> FileDescriptorSet:
    """All our files with comments, and everything they import."""
    names = sorted(path.relative_to(protos).as_posix() for path in protos.rglob("*.proto"))
    if not names:
        raise GenerationError(f"there is no .proto file under {protos}")
    imports, image = work / "imports.binpb", work / "image.binpb"
    imports.write_bytes(imported_files().SerializeToString(deterministic=True))
    run_protoc(
        [
            f"-I{protos}",
            f"--descriptor_set_in={imports}",
            "--include_imports",
            "--include_source_info",
            f"-o{image}",
            *names,
        ]
    )
    return FileDescriptorSet.FromString(image.read_bytes())


def own_files(image: FileDescriptorSet) -> Iterator[FileDescriptorProto]:
    """The files of the image that are written in this repository."""
    return (file for file in image.file if file.name.startswith(OWN_PREFIX))


def without_rules_import(image: FileDescriptorSet) -> FileDescriptorSet:
    """The image with the rules kept as option bytes but their proto's import dropped.

    Generated code then needs no protovalidate to be imported, while a
    validator that knows the rules' proto still finds them on the messages.
    """
    stripped = FileDescriptorSet()
    for file in image.file:
        if file.name == RULES_PROTO:
            continue
        copy = stripped.file.add()
        copy.CopyFrom(file)
        kept = [name for name in copy.dependency if name != RULES_PROTO]
        if len(kept) != len(copy.dependency):
            if copy.public_dependency or copy.weak_dependency:
                raise GenerationError(f"{file.name} has public or weak imports, which are not supported")
            del copy.dependency[:]
            copy.dependency.extend(kept)
    return stripped


class RuleBook:
    """The image with the rules readable: descriptors whose options know buf.validate."""

    def __init__(self, image: FileDescriptorSet) -> None:
        self._pool = descriptor_pool.DescriptorPool()
        for file in image.file:
            self._pool.Add(file)
        # Options are re-parsed with this pool's own descriptor.proto: the classes of the
        # default pool do not know the extensions of buf.validate.
        file_set = message_factory.GetMessageClass(
            self._pool.FindMessageTypeByName("google.protobuf.FileDescriptorSet")
        )
        parsed: Any = file_set.FromString(image.SerializeToString())
        self.messages = {
            f"{file.package}.{message.name}": message
            for file in parsed.file
            if file.name.startswith(OWN_PREFIX)
            for message in file.message_type
        }
        self.module_of = {
            f"{file.package}.{message.name}": file.name.rpartition("/")[2].removesuffix(".proto")
            for file in parsed.file
            for message in file.message_type
        }
        self._extensions = {
            kind: self._pool.FindExtensionByName(f"buf.validate.{kind}")
            for kind in ("field", "message", "oneof")
        }

    def rules(self, kind: str, element: Any) -> Any:
        """The buf.validate rules of a field, message or oneof; empty when it has none."""
        return element.options.Extensions[self._extensions[kind]]
