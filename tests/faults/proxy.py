"""A TCP proxy that can be cut, stalled, throttled, and made to forget its connections without a word."""

import contextlib
import select
import socket
import threading
import time
from typing import Self

_CHUNK = 65_536


class Proxy:
    """Between the two ends of each connection; every fault can be healed again."""

    def __init__(self, target: tuple[str, int] | str) -> None:
        """`target` is a host and port, or the path of a socket."""
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._pairs: list[_Pair] = []
        self._lock = threading.Lock()
        self._flowing = threading.Event()
        self._flowing.set()
        self._open = True
        self._refusing = False
        self.bytes_per_second = 0
        """0: as fast as it goes."""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Ends every connection there is; new ones are let through."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.end()

    def refuse(self) -> None:
        """Ends every connection there is, and new ones at once, until it is healed."""
        self._refusing = True
        self.cut()

    def stall(self) -> None:
        """Nothing passes, in either direction, until it is healed."""
        self._flowing.clear()

    def forget(self) -> None:
        """The connections there are stay open on both sides, and nothing ever passes again on them."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.forgotten = True

    def heal(self) -> None:
        """All as it was, but for the connections that were cut or forgotten."""
        self._refusing = False
        self.bytes_per_second = 0
        self._flowing.set()

    def close(self) -> None:
        """Ends everything."""
        self._open = False
        self._listener.close()
        self.heal()
        self.cut()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _accept(self) -> None:
        while self._open:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._refusing:
                near.close()
                continue
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near: socket.socket) -> None:
        self._flowing.wait()
        try:
            far = self._call_target()
        except OSError:
            near.close()
            return
        pair = _Pair(near, far)
        with self._lock:
            self._pairs.append(pair)
        self._pump(pair)
        pair.end()

    def _call_target(self) -> socket.socket:
        if not isinstance(self._target, str):
            return socket.create_connection(self._target, timeout=5)
        far = socket.socket(socket.AF_UNIX)
        far.connect(self._target)
        return far

    def _pump(self, pair: "_Pair") -> None:
        other = {pair.near: pair.far, pair.far: pair.near}
        with contextlib.suppress(OSError, ValueError):
            while not pair.ended:
                readable, _, _ = select.select(list(other), [], [], 0.2)
                self._flowing.wait()
                if pair.forgotten:
                    _swallow(readable)
                    continue
                for side in readable:
                    data = side.recv(_CHUNK)
                    if not data:
                        return
                    other[side].sendall(data)
                    if self.bytes_per_second:
                        time.sleep(len(data) / self.bytes_per_second)


class _Pair:
    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.near, self.far = near, far
        self.forgotten = self.ended = False

    def end(self) -> None:
        self.ended = True
        for side in (self.near, self.far):
            with contextlib.suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)
            side.close()


def _swallow(sides: list[socket.socket]) -> None:
    """Takes what comes and lets it vanish, as a network does that has lost the other end."""
    for side in sides:
        if not side.recv(_CHUNK):
            time.sleep(0.2)
