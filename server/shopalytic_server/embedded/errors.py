"""What can go wrong with the embedded PostgreSQL, always told as a sentence."""

from shopalytic_server.domain.errors import ShopalyticError


class EmbeddedPostgresError(ShopalyticError):
    """The embedded PostgreSQL cannot be used."""


class DataDirectoryInUse(EmbeddedPostgresError):
    """Another process uses this data directory; stop it, or choose another directory."""
