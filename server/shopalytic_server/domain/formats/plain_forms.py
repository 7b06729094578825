"""The plain form of an identity that is an e-mail address: what its other forms are aliases of.

People write an address in capitals or with a space beside it, and programs pass it on
so. An identity is an address if it has one "@" with text on both sides, and no space
inside. `plain_identity` of the migrations says the same in SQL.
"""

_OUTER = " \t\n\v\f\r\u00a0\u200b\u200c\u200d\u2060\ufeff"
"""What is taken away around an address: space, and characters without a width."""
_CAPITALS = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_WITHOUT_SPACE = str.maketrans("", "", _OUTER)


def plain_form(identity: str) -> str:
    """An address without space around it and in small ASCII letters; any other identity as it is."""
    if "@" not in identity:
        return identity
    trimmed = identity.strip(_OUTER)
    name, _, host = trimmed.partition("@")
    if not name or not host or "@" in host or trimmed.translate(_WITHOUT_SPACE) != trimmed:
        return identity
    return trimmed.translate(_CAPITALS)


def is_plain(identity: str) -> bool:
    """Whether an identity is no other form of an address."""
    return plain_form(identity) == identity
