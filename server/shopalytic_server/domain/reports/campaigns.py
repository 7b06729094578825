"""Reads campaigns as they stand in the addresses of pages."""

from urllib.parse import unquote_plus


def campaign_of(encoded: str) -> str:
    """The campaign that stands encoded in an address; bytes that are no text become U+FFFD."""
    return unquote_plus(encoded, errors="replace").replace("\x00", "�")
