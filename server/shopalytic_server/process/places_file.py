"""The file that says where network addresses are, in MaxMind's format; read again when it is replaced."""

import logging
import time
from functools import lru_cache
from ipaddress import IPv6Address
from itertools import islice
from pathlib import Path
from typing import Any

from shopalytic_server.config import SettingsError
from shopalytic_server.domain.privacy.addresses import parsed
from shopalytic_server.domain.privacy.network_places import NetworkPlace, place_of

log = logging.getLogger(__name__)

_LOOK_SECONDS = 10.0
_REMEMBERED = 20_000
# A file of something else, such as networks' owners, names no country in any of them.
_LOOKED_THROUGH = 1_000

Stamp = tuple[int, int, int]


class UnusablePlaces(ValueError):
    """The file cannot be used; the text says why."""


def read_places(path: Path) -> Any:
    """A reader of the file. Raises UnusablePlaces.

    The whole file is taken into memory: who copies another one over it would
    take pages away under a reader that maps it, and that ends the process.
    """
    try:
        import maxminddb
    except ImportError:
        raise UnusablePlaces("the package maxminddb is not installed; install 'shopalytic[server]'") from None
    try:
        reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
        known = any(place_of(record) for _, record in islice(reader, _LOOKED_THROUGH))
    except OSError as error:
        raise UnusablePlaces(f"it cannot be read ({error.strerror or error})") from None
    except (maxminddb.InvalidDatabaseError, ValueError, IndexError, KeyError, TypeError):
        raise UnusablePlaces("it is damaged, or not in MaxMind's format") from None
    if not known:
        raise UnusablePlaces("it names no countries")
    return reader


class PlacesFile:
    """Where addresses are, as the file says now."""

    def __init__(self, path: Path) -> None:
        """Raises SettingsError when the file cannot be used."""
        self._path = path
        self._stamp: Stamp | None = None
        self._looked = time.monotonic()
        try:
            self._stamp = _stamp(path)
            self._take(read_places(path))
        except OSError as error:
            raise SettingsError(_cannot(path, f"it cannot be read ({error.strerror})")) from None
        except UnusablePlaces as error:
            raise SettingsError(_cannot(path, str(error))) from None

    def locate(self, address: str) -> NetworkPlace | None:
        """Where an address is; None where the file does not know, or it is no address."""
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self.look()
        return self._place(address)

    def look(self) -> None:
        """Reads the file again if it was replaced; one that cannot be used leaves the old one in use."""
        self._looked = time.monotonic()
        try:
            stamp = _stamp(self._path)
            if stamp == self._stamp:
                return
            # What is wrong with this one is told once.
            self._stamp = stamp
            self._take(read_places(self._path))
        except OSError as error:
            if self._stamp is not None:
                self._stamp = None
                log.warning(
                    "The file of --geoip-file is gone (%s); the old one goes on. [geoip]", error.strerror
                )
        except UnusablePlaces as error:
            log.warning("The new file of --geoip-file is not used: %s. The old one goes on. [geoip]", error)
        else:
            log.info("The changed file of --geoip-file is in use. [geoip_changed]")

    def _take(self, reader: Any) -> None:
        def place(address: str) -> NetworkPlace | None:
            ip = parsed(address)
            if ip is None:
                return None
            if isinstance(ip, IPv6Address):
                ip = ip.ipv4_mapped or ip
            try:
                return place_of(reader.get(ip))
            except ValueError:
                # IPv6, of a file that has only IPv4; or the record is damaged.
                return None

        self._place = lru_cache(_REMEMBERED)(place)


def _stamp(path: Path) -> Stamp:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino


def _cannot(path: Path, why: str) -> str:
    return (
        f"--geoip-file {path} cannot be used: {why}. "
        "Give a file of countries or cities in MaxMind's format (.mmdb), or leave the setting out."
    )
