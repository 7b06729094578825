"""Ends connections of a gRPC port that take up room and bring nothing.

gRPC hands over calls and tells nothing of connections. One that never makes a
call keeps a place of the port for as long as idle ones may. One whose headers
never end (CONTINUATION frames, CVE-2024-27316 and its like) keeps memory, of
which gRPC takes 36 bytes for each that came, and no setting of its bounds that
until the other side has acknowledged the settings: then it takes a hundred
megabytes, and is full within a blink.

Both are seen from below: the connections are sockets of this process, of which
the kernel tells how much has come. The process may not read or close them, for
they are gRPC's; but it may disconnect them, which gRPC takes as the other
side's end. A thread looks, for the loop may be busy with what came: gRPC makes
a call of headers that did not end when their connection does. So whoever sends
such headers over several connections gets no new one for a while. Where the
system tells nothing of sockets as Linux does, nothing is watched.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from shopalytic_server.rpc.transport import sockets

log = logging.getLogger(__name__)

# The memory of the process is looked at so often, its connections in any case this often.
_GLANCE_SECONDS = 0.01
_LOOK_SECONDS = 1.0
# By how much memory must have grown since the last look for another one at once.
_GROWTH_BYTES = 8 * 1024 * 1024
# After so many sockets others have the interpreter.
_AT_ONCE = 100

FRAMES_BYTES = 128 * 1024
"""What a connection may send in frames that are no call and no message."""
# Beside that, what each call in work may send before its message is taken, and each message on its way.
_CALL_BYTES = 256 * 1024
_MESSAGE_BYTES = 4 * 1024 * 1024 + 128 * 1024
LOOKS = 10
"""At how many looks in a row one has sent too much: a busy machine hears late of a call that was begun."""
# The same where memory has grown by so much meanwhile, and the loop has been round so often. Until a call is
# heard gRPC lets a connection send no more than one may: whoever has sent more is then given one look alone.
_LOOKS_IN_NEED, _ROUNDS = 2, 6
_NEED_BYTES = 32 * 1024 * 1024
_UNHEARD_BYTES = _CALL_BYTES

OFFENCES = 3
"""From so many connections of one network, within so many seconds, none of its are taken for a while."""
_OFFENCE_SECONDS = 10.0
_BAN_SECONDS, _LONGEST_BAN_SECONDS = 2.0, 64.0
# After so long a network is as good as any other.
_FORGIVEN_SECONDS = 300.0
_MOST_BANNED = 500

FIRST_CALL_SECONDS = 10.0
"""How long a connection may be there without a call."""
CROWDED_PART = 0.75
"""When so much of the port is taken, connections that have been idle longest make room."""
IDLE_SECONDS = 30.0
"""How long one is left alone even then."""


class Peer:
    """What its calls tell of a connection."""

    __slots__ = ("bytes", "calls", "heard", "messages", "swept", "trusted")

    def __init__(self) -> None:
        self.calls = 0
        """That are in work."""
        self.messages = 0
        """That it was asked for and that have not come yet."""
        self.bytes = 0
        """Of its requests in work."""
        self.heard = 0
        """How often a call or a message came, or a call ended."""
        self.trusted = False
        """Whether one of its calls came with a key that is not public."""
        self.swept = -1
        """What `heard` was when its connection was missed."""


@dataclass(slots=True)
class _Connection:
    """A socket of the port."""

    name: str
    since: float
    """When it was seen first, or had something in work last."""
    heard: int = 0
    """What its peer's was at the last look."""
    received: int = 0
    """What had come when it was last heard."""
    excessive: int = 0
    """At how many looks in a row it had sent too much."""
    round: int = 0
    """In which round of the loop that began."""


@dataclass(slots=True)
class _Offender:
    """A network from which connections had to end."""

    times: list[float] = field(default_factory=list)
    bans: int = 0
    until: float = 0.0
    """When the last ban ends."""


