"""The SQL that tells from a page view where its visitor came from."""

from shopalytic_server.storage.database.queries import load

_SQL = load("rollups/traffic_source")


def host_of(address: str) -> str:
    """The host of an address that a column has."""
    return _SQL.host.format(address=address)


def traffic_source(block: str, page: str) -> str:
    """A statement with `{way}` and `{found}`, whose rows of `page` have url, referrer and campaign."""
    found = _SQL.found.format(page=page, host=host_of(f"{page}.referrer"))
    return block.format(way=_SQL.way.format(page=page), found=found)
