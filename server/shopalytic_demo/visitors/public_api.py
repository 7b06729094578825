"""The public doors that synthetic visitors use: POST /collect as browsers do, gRPC as a backend does."""

import asyncio
import http.client
import json
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from http.cookies import SimpleCookie
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import tenacity

from shopalytic import AsyncClient, DeliveryError, Result
from shopalytic_demo.shop.times import now
from shopalytic_demo.visitors.people import Device
from shopalytic_demo.visitors.visits import Act

COOKIE = "shopalytic_id"
BROWSER_SOURCE = "web"
AT_ONCE = 4
ATTEMPTS = 6
REQUEST_SECONDS = 15.0
CLOSE_SECONDS = 5.0
# The times of parcels are those of the acts themselves.
_DATES = {"shipment": "date_shipped", "shipment_delivered": "date_delivered"}


class Dated(NamedTuple):
    """An act with its time and the id of its event."""

    act: Act
    at: datetime
    event_id: str


class _Away(Exception):
    """Shopalytic did not take the request; it may the next time."""


class PublicApi:
    """Sends acts and counts the verdicts."""

    def __init__(self, collect_url: str, browser_key: str, grpc_address: str, server_key: str) -> None:
        self.verdicts: Counter[str] = Counter()
        self._url = urlsplit(collect_url)
        self._browser_key = browser_key
        # Threads of the standard library's client: a dozen requests a second need no further package.
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="demo-browser")
        self._connections = threading.local()
        self._closing = threading.Event()
        self._client = AsyncClient(
            grpc_address,
            server_key,
            source="shop-backend",
            max_queue=5_000,
            overflow="block",
            on_result=self._answered,
            on_error=self._lost,
        )

    async def send(self, acts: Sequence[Dated]) -> None:
        """Send acts of one browser together, or acts of the backend."""
        device = acts[0].act.device
        if device is not None:
            loop = asyncio.get_running_loop()
            self.verdicts += await loop.run_in_executor(self._threads, self._collect, device, acts)
            return
        for act, at, event_id in acts:
            await self._client.track_any(
                act.type,
                _with_date(act, at),
                identity=act.identity,
                tracking_id=act.tracking_id,
                event_id=event_id,
                occurred_at=at,
            )

    async def tell(self, acts: Sequence[Dated]) -> None:
        """Send acts of the past, those of browsers too, as fast as they are stored."""
        for act, at, event_id in acts:
            device = act.device
            await self._client.track_any(
                act.type,
                _with_date(act, at),
                identity=act.identity,
                tracking_id=device.tracking_id if device else act.tracking_id,
                event_id=event_id,
                occurred_at=at,
                context={**act.context, "user_agent": device.user_agent} if device else None,
                source=BROWSER_SOURCE if device else None,
            )

    async def settle(self) -> None:
        """Wait until the backend's events have their verdicts."""
        await self._client.flush()

    async def close(self) -> None:
        """Finish what is under way."""
        self._closing.set()
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        await self._client.close(CLOSE_SECONDS)

    def _answered(self, result: Result) -> None:
        self.verdicts[str(result.status)] += 1

    def _lost(self, error: DeliveryError) -> None:
        self.verdicts["LOST"] += len(error.events)

    def _collect(self, device: Device, acts: Sequence[Dated]) -> Counter[str]:
        """Post one batch, again while Shopalytic is away; what it never takes is lost, as in a closed tab."""
        body = {
            "token": self._browser_key,
            "sent_at": now().isoformat(),
            "tracking_id": device.proposed_id,
            "events": [_event(act, at, event_id) for act, at, event_id in acts],
        }
        retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(_Away),
            stop=tenacity.stop_any(
                tenacity.stop_after_attempt(ATTEMPTS), tenacity.stop_when_event_set(self._closing)
            ),
            wait=tenacity.wait_random_exponential(0.2, max=10),
            sleep=tenacity.sleep_using_event(self._closing),
        )
        try:
            return Counter(retrying(self._post, device, json.dumps(body).encode()))
        except tenacity.RetryError:
            return Counter(LOST=len(acts))

    def _post(self, device: Device, body: bytes) -> list[str]:
        headers = {"content-type": "text/plain", "user-agent": device.user_agent}
        if device.cookie:
            headers["cookie"] = f"{COOKIE}={device.cookie}"
        connection = self._connection()
        try:
            connection.request("POST", self._url.path, body, headers)
            response = connection.getresponse()
            answer: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()  # The next request opens it again.
            raise _Away from error
        if response.status != http.HTTPStatus.OK:
            raise _Away
        given = SimpleCookie(response.getheader("set-cookie", "")).get(COOKIE)
        device.cookie = given.value if given else device.cookie
        return [result["status"] for result in answer["results"]]

    def _connection(self) -> http.client.HTTPConnection:
        kept: http.client.HTTPConnection | None = getattr(self._connections, "kept", None)
        if kept is None:
            host, port = self._url.hostname or "", self._url.port
            kept = self._connections.kept = http.client.HTTPConnection(host, port, timeout=REQUEST_SECONDS)
        return kept


def _event(act: Act, at: datetime, event_id: str) -> dict[str, Any]:
    event = {
        "event_id": event_id,
        "occurred_at": at.isoformat(),
        "type": act.type,
        "properties": act.properties,
        "source": BROWSER_SOURCE,
        "context": act.context,
    }
    if act.identity is not None:
        event["identity"] = act.identity
    return event


def _with_date(act: Act, at: datetime) -> dict[str, Any]:
    name = _DATES.get(act.type)
    return {**act.properties, name: at.isoformat()} if name else act.properties
