"""Files of facts: for some closed days of a dataset a folder with a Parquet file for each table.

Such a folder, a unit, is never changed. Its manifest says of which version each
of its days is, and what the files' checksums are. A day of it is used when the
question's snapshot sees that version; a version is a set of random tokens of
which one was stored before the unit was made, so a unit never fits another
database, nor one that was restored to a time before. What does not fit the
tables and statements of this version of the product lies in another folder.

Whoever uses a unit holds a shared lock on its manifest, and whoever removes it
an exclusive one, so files do not vanish under a question, of any process.
"""

import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import uuid4

from shopalytic_server.domain.reports.touches import SESSION_GAP
from shopalytic_server.storage.database.queries import load_from
from shopalytic_server.storage.facts.tables import KEPT, TABLES, VISIT_PARTS
from shopalytic_server.storage.facts.versions import Versions

_MANIFEST = "manifest.json"
_UNFINISHED = "unfinished-"
_BLOCK = 1 << 20

_PARTS_OF_VISITS = load_from(__package__, "sql", VISIT_PARTS.name).parts

# Grows when files are written in another way.
_WRITER = "1"


def format_of_files() -> str:
    """Names what files are made of: another one when a table, a statement or a function of ours changes."""
    parts = [_WRITER]
    for table in TABLES.values():
        parts += [table.name, str(table.day), str(table.definition()), table.statement, str(table.made)]
    parts += [str(VISIT_PARTS.definition()), _PARTS_OF_VISITS, str(SESSION_GAP)]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Unit:
    """The facts of the days of a dataset from `first` to `last`."""

    dataset: int
    first: date
    last: date
    currency: str
    every_day: str
    versions: dict[date, str]
    checksums: dict[str, str]
    path: Path

    @property
    def days(self) -> int:
        """How many days it has."""
        return (self.last - self.first).days + 1

    def valid(self, versions: Versions, currency: str) -> set[date]:
        """Its days that hold."""
        if self.currency != currency or self.every_day != versions.every_day.get(self.dataset, ""):
            return set()
        current = versions.days
        return {day for day, version in self.versions.items() if current.get((self.dataset, day)) == version}


@dataclass(frozen=True, slots=True)
class Use:
    """A unit of which a question uses some days."""

    unit: Unit
    days: frozenset[date]

    @property
    def is_whole(self) -> bool:
        """Whether all its days are used."""
        return len(self.days) == self.unit.days


