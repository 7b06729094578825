"""Which database the commands that need one speak to; the embedded one is started when nothing runs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from shopalytic_server.config import Settings
from shopalytic_server.embedded import EmbeddedPostgres, running_url, superuser_url


@contextmanager
def database_of(settings: Settings) -> Iterator[str]:
    """The outside database's address, past a pooler, if one is set, else that of the data directory's own."""
    if settings.database_url:
        yield settings.direct_database_url or settings.database_url
        return
    url = running_url(settings.data_dir)
    if url is not None:
        yield url
        return
    embedded = EmbeddedPostgres(settings.data_dir)
    url = embedded.start()
    try:
        yield url
    finally:
        embedded.stop()


def superuser_of(settings: Settings) -> str | None:
    """The embedded database's superuser, within `database_of`; None for an outside database."""
    return None if settings.database_url else superuser_url(settings.data_dir)
