"""Writes src/catalogue.ts, the events as TypeScript types, from the protos; --check only compares.

Run with the repository's Python: `.venv/bin/python clients/javascript/generate_catalogue.py`.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PROTOS = HERE.parents[1] / "protos"
TARGET = HERE / "src" / "catalogue.ts"

sys.path.insert(0, str(PROTOS))
from generator.image import RuleBook, compile_image  # noqa: E402

MONEY_PATTERN = "^[0-9]{1,14}([.][0-9]{1,4})?$"
PACKAGE = ".shopalytic.v1."
SERVER_ONLY = {"undecoded"}
WELL_KNOWN = {".google.protobuf.Timestamp": "Time", ".google.protobuf.Struct": "Record<string, unknown>"}
LATER_NAMES = {
    "account_register": "customer_register",
    "account_update": "customer_update",
    "shipment_update": "shipment_delivered",
}
HEADER = """\
// Generated from the protos by generate_catalogue.py. Do not edit.

/** An exact amount: text ("9.99") or a number. Up to 14 digits before and 4 after the point. */
export type Money = string | number;

/** A whole number, also as text of digits. */
export type Integer = number | string;

/** A time: a Date, RFC 3339 text, or seconds (not milliseconds) after the Unix epoch. */
export type Time = Date | string | number;
"""


class Catalogue:
    """The messages that events are made of, as TypeScript."""

    def __init__(self, protos: Path) -> None:
        with tempfile.TemporaryDirectory() as work:
            image = compile_image(protos, Path(work))
        self._book = RuleBook(image)
        self._comments = {
            (file.name, tuple(location.path)): location.leading_comments
            for file in image.file
            for location in file.source_code_info.location
        }
        self._places = {
            f".{file.package}.{message.name}": (file.name, (4, index))
            for file in image.file
            for index, message in enumerate(file.message_type)
        }

    def text(self) -> str:
        """The whole of catalogue.ts."""
        payloads = self._payloads()
        wanted = self._reachable([field.type_name for field in payloads])
        lines = [HEADER]
        lines += [self._interface(name) for name in wanted]
        lines.append("/** The properties of each event, by the name that `track` takes. */")
        lines.append("export interface EventProperties {")
        for field in payloads:
            lines.append(f"  {field.name}: {_short(field.type_name)};")
        for later, name in LATER_NAMES.items():
            lines.append(f"  /** Later name of {name}. */")
            lines.append(f'  {later}: EventProperties["{name}"];')
        lines += ["}", ""]
        return "\n".join(lines)

    def _message(self, type_name: str) -> Any:
        return self._book.messages[type_name.removeprefix(".")]

    def _payloads(self) -> list[Any]:
        fields = self._message(f"{PACKAGE}Event").field
        return [f for f in fields if f.HasField("oneof_index") and self._in_payload(f)]

    def _in_payload(self, field: Any) -> bool:
        return not field.proto3_optional and field.name not in SERVER_ONLY

    def _reachable(self, names: list[str]) -> list[str]:
        found: list[str] = []
        while names:
            name = names.pop(0)
            if name in found or not name.startswith(PACKAGE):
                continue
            found.append(name)
            names += [f.type_name for f in self._message(name).field if f.type_name]
        return found

    def _interface(self, type_name: str) -> str:
        file, path = self._places[type_name]
        lines = [*_doc(self._comments.get((file, path), ""), "")]
        lines.append(f"export interface {_short(type_name)} {{")
        for index, field in enumerate(self._message(type_name).field):
            lines += _doc(self._comments.get((file, (*path, 2, index)), ""), "  ")
            required = self._book.rules("field", field).required
            lines.append(f"  {field.name}{'' if required else '?'}: {self._type(field)};")
        return "\n".join([*lines, "}", ""])

    def _type(self, field: Any) -> str:
        rules = self._book.rules("field", field)
        if field.label == field.LABEL_REPEATED:
            return f"{self._single(field, rules.repeated.items)}[]"
        return self._single(field, rules)

    def _single(self, field: Any, rules: Any) -> str:
        if field.type == field.TYPE_MESSAGE:
            return WELL_KNOWN.get(field.type_name) or _short(field.type_name)
        if field.type == field.TYPE_BOOL:
            return "boolean"
        if field.type in (field.TYPE_INT32, field.TYPE_INT64):
            return "Integer"
        if field.type != field.TYPE_STRING:
            raise SystemExit(f"{field.name}: no TypeScript type is known for protobuf type {field.type}")
        if rules.string.pattern == MONEY_PATTERN:
            return "Money"
        choices = list(getattr(rules.string, "in"))
        return " | ".join(f'"{choice}"' for choice in choices) or "string"


def _short(type_name: str) -> str:
    return type_name.removeprefix(PACKAGE)


def _doc(comment: str, indent: str) -> Iterator[str]:
    lines = [line.strip() for line in comment.strip().splitlines()]
    if len(lines) == 1:
        yield f"{indent}/** {lines[0]} */"
    elif lines:
        yield f"{indent}/**"
        yield from (f"{indent} * {line}".rstrip() for line in lines)
        yield f"{indent} */"


def main() -> None:
    """Writes or compares the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail if the file is not what the protos give")
    text = Catalogue(PROTOS).text()
    if not parser.parse_args().check:
        TARGET.write_text(text)
    elif not TARGET.exists() or TARGET.read_text() != text:
        raise SystemExit(f"{TARGET.relative_to(HERE)} is not what the protos give: run {Path(__file__).name}")


if __name__ == "__main__":
    main()
