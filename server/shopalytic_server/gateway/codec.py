"""The two forms in which RPC messages travel: JSON and binary."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

from shopalytic_server.gateway.errors import Refusal

M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Codec:
    """One form, by its name in content types."""

    name: str
    decode: Callable[[bytes, Message], None]
    write: Callable[[Message], bytes]

    def read(self, data: bytes, kind: type[M]) -> M:
        """The message in a body, or the refusal of an unreadable one."""
        message = kind()
        try:
            self.decode(data, message)
        except (json_format.ParseError, DecodeError, UnicodeError, ValueError) as error:
            text = f"The request is not a readable {message.DESCRIPTOR.name}: {_words(error)}"
            raise Refusal(400, "invalid_argument", text) from None
        except RecursionError:
            raise Refusal(400, "invalid_argument", "The request is nested too deeply.") from None
        return message


def _words(error: Exception) -> str:
    return str(error).encode("utf-8", "backslashreplace").decode()[:500]


def _from_json(data: bytes, message: Message) -> None:
    # Unknown names are refused: dropping a mistyped field would lose data without a word.
    text = data.decode("utf-8-sig").strip() or "{}"
    if not text.startswith("{"):
        raise json_format.ParseError("it must be a JSON object")  # json_format lets an empty list through
    json_format.Parse(text, message)


def _to_json(message: Message) -> bytes:
    return json_format.MessageToJson(message, indent=None).encode()


def _from_binary(data: bytes, message: Message) -> None:
    message.ParseFromString(data)


def _to_binary(message: Message) -> bytes:
    return message.SerializeToString()


CODECS = {
    "json": Codec("json", _from_json, _to_json),
    "proto": Codec("proto", _from_binary, _to_binary),
}
