"""TLS for gRPC, from files that may change while the server runs."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files: the server's chain and key, and the authority that callers' certificates must be of."""

    certificate: Path
    key: Path
    client_authority: Path | None = None

    def stamps(self) -> tuple[int, ...]:
        """Changes when a file does. Raises OSError."""
        return tuple(path.stat().st_mtime_ns for path in self._paths())

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        """The content, for gRPC. Raises OSError."""
        authority = self.client_authority.read_bytes() if self.client_authority else None
        pair = (self.key.read_bytes(), self.certificate.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair], authority)

    def _paths(self) -> list[Path]:
        return [path for path in (self.certificate, self.key, self.client_authority) if path]


def server_credentials(files: TlsFiles) -> grpc.ServerCredentials:
    """Credentials that look at the files at each new connection. Raises OSError."""
    watch = _Watch(files)
    # None, which the types do not know, stands for no change.
    changed: Any = watch.changed
    return grpc.dynamic_ssl_server_credentials(
        watch.configuration, changed, require_client_authentication=files.client_authority is not None
    )


class _Watch:
    """Reads the files again when they have changed. gRPC asks from a thread of its own."""

    def __init__(self, files: TlsFiles) -> None:
        self._files = files
        self._stamps = files.stamps()
        self.configuration = files.configuration()

    def changed(self) -> grpc.ServerCertificateConfiguration | None:
        """The new content; None while there is none, so that the old one goes on."""
        try:
            stamps = self._files.stamps()
            if stamps == self._stamps:
                return None
            configuration = self._files.configuration()
        except OSError as error:
            log.warning(
                "The TLS files of gRPC cannot be read (%s); the old ones go on. [tls]", error.strerror
            )
            return None
        self._stamps = stamps
        log.info("gRPC takes the changed TLS files. [tls_changed]")
        return configuration
