"""What a tool that has no files learns of the contract: its calls, its comments and its rules."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_reflection.v1alpha import reflection_pb2

from shopalytic_server.rpc.server import SERVICES
from standins.rpc import Running, running

V1, V1ALPHA = (f"grpc.reflection.{version}.ServerReflection" for version in ("v1", "v1alpha"))
Request = reflection_pb2.ServerReflectionRequest
NOT_FOUND, INVALID_ARGUMENT = (
    code.value[0] for code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT)
)


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


class Tool:
    """Asks as grpcurl does: for a symbol, then for each file that it has not been given."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.files: dict[str, descriptor_pb2.FileDescriptorProto] = {}

    async def ask(self, **question: Any) -> reflection_pb2.ServerReflectionResponse:
        request = Request(host="shop.example", **question)
        await self._stream.write(request)
        response: reflection_pb2.ServerReflectionResponse = await self._stream.read()
        assert response.original_request == request
        return response

    async def services(self) -> set[str]:
        answer = await self.ask(list_services="")
        return {service.name for service in answer.list_services_response.service}

    async def learn(self, **question: Any) -> None:
        answer = await self.ask(**question)
        given = answer.file_descriptor_response.file_descriptor_proto
        assert given, answer.error_response
        new = [descriptor_pb2.FileDescriptorProto.FromString(content) for content in given]
        self.files.update({file.name: file for file in new})
        for name in {name for file in new for name in file.dependency} - self.files.keys():
            await self.learn(file_by_filename=name)

    def pool(self) -> Any:
        pool = descriptor_pool.DescriptorPool()
        added = set()

        def add(name: str) -> None:
            if name not in added:
                added.add(name)
                for needed in self.files[name].dependency:
                    add(needed)
                pool.Add(self.files[name])

        for name in self.files:
            add(name)
        return pool


@asynccontextmanager
async def tool(shop: Running, version: str = V1) -> AsyncIterator[Tool]:
    # Each request of it is the same bytes in both versions.
    stream: Any = shop.channel.stream_stream(
        f"/{version}/ServerReflectionInfo",
        request_serializer=Request.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )(timeout=60)
    yield Tool(stream)
    await stream.done_writing()
    assert await stream.code() is grpc.StatusCode.OK


@pytest.mark.parametrize("version", [V1, V1ALPHA])
async def test_every_service_that_is_listed_is_described(shop: Running, version: str) -> None:
    async with tool(shop, version) as asking:
        listed = await asking.services()
        assert listed == {*SERVICES, "grpc.health.v1.Health", V1, V1ALPHA}
        for name in sorted(listed):
            await asking.learn(file_containing_symbol=name)
    pool = asking.pool()
    for name in listed:
        for method in pool.FindServiceByName(name).methods:
            message_factory.GetMessageClass(method.input_type)()
            message_factory.GetMessageClass(method.output_type)()


async def test_comments_and_rules_come_with_it(shop: Running) -> None:
    async with tool(shop) as asking:
        await asking.learn(file_containing_symbol="shopalytic.v1.CollectorService")
        file = asking.files["shopalytic/v1/collector.proto"]
        comments = {
            tuple(location.path): location.leading_comments for location in file.source_code_info.location
        }
        # The first method of the first service.
        assert "one verdict per event" in comments[6, 0, 2, 0]
        pool = asking.pool()
        rules = pool.FindExtensionByName("buf.validate.field")
        answer = await asking.ask(
            file_containing_extension=reflection_pb2.ExtensionRequest(
                containing_type=rules.containing_type.full_name, extension_number=rules.number
            )
        )
        assert answer.file_descriptor_response.file_descriptor_proto
        extended = await asking.ask(all_extension_numbers_of_type=rules.containing_type.full_name)
        assert rules.number in extended.all_extension_numbers_response.extension_number
    options = message_factory.GetMessageClass(pool.FindMessageTypeByName("google.protobuf.FieldOptions"))
    events = next(field for field in file.message_type[0].field if field.name == "events")
    read: Any = options.FromString(events.options.SerializeToString())
    assert read.Extensions[rules].repeated.max_items == 1_000


async def test_every_symbol_of_the_contract_is_found(shop: Running) -> None:
    names = ["shopalytic.v1.Event", "shopalytic.v1.Event.event_id", "shopalytic.v1.CollectorService.Track"]
    names += [
        "shopalytic.v1.EventStatus",
        "shopalytic.v1.EVENT_STATUS_ACCEPTED",
        "shopalytic.v1.Event.payload",
    ]
    names += ["buf.validate.field", "google.protobuf.Timestamp", "google.protobuf.FieldDescriptorProto.Type"]
    async with tool(shop) as asking:
        for name in names:
            await asking.learn(file_containing_symbol=name)


async def test_no_file_is_sent_twice_unasked(shop: Running) -> None:
    async with tool(shop) as asking:
        await asking.learn(file_containing_symbol="shopalytic.v1.CollectorService")
        answer = await asking.ask(file_by_filename="shopalytic/v1/collector.proto")
        assert len(answer.file_descriptor_response.file_descriptor_proto) == 1


async def test_what_there_is_not_is_told_and_the_stream_goes_on(shop: Running) -> None:
    async with tool(shop) as asking:
        for question in (
            {"file_by_filename": "../../etc/passwd"},
            {"file_containing_symbol": "shopalytic.v1.Nothing"},
            {"all_extension_numbers_of_type": ""},
            {"file_containing_extension": reflection_pb2.ExtensionRequest(containing_type="x")},
        ):
            assert (await asking.ask(**question)).error_response.error_code == NOT_FOUND
        assert (await asking.ask()).error_response.error_code == INVALID_ARGUMENT
        assert await asking.services()
