"""Keeps undelivered events on disk, so that they survive the process.

A spool directory has one folder per client that writes, locked while it lives:

    spool/0190b6f0...-4f1d.../lock       held with flock by its owner
                              sender     the client's instance and source
                              settled    the last number with an outcome
                              00...1.log records, in the order of the calls

A record is a CRC-32, a length and a number, then the event. The next client
that opens the directory adopts the folders whose owner is dead: it takes their
lock, sends their events first, and removes them once each has its verdict.
"""

from __future__ import annotations

import logging
import os
import shutil
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

logger = logging.getLogger("shopalytic")

_SEGMENT_BYTES = 4 * 1024 * 1024
_RECORD = struct.Struct("<IIQ")
_MARK = struct.Struct("<QI")
_NUMBER = struct.Struct("<Q")


class Record(NamedTuple):
    """One event as it was spooled."""

    number: int
    chunk: bytes


class Folder:
    """One client's folder, locked by this process."""

    def __init__(self, path: Path, lock: int, instance: str, source: str) -> None:
        self.path = path
        self.instance = instance
        self.source = source
        self._lock = lock
        self._mark = os.open(path / "settled", os.O_RDWR | os.O_CREAT, 0o600)

    @classmethod
    def adopted(cls, path: Path) -> Self | None:
        """A folder whose owner is dead; None when it lives, or another client was faster."""
        try:
            lock = os.open(path / "lock", os.O_RDWR)
        except OSError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever adopted it meanwhile may have finished and removed it.
            if not os.path.samestat(os.fstat(lock), (path / "lock").stat()):
                raise FileNotFoundError
            instance, _, source = (path / "sender").read_text("utf-8").partition("\n")
        except OSError:
            os.close(lock)
            return None
        return cls(path, lock, instance, source)

    def settled(self, number: int) -> None:
        """Remembers that everything up to a number has its outcome."""
        data = _NUMBER.pack(number)
        os.pwrite(self._mark, _MARK.pack(number, zlib.crc32(data)), 0)

    def records(self) -> Iterator[Record]:
        """What has no outcome yet, oldest first; a record that a crash cut short ends its file."""
        settled = self._last_settled()
        for segment in segments(self.path):
            data = segment.read_bytes()
            place = 0
            while place + _RECORD.size <= len(data):
                checksum, length, number = _RECORD.unpack_from(data, place)
                chunk = data[place + _RECORD.size : place + _RECORD.size + length]
                if len(chunk) < length or zlib.crc32(chunk, zlib.crc32(_NUMBER.pack(number))) != checksum:
                    break
                place += _RECORD.size + length
                if number > settled:
                    yield Record(number, chunk)
            if place < len(data):
                logger.warning("%d bytes at the end of %s are cut short.", len(data) - place, segment)

    def close(self) -> None:
        """Leaves what is in it to the next client."""
        for descriptor in (self._mark, self._lock):
            os.close(descriptor)

    def remove(self) -> None:
        """Ends it: everything in it has its outcome."""
        # Without its lock file nobody adopts it, so that goes last.
        for each in self.path.iterdir():
            if each.name != "lock":
                each.unlink(missing_ok=True)
        shutil.rmtree(self.path, ignore_errors=True)
        self.close()

    def _last_settled(self) -> int:
        data = os.pread(self._mark, _MARK.size, 0)
        if len(data) < _MARK.size:
            return 0
        number, checksum = _MARK.unpack(data)
        # A torn mark means that some are sent again, which is safe.
        return number if zlib.crc32(_NUMBER.pack(number)) == checksum else 0


class Spool:
    """Where one client writes; not thread-safe, its queue guards it."""

    def __init__(self, directory: str | os.PathLike[str], instance: str, source: str, *, fsync: bool) -> None:
        """Makes the directory if need be. `fsync` waits for the disk with each event."""
        if fcntl is None:
            raise ValueError("spool_dir needs a system with flock; this one has none.")
        self._directory = Path(directory)
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._fsync = fsync
        self._folder = self._new_folder(instance, source)
        self._segments: list[tuple[int, Path]] = []
        """The last number and the path of each segment that is full."""
        self._last = 0
        self._settled = 0
        self._open_segment()

    def adopt(self) -> Iterator[tuple[Folder, Record]]:
        """The events of clients that died, oldest first; empty folders are removed."""
        for path in sorted(self._directory.iterdir()):
            if path.name.startswith(".") or path == self._folder.path or not path.is_dir():
                continue
            folder = Folder.adopted(path)
            if folder is None:
                continue
            records = list(folder.records())
            if not records:
                folder.remove()
            for record in records:
                yield folder, record

    def append(self, number: int, chunk: bytes) -> None:
        """Writes an event; raises OSError, and then nothing of it is there."""
        if self._size >= _SEGMENT_BYTES:
            self._next_segment()
        checksum = zlib.crc32(chunk, zlib.crc32(_NUMBER.pack(number)))
        data = _RECORD.pack(checksum, len(chunk), number) + chunk
        try:
            if os.write(self._file, data) < len(data):
                raise OSError(28, "the disk of the spool is full", str(self._directory))
            if self._fsync:
                os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(data)
        self._last = number

    def settled(self, number: int) -> None:
        """Forgets everything up to a number: its outcome has been reported."""
        self._settled = number
        self._folder.settled(number)
        while self._segments and self._segments[0][0] <= number:
            self._segments.pop(0)[1].unlink(missing_ok=True)

    def close(self) -> None:
        """Ends it; what has no outcome stays for the next client."""
        os.close(self._file)
        if self._settled >= self._last:
            self._folder.remove()
        else:
            self._folder.close()

    def forget(self) -> None:
        """Lets go of the files in a forked child; they are its parent's."""
        os.close(self._file)
        self._folder.close()

    def _new_folder(self, instance: str, source: str) -> Folder:
        name = f"{time.time_ns():020d}-{instance}"
        # Locked before it has its name, or another client would take it for a dead one's.
        hidden = self._directory / f".{name}"
        hidden.mkdir(mode=0o700)
        lock = os.open(hidden / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        (hidden / "sender").write_text(f"{instance}\n{source}", "utf-8")
        return Folder(hidden.rename(self._directory / name), lock, instance, source)

    def _open_segment(self) -> None:
        self._segment = self._folder.path / f"{self._last + 1:020d}.log"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        self._file = os.open(self._segment, flags, 0o600)
        self._size = 0

    def _next_segment(self) -> None:
        os.close(self._file)
        self._segments.append((self._last, self._segment))
        self._open_segment()


def segments(path: Path) -> list[Path]:
    """The segments of a folder, oldest first."""
    return sorted(path.glob("*.log"))
