"""Writes docs/reference/events.md: each event with its properties, their limits, and an example per sender.

What is said of an event and its properties are the protos' comments. An example
is the vector called "everything" of tests/vectors, which tests send for real.
"""
# ruff: noqa: E501

import json
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet

from generator.image import RuleBook
from generator.known_rules import MONEY
from generator.schema import ROOT, Field, Schema, short

HEAD = """# Events

What a shop can send. Made from the protos by `protos/generate.py`: never edit. The envelope around each of them (`event_id`, `occurred_at`,
`tracking_id`, `identity`, `source`, `sandbox`, `context`) is described in `protos/shopalytic/v1/events.proto`.

In JSON, in the tag and in the Python client an amount may be a number or text, a time is RFC 3339 text, a plain date or seconds after the
Unix epoch, a whole number may be text of digits, and an id may be a number. Over gRPC amounts are text and times are
`google.protobuf.Timestamp`. What a browser's key may send is in [security.md](../security.md#keys). In the examples for Go `at` reads RFC
3339 text as a `time.Time`, and `object` reads JSON text as a `structpb.Struct`.

"""

_TYPES = {"string": "text", "int32": "whole number", "int64": "whole number", "bool": "true or false"}
_TYPES |= {"timestamp": "time", "struct": "JSON object"}


def write_event_page(image: FileDescriptorSet, book: RuleBook, schema: Schema, vectors: Path) -> str:
    """The text of the page."""
    return _Writer(image, book, schema, vectors).page()


class _Writer:
    def __init__(self, image: FileDescriptorSet, book: RuleBook, schema: Schema, vectors: Path) -> None:
        self._book, self._schema, self._vectors = book, schema, vectors
        self._comments = {
            (file.name, tuple(location.path)): " ".join(location.leading_comments.split())
            for file in image.file
            for location in file.source_code_info.location
        }
        self._places = {
            f"{file.package}.{message.name}": (file.name, (4, index))
            for file in image.file
            for index, message in enumerate(file.message_type)
        }

    def page(self) -> str:
        _, choices = self._schema.oneofs(ROOT)[0]
        events = [field for field in choices if field.name != "undecoded"]
        index = "".join(f"- [`{field.name}`](#{field.name})\n" for field in events)
        return HEAD + index + "".join(map(self._section, events))

    def _section(self, event: Field) -> str:
        given = self._example(event.name)
        parts = [f"\n## {event.name}\n\n{self._about(event.message)}\n", *self._tables(event.message)]
        parts.append(f"```json\n{json.dumps(_sent(event.name, given), indent=2, ensure_ascii=False)}\n```\n")
        parts.append(f"```js\n{_tag(event.name, given)}\n```\n")
        parts.append(f"```python\n{_python(event.name, given)}\n```\n")
        parts.append(f"```go\n{self._go(event, given)}\n```\n")
        parts.append(f"```sh\n{_curl(event.name, given)}\n```\n")
        return "\n".join(parts)

    def _example(self, name: str) -> dict[str, Any]:
        rows = json.loads((self._vectors / f"{name}.json").read_text())
        valid = [row for row in rows if row["status"] == "ACCEPTED"]
        chosen = next((row for row in valid if row["name"] == "everything"), valid[0])
        properties: dict[str, Any] = chosen["stored"]["properties"]
        return properties

    def _about(self, message: str) -> str:
        return self._comments[self._places[message]]

    def _tables(self, message: str) -> list[str]:
        """The properties of a message, and of those that stand in it."""
        file, path = self._places[message]
        rows, inner = [], []
        for index, field in enumerate(self._schema.all_fields(message)):
            needed = "yes" if self._book.rules("field", field.proto).required else ""
            about = self._comments.get((file, (*path, 2, index)), "").replace("|", "\\|")
            rows.append(f"| `{field.name}` | {self._type(field)} | {needed} | {about} |\n")
            if field.kind == "message" and field.message not in inner:
                inner.append(field.message)
        head = "| property | type | required | meaning and limits |\n| --- | --- | --- | --- |\n"
        tables = [head + "".join(rows)]
        for name in inner:
            tables.append(f"Each `{short(name)}`: {self._about(name)}\n")
            tables += self._tables(name)
        return tables

    def _type(self, field: Field) -> str:
        rules = self._book.rules("field", field.proto)
        name = (
            "money"
            if rules.string.pattern == MONEY
            else _TYPES.get(field.kind) or f"`{short(field.message)}`"
        )
        return f"list of {name}" if field.repeated else name

    def _go(self, event: Field, given: dict[str, Any]) -> str:
        wrapper = f"shopalyticv1.Event_{_camel(event.name)}"
        inner = self._go_message(event.message, given, 1)
        return f"event.Payload = &{wrapper}{{{_camel(event.name)}: {inner}}}"

    def _go_message(self, message: str, given: dict[str, Any], depth: int) -> str:
        tab = "\t" * depth
        fields = {field.name: field for field in self._schema.all_fields(message)}
        lines = [
            f"{tab}{_camel(name)}: {self._go_value(fields[name], value, depth)},"
            for name, value in given.items()
        ]
        return f"&shopalyticv1.{short(message)}{{\n" + "\n".join(lines) + "\n" + "\t" * (depth - 1) + "}"

    def _go_value(self, field: Field, value: Any, depth: int) -> str:
        if field.repeated and field.message:
            items = ", ".join(self._go_message(field.message, item, depth + 1) for item in value)
            return f"[]*shopalyticv1.{short(field.message)}{{{items}}}"
        if field.repeated:
            return f"[]string{{{', '.join(map(json.dumps, value))}}}"
        if field.kind == "timestamp":
            return f"timestamppb.New(at({json.dumps(value)}))"
        if field.kind == "struct":
            return f"object({json.dumps(json.dumps(value, ensure_ascii=False), ensure_ascii=False)})"
        if field.kind == "message":
            return self._go_message(field.message, value, depth + 1)
        text = json.dumps(value, ensure_ascii=False)
        kind = {"string": "String", "bool": "Bool", "int32": "Int32", "int64": "Int64"}[field.kind]
        return f"proto.{kind}({text})" if field.presence else text


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _sent(name: str, given: dict[str, Any]) -> dict[str, Any]:
    return {"type": name, "properties": given, "tracking_id": "browser-1"}


