"""What can go wrong with the embedded PostgreSQL, always told as a sentence."""


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot be used; the message says why and what to do."""


class DataDirectoryInUse(EmbeddedPostgresError):
    """Another process serves from this data directory; stop it, or choose another directory."""
