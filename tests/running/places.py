"""Files of network addresses in MaxMind's format, made for a test."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mmdb_writer import MMDBWriter
from netaddr import IPSet

DOCUMENTED = {
    "203.0.113.0/25": {
        "country": {"iso_code": "DE"},
        "subdivisions": [{"iso_code": "BY", "names": {"de": "Bayern", "en": "Bavaria"}}],
        "city": {"names": {"de": "München", "en": "Munich"}},
    },
    # The other half of the same /24.
    "203.0.113.128/25": {"country": {"iso_code": "FR"}},
    "198.51.100.0/24": {"registered_country": {"iso_code": "AT"}},
    "2001:db8:1234::/48": {"country": {"iso_code": "CH"}},
}


def make_places(path: Path, networks: Mapping[str, Any] = DOCUMENTED, kind: str = "Test-City") -> Path:
    """Writes the file, or puts another one in its place."""
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind)
    for network, record in networks.items():
        writer.insert_network(IPSet([network]), record)
    new = path.with_suffix(".new")
    writer.to_db_file(str(new))
    return new.replace(path)
