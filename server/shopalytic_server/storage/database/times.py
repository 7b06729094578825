"""Times of the store as messages have them."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp


def timestamp(time: datetime) -> Timestamp:
    """A time as protobuf has it."""
    message = Timestamp()
    message.FromDatetime(time)
    return message
