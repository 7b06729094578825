"""TLS for HTTP, from files that may change while the gateway runs."""

import logging
import ssl
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


class ReloadingTls:
    """Makes `context`, which looks at the files at each new connection."""

    def __init__(self, certificate: Path, key: Path) -> None:
        """PEM files. Raises OSError; of it, ssl.SSLError when they do not fit each other."""
        self._paths = (certificate, key)
        self._stamps = self._read_stamps()
        self._current = self._load()
        self.context = self._load()
        self.context.sni_callback = self._choose

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Called by OpenSSL at the begin of each handshake, also without a name."""
        try:
            stamps = self._read_stamps()
            if stamps != self._stamps:
                self._stamps = stamps
                self._current = self._load()
                log.info("HTTP takes the changed TLS files. [tls_changed]")
        except OSError as error:
            # While only one of the two has been replaced they do not fit.
            log.warning("The TLS files of HTTP cannot be used (%s); the old ones go on. [tls]", error)
        connection.context = self._current

    def _read_stamps(self) -> tuple[int, ...]:
        return tuple(path.stat().st_mtime_ns for path in self._paths)

    def _load(self) -> ssl.SSLContext:
        context: Any = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(*self._paths)
        return context  # type: ignore[no-any-return]
