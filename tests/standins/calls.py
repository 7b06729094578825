"""Every call of the contract, made with an empty request and any key."""

from collections.abc import AsyncGenerator
from typing import Any

import grpc
from google.protobuf.descriptor import MethodDescriptor

from shopalytic.v1 import reports_pb2
from shopalytic_server.domain.errors import NotFound
from shopalytic_server.domain.projects import Project
from shopalytic_server.gateway.services import published_files
from standins.rpc import Running

METHODS: list[MethodDescriptor] = [
    method
    for file in published_files()
    for service in file.services_by_name.values()
    for method in service.methods
]


def name_of(method: MethodDescriptor) -> str:
    return f"{method.containing_service.name}.{method.name}"


class NothingToTail:
    """Ends a watch that was admitted at once."""

    async def tail_events(
        self, project: Project, request: reports_pb2.TailEventsRequest
    ) -> AsyncGenerator[reports_pb2.TailEventsResponse, None]:
        raise NotFound


async def refusal_of(shop: Running, method: MethodDescriptor, metadata: Any) -> grpc.StatusCode | None:
    """Calls any method with an empty request; None if it was let in, whatever it then answered."""
    path = f"/{method.containing_service.full_name}/{method.name}"
    kind = "stream" if method.client_streaming else "unary"
    kind += "_stream" if method.server_streaming else "_unary"
    call: Any = getattr(shop.channel, kind)(path)
    if method.client_streaming:
        stream = call(metadata=metadata)
        await stream.done_writing()
        code = await stream.code()
    else:
        code = await call(b"", metadata=metadata).code()
    refusals = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
    return code if code in refusals else None
