"""Server reflection, v1 and v1alpha: the contract as it was compiled, with its comments and its rules.

The library's own servicer describes what Python's generated code knows. That code has
neither the comments nor the proto of the rules; the published image has both.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from functools import cached_property
from importlib.resources import files
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2

Request = reflection_pb2.ServerReflectionRequest
Response = reflection_pb2.ServerReflectionResponse

_ALPHA = "grpc.reflection.v1alpha"
_STABLE = "grpc.reflection.v1"
NAMES = (f"{_STABLE}.ServerReflection", f"{_ALPHA}.ServerReflection")
"""The service under both of its names. Their messages are the same bytes."""
_METHOD = "ServerReflectionInfo"
_UNKNOWN = (grpc.StatusCode.NOT_FOUND, "There is no such file, symbol or extension here.")
_UNREADABLE = (grpc.StatusCode.INVALID_ARGUMENT, "Ask for a file, a symbol, an extension or the services.")


class Reflection:
    """Answers what the services are made of."""

    def __init__(self, services: Sequence[str]) -> None:
        """`services`: the full names of those that are registered, but for reflection itself."""
        self._services = sorted((*services, *NAMES))

    def handlers(self) -> list[grpc.GenericRpcHandler]:
        """The methods, for a server to register."""
        method: Any = grpc.stream_stream_rpc_method_handler(
            self.answers,
            Request.FromString,
            Response.SerializeToString,
        )
        return [grpc.method_handlers_generic_handler(name, {_METHOD: method}) for name in NAMES]

    async def answers(self, requests: AsyncIterator[Request], _: object) -> AsyncIterator[Response]:
        """One response for each request of a stream, which gets no file again that it has not asked for."""
        sent: set[str] = set()
        async for request in requests:
            response = self._answer(request, sent)
            response.original_request.CopyFrom(request)
            yield response

    def _answer(self, request: Request, sent: set[str]) -> Response:
        kind = request.WhichOneof("message_request")
        if kind == "list_services":
            listed = [reflection_pb2.ServiceResponse(name=name) for name in self._services]
            return Response(list_services_response=reflection_pb2.ListServiceResponse(service=listed))
        known = self._described
        if kind == "all_extension_numbers_of_type":
            name = request.all_extension_numbers_of_type
            if name not in known.symbols:
                return _error(_UNKNOWN)
            numbers = sorted(number for extended, number in known.extensions if extended == name)
            found = reflection_pb2.ExtensionNumberResponse(base_type_name=name, extension_number=numbers)
            return Response(all_extension_numbers_response=found)
        if kind is None:
            return _error(_UNREADABLE)
        file = known.file_of(request, kind)
        if file is None:
            return _error(_UNKNOWN)
        needed = [name for name in known.needed(file) if name == file or name not in sent]
        sent.update(needed)
        contents = [known.files[name] for name in needed]
        return Response(
            file_descriptor_response=reflection_pb2.FileDescriptorResponse(file_descriptor_proto=contents)
        )

    @cached_property
    def _described(self) -> "_Described":
        """Made when somebody asks: most servers are never asked."""
        return _Described(_published())


class _Described:
    """Files by what somebody may ask for them by."""

    def __init__(self, published: Iterable[FileDescriptorProto]) -> None:
        self.files: dict[str, bytes] = {}
        self.symbols: dict[str, str] = {}
        self.extensions: dict[tuple[str, int], str] = {}
        self._imports: dict[str, list[str]] = {}
        for file in published:
            self.files[file.name] = file.SerializeToString()
            self._imports[file.name] = list(file.dependency)
            for symbol in _symbols(file):
                self.symbols[symbol] = file.name
            for extension in _extensions(file):
                self.extensions[extension.extendee.removeprefix("."), extension.number] = file.name

    def file_of(self, request: Request, kind: str) -> str | None:
        """The name of the file that a request asks for."""
        if kind == "file_by_filename":
            return request.file_by_filename if request.file_by_filename in self.files else None
        if kind == "file_containing_symbol":
            return self.symbols.get(request.file_containing_symbol)
        asked = request.file_containing_extension
        return self.extensions.get((asked.containing_type, asked.extension_number))

    def needed(self, file: str) -> list[str]:
        """The file and all that it imports, each once, the file first."""
        found = [file]
        for name in found:
            found += [each for each in self._imports[name] if each not in found]
        return found


def _published() -> Iterator[FileDescriptorProto]:
    image = (files("shopalytic") / "shopalytic.v1.binpb").read_bytes()
    yield from FileDescriptorSet.FromString(image).file
    alpha, health = FileDescriptorProto(), FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(alpha)
    health_pb2.DESCRIPTOR.CopyToProto(health)
    yield alpha
    yield health
    yield _renamed(alpha)


def _renamed(alpha: FileDescriptorProto) -> FileDescriptorProto:
    """The file of v1, which the library does not bring: that of v1alpha in another package."""
    stable = FileDescriptorProto()
    stable.CopyFrom(alpha)
    stable.name = alpha.name.replace("v1alpha", "v1")
    stable.package = _STABLE
    for message in stable.message_type:
        for field in message.field:
            if field.type_name:
                field.type_name = field.type_name.replace(_ALPHA, _STABLE)
    for service in stable.service:
        for method in service.method:
            method.input_type = method.input_type.replace(_ALPHA, _STABLE)
            method.output_type = method.output_type.replace(_ALPHA, _STABLE)
    return stable


def _error(error: tuple[grpc.StatusCode, str]) -> Response:
    code, text = error
    number: int = code.value[0]
    return Response(error_response=reflection_pb2.ErrorResponse(error_code=number, error_message=text))


def _symbols(file: FileDescriptorProto) -> Iterator[str]:
    for message in file.message_type:
        yield from _symbols_of(file.package, message)
    for enum in file.enum_type:
        yield from _symbols_of_enum(file.package, enum)
    for extension in file.extension:
        yield f"{file.package}.{extension.name}"
    for service in file.service:
        name = f"{file.package}.{service.name}"
        yield name
        for method in service.method:
            yield f"{name}.{method.name}"


def _symbols_of(scope: str, message: DescriptorProto) -> Iterator[str]:
    name = f"{scope}.{message.name}"
    yield name
    for names in (message.field, message.oneof_decl, message.extension):
        yield from (f"{name}.{each.name}" for each in names)
    for enum in message.enum_type:
        yield from _symbols_of_enum(name, enum)
    for inner in message.nested_type:
        yield from _symbols_of(name, inner)


def _symbols_of_enum(scope: str, enum: EnumDescriptorProto) -> Iterator[str]:
    yield f"{scope}.{enum.name}"
    for value in enum.value:
        # Beside the enum, not in it.
        yield f"{scope}.{value.name}"


def _extensions(file: FileDescriptorProto) -> Iterator[FieldDescriptorProto]:
    yield from file.extension
    waiting = list(file.message_type)
    for message in waiting:
        yield from message.extension
        waiting += message.nested_type
