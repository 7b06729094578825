"""Which RPCs there are, read from the descriptors of shopalytic.v1, and how to call any of them."""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import FileDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import shopalytic.v1

# How the names of calls that only read begin; a call named otherwise counts as one that changes something.
_READING = ("Get", "List", "Tail", "Export")


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC."""

    path: str
    """As in a URL: "/shopalytic.v1.CollectorService/Track"."""
    request: type[Message]
    response: type[Message]
    client_streaming: bool
    server_streaming: bool
    changes: bool
    """Whether it may change what is stored."""

    def on(self, channel: grpc.aio.Channel) -> Callable[..., Any]:
        """The call, for a unary request; takes and gives messages in their binary form."""
        make = channel.unary_stream if self.server_streaming else channel.unary_unary
        return make(self.path)

    @property
    def service(self) -> str:
        """Its service's full name: "shopalytic.v1.CollectorService"."""
        return self.path.split("/")[1]


def published_files() -> list[FileDescriptor]:
    """The files of the contract that this build has."""
    names = sorted(module.name for module in pkgutil.iter_modules(shopalytic.v1.__path__))
    modules = [importlib.import_module(f"shopalytic.v1.{name}") for name in names if name.endswith("_pb2")]
    return [module.DESCRIPTOR for module in modules]


def methods_of(files: list[FileDescriptor]) -> dict[str, Method]:
    """Every RPC of the files, by path."""
    methods = [
        _method(method)
        for file in files
        for service in file.services_by_name.values()
        for method in service.methods
    ]
    return {method.path: method for method in methods}


def _method(descriptor: MethodDescriptor) -> Method:
    return Method(
        path=f"/{descriptor.containing_service.full_name}/{descriptor.name}",
        request=GetMessageClass(descriptor.input_type),
        response=GetMessageClass(descriptor.output_type),
        client_streaming=descriptor.client_streaming,
        server_streaming=descriptor.server_streaming,
        changes=not descriptor.name.startswith(_READING),
    )
