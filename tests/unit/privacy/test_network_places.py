"""Where network addresses are: what a file says, what is wrong with one, and one that is replaced."""

import logging
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from running.places import make_places
from shape import REPOSITORY
from shopalytic.v1.events_pb2 import Context
from shopalytic_server.cli.doctor import checks
from shopalytic_server.cli.doctor.checks import Verdict, check_places
from shopalytic_server.config import SettingsError
from shopalytic_server.domain.privacy.network_places import ALPHA_3, NetworkPlace, place_of, put_place
from shopalytic_server.process.places_file import PlacesFile

BAVARIA = NetworkPlace("DEU", "Bavaria", "Munich")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return make_places(tmp_path / "places.mmdb")


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("203.0.113.77", BAVARIA),
        ("203.0.113.200", NetworkPlace("FRA")),
        ("::ffff:203.0.113.77", BAVARIA),
        ("203.0.113.77:4711", BAVARIA),
        ("198.51.100.1", NetworkPlace("AUT")),
        ("2001:db8:1234:5678::99", NetworkPlace("CHE")),
        ("192.0.2.1", None),
        ("127.0.0.1", None),
        ("nowhere", None),
        ("", None),
    ],
)
def test_an_address_is_where_the_file_says(path: Path, address: str, place: NetworkPlace | None) -> None:
    assert PlacesFile(path).locate(address) == place


@pytest.mark.parametrize(
    "record",
    [
        None,
        "DE",
        {},
        {"country": "DE"},
        {"country": {"iso_code": 7}},
        {"country": {"iso_code": "XX"}},
        {"country": {"iso_code": "DEU"}},
    ],
)
def test_a_record_without_a_country_is_no_place(record: Any) -> None:
    assert place_of(record) is None


def test_odd_parts_of_a_record_are_left_out() -> None:
    odd = {"country": {"iso_code": "DE"}, "subdivisions": {}, "city": {"names": {"en": 7}}}
    assert place_of(odd) == NetworkPlace("DEU")
    long = {"country": {"iso_code": "DE"}, "city": {"names": {"en": "a\0" + 300 * "b"}}}
    assert place_of(long) == NetworkPlace("DEU", "", "a" + 199 * "b")


def test_only_a_context_without_a_country_is_given_one(path: Path) -> None:
    locate = PlacesFile(path).locate
    plain, named, placed, nobodys = (Context(address="203.0.113.77") for _ in range(4))
    named.country, placed.network_country, nobodys.network_country = "ITA", "ESP", ""
    for context in (plain, named, placed, nobodys, Context(), Context(address="nowhere")):
        put_place(context, locate)
    assert (plain.network_country, plain.network_region, plain.network_city) == BAVARIA
    assert (named.network_country, placed.network_country, nobodys.network_country) == ("", "ESP", "")
    assert put_place(Context(address="203.0.113.77"), None) == {}


def test_the_codes_are_those_of_the_dashboard() -> None:
    written = (REPOSITORY / "clients/dashboard/src/countries.ts").read_text()
    codes = "".join(re.findall(r'^  "([A-Z]+)",$', written, re.MULTILINE))
    assert {codes[at : at + 2]: codes[at + 2 : at + 5] for at in range(0, len(codes), 5)} == ALPHA_3


def spoil(path: Path, how: str) -> None:
    if how == "missing":
        path.unlink()
    elif how == "folder":
        path.unlink()
        path.mkdir()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("country,network\n")
    elif how == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    else:
        make_places(path, {"203.0.113.0/24": {"autonomous_system_number": 64496}}, "Test-ASN")


WRONG = {
    "missing": "cannot be read (No such file or directory)",
    "folder": "cannot be read (Is a directory)",
    "empty": "damaged, or not in MaxMind's format",
    "text": "damaged, or not in MaxMind's format",
    "cut": "damaged, or not in MaxMind's format",
    "others": "names no countries",
}


@pytest.mark.parametrize("how", WRONG)
def test_a_file_that_cannot_be_used_is_refused_with_what_is_wrong(path: Path, how: str) -> None:
    spoil(path, how)
    with pytest.raises(SettingsError, match=re.escape(WRONG[how])) as refused:
        PlacesFile(path)
    assert f"--geoip-file {path}" in str(refused.value)
    finding = check_places(path)
    assert (finding.verdict, WRONG[how] in finding.message) == (Verdict.FAILED, True)


def test_a_replaced_file_is_read_again(path: Path) -> None:
    file = PlacesFile(path)
    assert file.locate("203.0.113.77") == BAVARIA
    make_places(path, {"203.0.113.0/24": {"country": {"iso_code": "NL"}}})
    file.look()
    assert file.locate("203.0.113.77") == NetworkPlace("NLD")


@pytest.mark.parametrize("how", WRONG)
def test_a_replacement_that_cannot_be_used_leaves_the_old_one_in_use(
    path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = PlacesFile(path)
    spoil(path, how)
    with caplog.at_level(logging.WARNING):
        file.look()
        file.look()
    assert file.locate("203.0.113.77") == BAVARIA
    assert len(caplog.records) == 1
    if path.is_dir():
        path.rmdir()
    make_places(path, {"203.0.113.0/24": {"country": {"iso_code": "NL"}}})
    file.look()
    assert file.locate("203.0.113.77") == NetworkPlace("NLD")


def test_doctor_tells_what_the_file_is_and_when_it_is_old(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = check_places(path)
    assert (finding.verdict, "is Test-City, made on" in finding.message) == (Verdict.OK, True)

    class Later(datetime):
        @classmethod
        def now(cls, _zone: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + timedelta(days=181)

    monkeypatch.setattr(checks, "datetime", Later)
    assert check_places(path).verdict is Verdict.WARNING
