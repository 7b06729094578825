"""PostgreSQL that comes with Shopalytic: one server per data directory, nothing to install."""

from shopalytic_server.embedded.errors import DataDirectoryInUse, EmbeddedPostgresError
from shopalytic_server.embedded.server import EmbeddedPostgres, running_url, superuser_url

__all__ = ["DataDirectoryInUse", "EmbeddedPostgres", "EmbeddedPostgresError", "running_url", "superuser_url"]
