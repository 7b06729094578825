"""Where a visitor is by the network address: what an event keeps of that, and when it is asked.

It is asked when an event comes, for the address is cut or dropped before it is
stored.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from shopalytic.v1.events_pb2 import Context


class NetworkPlace(NamedTuple):
    """Where an address is."""

    country: str
    """Its ISO 3166-1 alpha-3 code."""
    region: str = ""
    city: str = ""


# That of an address which is no visitor's, so that nobody asks for it later.
NOT_ASKED = NetworkPlace("")

Locate = Callable[[str], NetworkPlace | None]

# The fields of a context that have it.
NETWORK_PLACE = ("network_country", "network_region", "network_city")

_LONGEST = 200

# Of each country its ISO 3166-1 alpha-2 and alpha-3 code, without anything between.
_CODES = (
    "ADANDAEAREAFAFGAGATGAIAIAALALBAMARMAOAGOAQATAARARGASASMATAUTAUAUSAWABWAXALAAZAZEBABIHBBBRBBDBGD"
    "BEBELBFBFABGBGRBHBHRBIBDIBJBENBLBLMBMBMUBNBRNBOBOLBQBESBRBRABSBHSBTBTNBVBVTBWBWABYBLRBZBLZCACAN"
    "CCCCKCDCODCFCAFCGCOGCHCHECICIVCKCOKCLCHLCMCMRCNCHNCOCOLCRCRICUCUBCVCPVCWCUWCXCXRCYCYPCZCZEDEDEU"
    "DJDJIDKDNKDMDMADODOMDZDZAECECUEEESTEGEGYEHESHERERIESESPETETHFIFINFJFJIFKFLKFMFSMFOFROFRFRAGAGAB"
    "GBGBRGDGRDGEGEOGFGUFGGGGYGHGHAGIGIBGLGRLGMGMBGNGINGPGLPGQGNQGRGRCGSSGSGTGTMGUGUMGWGNBGYGUYHKHKG"
    "HMHMDHNHNDHRHRVHTHTIHUHUNIDIDNIEIRLILISRIMIMNININDIOIOTIQIRQIRIRNISISLITITAJEJEYJMJAMJOJORJPJPN"
    "KEKENKGKGZKHKHMKIKIRKMCOMKNKNAKPPRKKRKORKWKWTKYCYMKZKAZLALAOLBLBNLCLCALILIELKLKALRLBRLSLSOLTLTU"
    "LULUXLVLVALYLBYMAMARMCMCOMDMDAMEMNEMFMAFMGMDGMHMHLMKMKDMLMLIMMMMRMNMNGMOMACMPMNPMQMTQMRMRTMSMSR"
    "MTMLTMUMUSMVMDVMWMWIMXMEXMYMYSMZMOZNANAMNCNCLNENERNFNFKNGNGANINICNLNLDNONORNPNPLNRNRUNUNIUNZNZL"
    "OMOMNPAPANPEPERPFPYFPGPNGPHPHLPKPAKPLPOLPMSPMPNPCNPRPRIPSPSEPTPRTPWPLWPYPRYQAQATREREUROROURSSRB"
    "RURUSRWRWASASAUSBSLBSCSYCSDSDNSESWESGSGPSHSHNSISVNSJSJMSKSVKSLSLESMSMRSNSENSOSOMSRSURSSSSDSTSTP"
    "SVSLVSXSXMSYSYRSZSWZTCTCATDTCDTFATFTGTGOTHTHATJTJKTKTKLTLTLSTMTKMTNTUNTOTONTRTURTTTTOTVTUVTWTWN"
    "TZTZAUAUKRUGUGAUMUMIUSUSAUYURYUZUZBVAVATVCVCTVEVENVGVGBVIVIRVNVNMVUVUTWFWLFWSWSMYEYEMYTMYTZAZAF"
    "ZMZMBZWZWE"
)
ALPHA_3 = {_CODES[at : at + 2]: _CODES[at + 2 : at + 5] for at in range(0, len(_CODES), 5)}


def place_of(record: Any) -> NetworkPlace | None:
    """What a record of a file in MaxMind's format says; None where it names no country.

    The one of people who have an address is meant; where nobody knows it, that of its owner.
    """
    if not isinstance(record, dict):
        return None
    country = ALPHA_3.get(_code(record.get("country")) or _code(record.get("registered_country")))
    if country is None:
        return None
    divisions = record.get("subdivisions")
    region = divisions[0] if isinstance(divisions, list) and divisions else None
    return NetworkPlace(country, _name(region), _name(record.get("city")))


def _code(value: Any) -> str:
    code = value.get("iso_code") if isinstance(value, dict) else None
    return code if isinstance(code, str) else ""


def _name(value: Any) -> str:
    names = value.get("names") if isinstance(value, dict) else None
    name = names.get("en") if isinstance(names, dict) else None
    return name.replace("\0", "")[:_LONGEST] if isinstance(name, str) else ""


def put_place(context: Context, locate: Locate | None) -> dict[str, str]:
    """Puts the place of the address into a context that says no country; gives what was put."""
    if locate is None or not context.address:
        return {}
    if context.HasField("country") or context.HasField("network_country"):
        return {}
    found = locate(context.address)
    if found is None:
        return {}
    return set_place(context, found)


def set_place(context: Context, place: NetworkPlace) -> dict[str, str]:
    """Puts a place into a context; gives what was put."""
    put = {name: value for name, value in zip(NETWORK_PLACE, place, strict=True) if value}
    if place is NOT_ASKED:
        put = {"network_country": ""}
    for name, value in put.items():
        setattr(context, name, value)
    return put