def _tag(name: str, given: dict[str, Any]) -> str:
    if name in ("identify", "alias"):
        return f"shopalytic.{name}({json.dumps(given['identity'])});"
    return f'shopalytic.track("{name}", {json.dumps(given, indent=2, ensure_ascii=False)});'


def _python(name: str, given: dict[str, Any]) -> str:
    if name == "identify":
        return f'client.identify({json.dumps(given["identity"])}, tracking_id="browser-1")'
    if name == "alias":
        return f'client.alias({json.dumps(given["identity"])}, tracking_id="browser-1")'
    return f'client.track("{name}", {_literal(given, "")}, tracking_id="browser-1")'


def _literal(value: Any, indent: str) -> str:
    """A value in Python's words, laid out as JSON is."""
    if isinstance(value, dict) and value:
        inner = indent + "    "
        rows = "".join(
            f"{inner}{json.dumps(name)}: {_literal(each, inner)},\n" for name, each in value.items()
        )
        return f"{{\n{rows}{indent}}}"
    if isinstance(value, list):
        return f"[{', '.join(_literal(each, indent) for each in value)}]"
    return repr(value) if isinstance(value, bool) or value is None else json.dumps(value, ensure_ascii=False)


def _curl(name: str, given: dict[str, Any]) -> str:
    body = json.dumps({"token": "SERVER_KEY", "events": [_sent(name, given)]}, ensure_ascii=False)
    body = body.replace("'", "'\\''")
    return f"curl http://localhost:8080/collect -H 'content-type: application/json' \\\n  -d '{body}'"
