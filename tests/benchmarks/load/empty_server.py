"""A gRPC server that does nothing: the limit that single calls and streams are measured against."""

from collections.abc import AsyncIterator

import grpc
import uvloop

from shopalytic.v1 import collector_pb2, collector_pb2_grpc


class _Empty(collector_pb2_grpc.CollectorServiceServicer):
    async def Track(  # noqa: N802 - the contract's name
        self, request: collector_pb2.TrackRequest, context: grpc.aio.ServicerContext
    ) -> collector_pb2.TrackResponse:
        return collector_pb2.TrackResponse()

    async def TrackStream(  # noqa: N802 - the contract's name
        self, requests: AsyncIterator[collector_pb2.TrackRequest], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[collector_pb2.TrackResponse]:
        async for _ in requests:
            yield collector_pb2.TrackResponse()


async def _main() -> None:
    server = grpc.aio.server()
    collector_pb2_grpc.add_CollectorServiceServicer_to_server(_Empty(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    uvloop.run(_main())
