"""One JSON or Python value to one protobuf value: text, money, whole numbers, times.

Forgiving where the catalogue says so (numbers for money, digits in text for
whole numbers, Unix seconds or RFC 3339 for times), strict where a guess would
be needed. Every converter raises DecodeError without a path; who calls it
knows the path.
"""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.events.countries import ALPHA_3
from shopalytic.events.violations import Violation

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND = -62_135_596_800  # 0001-01-01, where protobuf's times begin
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59
_NANO = Decimal("1e-9")
_INT32 = 2**31
_DATE_LENGTH = len("2026-03-01")
_INT64 = 2**63
_LONGEST_NUMBER = 40
_ABSURD = 10**_LONGEST_NUMBER
_RFC3339 = re.compile(
    "([0-9]{4}-[0-9]{2}-[0-9]{2})"
    "(?:[Tt ]((?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2})(?:[.]([0-9]{1,40}))?"
    "(?:([Zz])|([+-])([0-9]{2}):([0-9]{2}))?)?"
)
_UNIX_SECONDS = re.compile("-?[0-9]{1,15}(?:[.][0-9]{1,40})?")
_TIME_FORMS = 'RFC 3339 text such as "2025-05-01T12:00:00Z" or seconds after the Unix epoch'


class DecodeError(ValueError):
    """JSON or a dict that is not the event it should be; says where and why.

    `rule_id` is "type" for a value of the wrong type, "unknown_property",
    "unknown_type", "required" for a missing type, "json" for text that cannot
    be read at all.
    """

    def __init__(self, field: str, message: str, rule_id: str = "type") -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.message = message
        self.rule_id = rule_id

    def under(self, name: str) -> "DecodeError":
        """The same error seen from outside of a field."""
        inner = self.field if not self.field or self.field.startswith("[") else f".{self.field}"
        return DecodeError(name + inner, self.message, self.rule_id)

    @property
    def violation(self) -> Violation:
        """The error as a verdict states it."""
        return Violation(self.field, self.rule_id, self.message)