class FactFiles:
    """The units of one folder. Everything here blocks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        """What DuckDB may read and write."""
        self._home = folder / format_of_files()
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._known: dict[str, Unit] = {}
        self._checked: set[tuple[str, str]] = set()
        self._lock = Lock()

    def units(self) -> list[Unit]:
        """All units, those of fewer days first: they are made later than what they lie in."""
        try:
            paths = list(self._home.iterdir())
            # A unit's manifest is written before it gets its name.
            finished = [path for path in paths if not path.name.startswith(_UNFINISHED)]
            names = [path.name for path in finished if (path / _MANIFEST).exists()]
        except FileNotFoundError:
            names = []
        with self._lock:
            known = {name: self._known.get(name) or self._read(name) for name in names}
            self._known = {name: unit for name, unit in known.items() if unit is not None}
            return sorted(self._known.values(), key=lambda unit: (unit.days, unit.first))

    @contextmanager
    def used(
        self,
        datasets: Iterable[int],
        versions: Versions,
        currency: str,
        tables: Sequence[str],
        between: tuple[date, date],
    ) -> Iterator[list[Use]]:
        """What a question that looks at the days between two may use; each day is in one unit only."""
        held: list[int] = []
        try:
            uses = []
            wanted, covered = set(datasets), dict[int, set[date]]()
            for unit in self.units():
                if unit.dataset not in wanted or unit.last < between[0] or unit.first > between[1]:
                    continue
                done = covered.setdefault(unit.dataset, set())
                days = unit.valid(versions, currency) - done
                if not days:
                    continue
                lock = self._held(unit)
                if lock is None:
                    continue
                held.append(lock)
                if all(self._is_whole(unit, table) for table in tables):
                    uses.append(Use(unit, frozenset(days)))
                    done |= days
            yield uses
        finally:
            for lock in held:
                os.close(lock)

    def start(self) -> Path:
        """A folder for the files of a unit that is being made."""
        path = self._home / f"{_UNFINISHED}{uuid4().hex}"
        path.mkdir(mode=0o700)
        return path

    def finish(self, made: Unit) -> None:
        """Makes a unit whose files lie in its path one of ours; whoever calls holds `publishing`."""
        checksums = {table.name: _checksum(made.path / f"{table.name}.parquet") for table in KEPT}
        values = {**asdict(made), "checksums": checksums, "path": None}
        values["versions"] = {day.isoformat(): version for day, version in made.versions.items()}
        content = json.dumps(values, default=str).encode()
        with (made.path / _MANIFEST).open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        name = (
            f"{made.dataset}.{made.first}.{made.last}.{hashlib.blake2b(content, digest_size=8).hexdigest()}"
        )
        with self._lock:
            made.path.rename(self._home / name)
            # What was just written need not be read to be believed.
            self._checked |= {(name, table) for table in checksums}

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Keeps others, of any process, from finishing or removing units."""
        with (self.folder / "lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def building(self) -> Iterator[bool]:
        """Whether this is the one process that builds, if so until the end."""
        with (self.folder / "builder").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield True
            except BlockingIOError:
                yield False

    def remove(self, unit: Unit, *, wait: bool) -> bool:
        """Removes a unit once no question uses it; whether it is gone."""
        lock = self._held(unit, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        if lock is None:
            return not unit.path.exists()
        try:
            # First the manifest: what is half removed is no unit.
            (unit.path / _MANIFEST).unlink(missing_ok=True)
            shutil.rmtree(unit.path, ignore_errors=True)
        finally:
            os.close(lock)
        return True

    def remove_unfinished(self) -> None:
        """Removes what was being made when a process ended, and files of other formats."""
        for path in self.folder.iterdir():
            if path.is_dir() and path != self._home:
                shutil.rmtree(path, ignore_errors=True)
        for path in self._home.glob(f"{_UNFINISHED}*"):
            shutil.rmtree(path, ignore_errors=True)
        self.remove_damaged()

    def remove_all(self) -> None:
        """Removes everything: nobody is to keep files any more."""
        with self.publishing():
            for unit in self.units():
                self.remove(unit, wait=True)
        self.remove_unfinished()

    def remove_damaged(self) -> None:
        """Removes units that were taken out of use."""
        for path in self._home.iterdir():
            if not path.name.startswith(_UNFINISHED) and not (path / _MANIFEST).exists():
                shutil.rmtree(path, ignore_errors=True)

    def discard(self, path: Path) -> None:
        """Removes what was being made, if it has not become a unit."""
        shutil.rmtree(path, ignore_errors=True)

    def size(self) -> int:
        """Bytes of all files."""
        return sum(path.stat().st_size for path in self._home.rglob("*.parquet"))

    def _held(self, unit: Unit, how: int = fcntl.LOCK_SH | fcntl.LOCK_NB) -> int | None:
        try:
            lock = os.open(unit.path / _MANIFEST, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, how)
        except BlockingIOError:
            os.close(lock)
            return None
        if not os.fstat(lock).st_nlink:  # Removed while we waited.
            os.close(lock)
            return None
        return lock

    def _read(self, name: str) -> Unit | None:
        path = self._home / name
        try:
            values: dict[str, Any] = json.loads((path / _MANIFEST).read_bytes())
            versions = {date.fromisoformat(day): version for day, version in values.pop("versions").items()}
            first, last = (date.fromisoformat(values.pop(name)) for name in ("first", "last"))
            return Unit(**{**values, "first": first, "last": last, "versions": versions, "path": path})
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def _is_whole(self, unit: Unit, table: str) -> bool:
        """Looks at a file's checksum when this process first uses it; a damaged unit is taken out of use."""
        key = unit.path.name, table
        if key in self._checked:
            return True
        try:
            whole = _checksum(unit.path / f"{table}.parquet") == unit.checksums[table]
        except (OSError, KeyError):
            whole = False
        if whole:
            self._checked.add(key)
        else:
            (unit.path / _MANIFEST).unlink(missing_ok=True)
        return whole


def days_between(first: date, last: date) -> list[date]:
    """Both, and what is between them."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _checksum(path: Path) -> str:
    found = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            found.update(block)
    return found.hexdigest()
