"""Times on the wire, as RFC 3339 text to the microsecond."""

from datetime import datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - without a zone it is written without an offset


def timestamp_text(time: Timestamp) -> str:
    """RFC 3339 in UTC with 0, 3 or 6 digits after the second, as protobuf's JSON has it.

    What is finer than a microsecond is cut off. A time outside of the years 1
    to 9999, which no valid event has, becomes its number of seconds.
    """
    micros = time.nanos // 1000
    try:
        moment = _EPOCH + timedelta(seconds=time.seconds, microseconds=micros)
    except OverflowError:
        return str(time.seconds)
    if not moment.microsecond:
        return moment.isoformat() + "Z"
    return moment.isoformat(timespec="microseconds" if moment.microsecond % 1000 else "milliseconds") + "Z"