def to_text(value: Any) -> str:
    """Text that UTF-8 can hold."""
    if not isinstance(value, str):
        raise DecodeError("", f"must be text, not {kind_of(value)}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise DecodeError("", "contains half of a surrogate pair, which is not a character") from None
    return value


def to_id(value: Any) -> str:
    """An id or a code: text, or a whole number as its digits. Shops number orders and customers."""
    if isinstance(value, str | bool) or not isinstance(value, int | float | Decimal):
        return to_text(value)
    if not isinstance(value, int):
        value = finite(value)
        if value.adjusted() > _LONGEST_NUMBER or value != value.to_integral_value():
            raise DecodeError("", "must be text, or a whole number")
    if not -_ABSURD < value < _ABSURD:
        raise DecodeError("", f"must be text: as a number it has more than {_LONGEST_NUMBER} digits")
    return str(int(value))


def to_country(value: Any) -> str:
    """A country's code in three capital letters: also of two letters, and in small ones."""
    code = to_text(value)
    if not (code.isascii() and code.isalpha()):
        return code
    return ALPHA_3.get(code.upper(), code.upper())


def to_currency(value: Any) -> str:
    """A currency's code in capital letters."""
    code = to_text(value)
    return code.upper() if code.isascii() and code.isalpha() else code


def to_bool(value: Any) -> bool:
    """True or false, nothing else."""
    if isinstance(value, bool):
        return value
    raise DecodeError("", f"must be true or false, not {kind_of(value)}")


def to_int(value: Any) -> int:
    """A whole number of 32 bits: also as digits in text, or with a zero fraction."""
    return _whole(value, _INT32)


def to_int64(value: Any) -> int:
    """A whole number of 64 bits, in the same forms."""
    return _whole(value, _INT64)


def _whole(value: Any, end: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str):
        if not (value.isascii() and value.isdigit()):
            raise DecodeError("", "must be a whole number: digits only")
        number = int(value) if len(value) <= 20 else end
    elif isinstance(value, float | Decimal):
        exact = finite(value)
        if exact.adjusted() > 20:
            number = end
        elif exact != exact.to_integral_value():
            raise DecodeError("", "must be a whole number, without a fraction")
        else:
            number = int(exact)
    else:
        raise DecodeError("", f"must be a whole number, not {kind_of(value)}")
    if not -end <= number < end:
        raise DecodeError("", f"is too large: at most {end - 1:,}")
    return number


def to_money(value: Any) -> str:
    """Money as text: text is taken as it is, a number in its shortest exact decimal form."""
    if isinstance(value, str):
        return to_text(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise DecodeError("", f"must be a decimal, as a number or text, not {kind_of(value)}")
    if not isinstance(value, int):
        value = finite(value)
    # The contract's limits are stated by its rules; this only keeps absurd numbers from being written out.
    if not (-_ABSURD < value < _ABSURD and int(Decimal(value).as_tuple().exponent) >= -40):
        raise DecodeError("", "must have up to 14 digits before the point and up to 4 after it")
    if isinstance(value, int) or not value:
        return str(int(value))
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def to_timestamp(value: Any) -> Timestamp:
    """A time: RFC 3339 with an offset, a plain date (midnight UTC), Unix seconds, an aware datetime."""
    if isinstance(value, str):
        seconds, nanos = _from_text(value)
    elif isinstance(value, bool):
        raise DecodeError("", f"must be a time, not {kind_of(value)}: {_TIME_FORMS}")
    elif isinstance(value, int):
        seconds, nanos = value, 0
    elif isinstance(value, float | Decimal):
        seconds, nanos = _from_seconds(finite(value))
    elif isinstance(value, datetime):
        if value.utcoffset() is None:
            raise DecodeError("", "must have a time zone: a datetime without one could be any hour")
        seconds, nanos = _split(value - _EPOCH)
    elif isinstance(value, date):
        seconds, nanos = _split(datetime(value.year, value.month, value.day, tzinfo=UTC) - _EPOCH)
    elif isinstance(value, Timestamp):
        return value
    else:
        raise DecodeError("", f"must be a time, not {kind_of(value)}: {_TIME_FORMS}")
    if not _FIRST_SECOND <= seconds <= _LAST_SECOND:
        raise DecodeError("", "is outside of the years 1 to 9999; seconds are expected, not milliseconds")
    return Timestamp(seconds=seconds, nanos=nanos)


def is_plain_date(value: Any) -> bool:
    """Whether a time that can be read is a day without a time of day."""
    if isinstance(value, str):
        return len(value) == _DATE_LENGTH and value[4:5] == "-"
    return isinstance(value, date) and not isinstance(value, datetime)


def kind_of(value: Any) -> str:
    """What a value is, in JSON's words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int | float | Decimal):
        return "a number"
    if isinstance(value, list | tuple):
        return "a list"
    return "an object" if isinstance(value, dict) else f"a Python {type(value).__name__}"


def finite(value: float | Decimal) -> Decimal:
    """A number as it was written; raises DecodeError for what is none, or endless."""
    # repr of a float is the shortest decimal that means it: 9.99 stays 9.99.
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        raise DecodeError(
            "", "must be a finite number; infinities, NaN and numbers as large as 1e400 are not"
        )
    return exact


def _from_seconds(seconds: Decimal) -> tuple[int, int]:
    if seconds.adjusted() > 14:  # also keeps what follows within the digits that Decimal computes exactly
        return _LAST_SECOND + 1, 0
    to_nanos = seconds.quantize(_NANO, ROUND_FLOOR)
    whole = to_nanos.to_integral_value(ROUND_FLOOR)
    return int(whole), int((to_nanos - whole).scaleb(9))


def _from_text(text: str) -> tuple[int, int]:
    if _UNIX_SECONDS.fullmatch(text):
        return _from_seconds(Decimal(text))
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise DecodeError("", f"is not a time: send {_TIME_FORMS}")
    day, clock, fraction, zulu, sign, hours, minutes = match.groups()
    if clock and not (zulu or sign):
        raise DecodeError("", 'has no offset from UTC: end it with "Z", or with one such as "+02:00"')
    try:
        moment = datetime.fromisoformat(f"{day}T{clock or '00:00:00'}+00:00")
    except ValueError:
        raise DecodeError("", "is not a time that exists") from None
    seconds, _ = _split(moment - _EPOCH)
    if sign:
        if int(hours) > 23 or int(minutes) > 59:
            raise DecodeError("", "has an offset from UTC that does not exist")
        seconds -= (int(hours) * 3600 + int(minutes) * 60) * (1 if sign == "+" else -1)
    return seconds, int(fraction[:9].ljust(9, "0")) if fraction else 0


def _split(since_epoch: timedelta) -> tuple[int, int]:
    return since_epoch.days * 86_400 + since_epoch.seconds, since_epoch.microseconds * 1000
