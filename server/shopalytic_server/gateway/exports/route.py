"""POST /import: files of another system, reported on and then stored, for the dashboard's page."""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

import grpc
from starlette.types import Receive, Scope, Send

from shopalytic_server.domain.projects import KeyClass, class_of
from shopalytic_server.gateway.access.admission import REFUSALS, Admission
from shopalytic_server.gateway.access.rate import AddressLimit
from shopalytic_server.gateway.errors import Refusal, collect_refusal, collector_error
from shopalytic_server.gateway.exports.sending import Track, sent
from shopalytic_server.gateway.exports.upload import MOST_BYTES, Asked, save_upload, too_large
from shopalytic_server.gateway.http.answers import NO_STORE, answer_wrong_method
from shopalytic_server.gateway.http.middleware import ROUTE
from shopalytic_server.gateway.requests.bodies import header
from shopalytic_server.gateway.requests.keys import key_of

PATH = "/import"
_SERVICE = "shopalytic.v1.CollectorService"
_SERVER_KEY = "Importing needs a server key; on the server, shopalytic key show server prints it."
_LONGEST_FINDING = 4 * 1024 * 1024
_BROKEN_OFF = "The files could not be read to their end; the service's log may say why."
_STOPPING = "The service is stopping. Import the same files again: it goes on where this ended."


class ImportRoute:
    """The ASGI application of it. It answers lines of JSON: `finding`, `progress`, and `done` or `error`."""

    def __init__(
        self,
        track: Track,
        admission: Admission,
        limit: AddressLimit,
        body_seconds: float,
        stopping: asyncio.Event,
    ) -> None:
        self._track = track
        self._admission = admission
        self._limit = limit
        self._body_seconds = body_seconds
        self._stopping = stopping
        self._busy = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        scope[ROUTE] = "import"
        if scope["method"] != "POST":
            await answer_wrong_method(send, "POST")
            return
        self._limit.charge(scope)
        key = await self._admitted(scope)
        if int(header(scope, b"content-length") or 0) > MOST_BYTES:
            raise too_large()
        if self._busy.locked():
            text = "Another import is under way; try again when it is done."
            raise Refusal(429, "resource_exhausted", text, retry_after=10, close=True)
        async with self._busy:
            with tempfile.TemporaryDirectory(prefix="shopalytic-import-") as folder:
                asked, paths = await save_upload(scope, receive, Path(folder), self._body_seconds)
                await self._answer(asked, paths, key, receive, send)

    async def _admitted(self, scope: Scope) -> str:
        key = key_of(scope)
        if key is None:
            self._limit.owe(scope, 0)
            raise Refusal(401, "unauthenticated", _SERVER_KEY)
        try:
            await self._admission.admit(key, _SERVICE)
        except grpc.aio.AioRpcError as error:
            if error.code() in REFUSALS:
                self._limit.owe(scope, 0)
            if error.code() is grpc.StatusCode.PERMISSION_DENIED:
                raise Refusal(403, "permission_denied", _SERVER_KEY) from error
            raise collect_refusal(error) from error
        if class_of(key) is not KeyClass.SERVER:
            self._limit.owe(scope, 0)
            raise Refusal(403, "permission_denied", _SERVER_KEY)
        return key

    async def _answer(self, asked: Asked, paths: list[Path], key: str, receive: Receive, send: Send) -> None:
        """Does it until it is done, the client leaves, or the gateway stops."""
        headers = [(b"content-type", b"application/x-ndjson"), NO_STORE, (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})

        async def tell(value: dict[str, Any]) -> None:
            body = json.dumps(value).encode() + b"\n"
            await send({"type": "http.response.body", "body": body, "more_body": True})

        work = asyncio.ensure_future(self._done(asked, paths, key, tell))
        gone = asyncio.ensure_future(_until_gone(receive))
        stop = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait((work, gone, stop), return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                await tell(work.result())
            elif stop.done():
                await tell({"error": _STOPPING})
        finally:
            for task in (work, gone, stop):
                task.cancel()
            await asyncio.gather(work, gone, stop, return_exceptions=True)
        await send({"type": "http.response.body", "body": b""})

    async def _done(
        self,
        asked: Asked,
        paths: list[Path],
        key: str,
        tell: Callable[[dict[str, Any]], Awaitable[None]],
    ) -> dict[str, Any]:
        """Reports and sends; returns the last line."""
        async with _reader(asked.orders(paths)) as out:
            line = await out.readline()
            found: dict[str, Any] = json.loads(line) if line.endswith(b"\n") else {"error": _BROKEN_OFF}
            if "error" in found:
                return found
            await tell(found)
            if asked.dry_run:
                return {"done": None}
            try:
                tally = await sent(self._track, key, out, tell)
            except grpc.aio.AioRpcError as error:
                return {"error": f"{collector_error(error).message} What was answered is stored."}
            except asyncio.IncompleteReadError:
                return {"error": _BROKEN_OFF}
            if sum(tally.counts.values()) != found["finding"]["total"]:
                return {"error": _BROKEN_OFF}
            return {"done": {**tally.as_json(), "refused": list(tally.examples.values())}}


@asynccontextmanager
async def _reader(orders: bytes) -> AsyncIterator[asyncio.StreamReader]:
    """The process that reads the files; it ends with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "shopalytic_server.gateway.exports.child",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_FINDING,
    )
    told, out = cast(asyncio.StreamWriter, process.stdin), cast(asyncio.StreamReader, process.stdout)
    try:
        told.write(orders)
        with suppress(BrokenPipeError, ConnectionResetError):
            await told.drain()
        told.close()
        yield out
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