class Connections:
    """Those of one server, of which the port that strangers reach is watched."""

    def __init__(
        self, memory: Callable[[], int] = lambda: 0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`memory`: how many bytes the process has; 0 where nobody knows."""
        self._memory = memory
        self._clock = clock
        # The loop alone changes these.
        self._peers: dict[str, Peer] = {}
        self._rounds = 0
        self._sweeping = False
        # Whoever looks has the lock.
        self._looking = threading.Lock()
        self._known: dict[sockets.Place, _Connection | None] = {}
        self._offenders: dict[bytes, _Offender] = {}
        self._banned: frozenset[bytes] = frozenset()
        self._looked = 0.0
        self._least = 0
        """How much memory the process had then."""
        self._calm = 0
        """How much it had when no connection had sent too much."""
        self._port = 0
        self._most = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._over = threading.Event()
        self.ended = 0
        """How many were disconnected."""

    @property
    def _is_urgent(self) -> bool:
        """Whether a connection may have to end at the next look: more would come until then."""
        return any(each is not None and each.excessive for each in tuple(self._known.values()))

    @property
    def count(self) -> int:
        """How many there were at the last look."""
        return sum(each is not None for each in tuple(self._known.values()))

    def peer(self, name: str) -> Peer:
        """What is known of the connection of this name, which is as gRPC writes it."""
        peer = self._peers.get(name)
        if peer is None:
            peer = self._peers[name] = Peer()
        return peer

    # What is looked at

    def start(self, port: int, most: int) -> None:
        """Begins to watch the port, which takes `most` connections."""
        if not sockets.ARE_TOLD:
            return
        self._port, self._most = port, most
        self._looked, self._least = self._clock(), self._memory()
        self._calm = self._least
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._watch, name="shopalytic-connections", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Ends watching."""
        self._over.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def _watch(self) -> None:
        while not self._over.wait(_GLANCE_SECONDS):
            now, memory = self._clock(), self._memory()
            grown = memory - self._least >= _GROWTH_BYTES
            if now - self._looked >= _LOOK_SECONDS or grown or self._is_urgent:
                self._looked, self._least = now, memory
                try:
                    self.look(now)
                except Exception as error:  # noqa: BLE001 - the next look may be right, and nobody else looks
                    log.error("A look at connections failed: %s. [look_failed]", type(error).__name__)

    def look(self, now: float) -> None:
        """Looks at all connections, and ends those that may not stay."""
        with self._looking:
            if not self._is_urgent:
                self._calm = self._memory()
            self._find(now)
            if self._loop is not None and not self._sweeping:
                self._sweeping = True
                names = {each.name for each in self._known.values() if each is not None}
                self._loop.call_soon_threadsafe(self._sweep, names)
            self._judge_all(now)
            self._ban(now)

    def _judge_all(self, now: float) -> None:
        idle: list[tuple[float, sockets.Place]] = []
        count = 0
        for number, (place, connection) in enumerate(list(self._known.items())):
            if number % _AT_ONCE == _AT_ONCE - 1:
                time.sleep(0)
            if connection is None:
                continue
            count += 1
            peer = self._peers.get(connection.name)
            if not self._may_stay(place, connection, peer, now):
                self._end(place)
                if connection.excessive and not (peer and peer.trusted):
                    self._note_offence(sockets.network_of(place.peer), now)
            elif not (peer and peer.calls):
                idle.append((connection.since, place))
        crowd = count - int(self._most * CROWDED_PART)
        if crowd > 0:
            for since, place in sorted(idle)[:crowd]:
                if now - since > IDLE_SECONDS:
                    self._end(place)
        if self._is_urgent and self._loop is not None:
            self._loop.call_soon_threadsafe(self._go_round, _ROUNDS)

    def _may_stay(self, place: sockets.Place, connection: _Connection, peer: Peer | None, now: float) -> bool:
        received, allowed = sockets.received(place) or 0, FRAMES_BYTES
        if peer is None:
            if now - connection.since > FIRST_CALL_SECONDS:
                return False
        else:
            heard = peer.heard
            if heard != connection.heard or peer.calls:
                connection.since = now
            if heard != connection.heard:
                connection.heard, connection.received = heard, received
            allowed += peer.calls * _CALL_BYTES + peer.messages * _MESSAGE_BYTES
        excess = received - connection.received - allowed
        if excess <= 0:
            connection.excessive = 0
            return True
        if not connection.excessive:
            connection.round = self._rounds
        connection.excessive += 1
        if self._memory() - self._calm < _NEED_BYTES:
            return connection.excessive < LOOKS
        if excess > _UNHEARD_BYTES and not (peer and peer.trusted):
            return False
        is_same_round = self._loop is not None and connection.round == self._rounds
        return connection.excessive < _LOOKS_IN_NEED or is_same_round

    def _find(self, now: float) -> None:
        """Which sockets are connections of the port; each is asked once."""
        before, self._known = self._known, {}
        for number, descriptor in enumerate(sockets.descriptors()):
            if number % _AT_ONCE == _AT_ONCE - 1:
                time.sleep(0)
            place = sockets.place_of(descriptor)
            if place is not None:
                self._known[place] = before[place] if place in before else self._connection(place, now)

    def _connection(self, place: sockets.Place, now: float) -> _Connection | None:
        if sockets.port_of(place.descriptor) != self._port:
            return None
        name = sockets.name_of(place.peer)
        return None if name is None else _Connection(name, now)

    def _end(self, place: sockets.Place) -> None:
        if sockets.disconnect(place):
            # gRPC may hold its socket for some looks more; it is ended and counted once.
            self._known[place] = None
            self.ended += 1

    def _note_offence(self, network: bytes, now: float) -> None:
        offender = self._offenders.setdefault(network, _Offender())
        offender.times = [each for each in offender.times if now - each < _OFFENCE_SECONDS] + [now]
        if len(offender.times) >= OFFENCES and now >= offender.until:
            offender.until = now + min(_BAN_SECONDS * 2**offender.bans, _LONGEST_BAN_SECONDS)
            offender.bans += 1

    def _ban(self, now: float) -> None:
        """Has the kernel take no connection from those who are banned."""
        self._offenders = {
            network: offender
            for network, offender in self._offenders.items()
            if now - max(offender.until, offender.times[-1]) < _FORGIVEN_SECONDS
        }
        banned = [network for network, each in self._offenders.items() if now < each.until][-_MOST_BANNED:]
        if self._banned != (wanted := frozenset(banned)):
            for listener in sockets.listeners(self._port):
                sockets.take_none_from(listener, wanted)
            self._banned = wanted

    # In the loop

    def _sweep(self, names: set[str]) -> None:
        """Forgets the peers of connections that were missed twice."""
        self._sweeping = False
        for name, peer in list(self._peers.items()):
            if name in names or peer.calls:
                continue
            if peer.swept == peer.heard:
                del self._peers[name]
            peer.swept = peer.heard

    def _go_round(self, left: int) -> None:
        if left and self._loop is not None:
            self._loop.call_soon(self._go_round, left - 1)
        else:
            self._rounds += 1
