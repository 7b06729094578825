"""JSON Patch (RFC 6902): the six operations on parsed JSON, which is never changed in place."""

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

_INDEX = re.compile(r"0|[1-9][0-9]*")
_NEEDS = {
    "add": ("value",),
    "remove": (),
    "replace": ("value",),
    "move": ("from",),
    "copy": ("from",),
    "test": ("value",),
}


class InvalidPatch(ValueError):
    """The patch is not one; the message says where."""


class PatchDoesNotFit(ValueError):
    """The document has not what the patch speaks of, or a test failed."""


def check_patch(patch: Any) -> Sequence[Mapping[str, Any]]:
    """The operations of a patch; raises InvalidPatch."""
    if not isinstance(patch, list):
        raise InvalidPatch("must be a list of operations")
    for number, operation in enumerate(patch):
        if not isinstance(operation, dict) or operation.get("op") not in _NEEDS:
            raise InvalidPatch(f"[{number}].op must be one of {', '.join(_NEEDS)}")
        for name in ("path", *_NEEDS[operation["op"]]):
            if name not in operation:
                raise InvalidPatch(f"[{number}] needs {name}")
        for name in {"path", "from"} & operation.keys():
            pointer = operation[name]
            if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
                raise InvalidPatch(f"[{number}].{name} must be empty or begin with a slash")
    return patch


def apply_patch(document: Any, patch: Sequence[Mapping[str, Any]]) -> Any:
    """The document after all operations; raises PatchDoesNotFit. `patch` is one that was checked."""
    # One step inside of a list, so that the whole document can be replaced too.
    root = [copy.deepcopy(document)]
    for number, operation in enumerate(patch):
        try:
            _apply(root, operation)
        except PatchDoesNotFit as error:
            where = f"[{number}] {operation['op']} {operation['path'] or 'the whole event'}"
            raise PatchDoesNotFit(f"{where}: {error}") from error
    return root[0]


def _apply(root: list[Any], operation: Mapping[str, Any]) -> None:
    kind, path = operation["op"], _parts(operation["path"])
    match kind:
        case "test":
            if not _equal(_get(root, path), operation["value"]):
                raise PatchDoesNotFit("the event has another value there")
        case "remove":
            _remove(root, path)
        case "replace":
            _get(root, path)
            _set(root, path, copy.deepcopy(operation["value"]))
        case "add":
            _add(root, path, copy.deepcopy(operation["value"]))
        case "copy":
            _add(root, path, copy.deepcopy(_get(root, _parts(operation["from"]))))
        case "move":
            source = _parts(operation["from"])
            if path[: len(source)] == source and path != source:
                raise PatchDoesNotFit("a value cannot be moved into itself")
            value = _get(root, source)
            _remove(root, source)
            _add(root, path, value)


def _parts(pointer: str) -> list[str]:
    """The steps of a JSON Pointer (RFC 6901), from the list around the document on."""
    return ["0", *(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])]


def _get(root: list[Any], path: Sequence[str]) -> Any:
    value: Any = root
    for part in path:
        value = value[_key(value, part)]
    return value


def _key(container: Any, part: str) -> Any:
    """Where a step leads that must be there."""
    if isinstance(container, dict) and part in container:
        return part
    if isinstance(container, list) and _INDEX.fullmatch(part) and int(part) < len(container):
        return int(part)
    raise PatchDoesNotFit(f"there is no {part!r} here")


def _set(root: list[Any], path: Sequence[str], value: Any) -> None:
    container = _get(root, path[:-1])
    container[_key(container, path[-1])] = value


def _remove(root: list[Any], path: Sequence[str]) -> None:
    container = _get(root, path[:-1])
    del container[_key(container, path[-1])]
    if container is root:
        root.append(None)


def _add(root: list[Any], path: Sequence[str], value: Any) -> None:
    container, last = _get(root, path[:-1]), path[-1]
    if container is root:
        root[0] = value
    elif isinstance(container, dict):
        container[last] = value
    elif isinstance(container, list) and last == "-":
        container.append(value)
    elif isinstance(container, list) and _INDEX.fullmatch(last) and int(last) <= len(container):
        container.insert(int(last), value)
    else:
        raise PatchDoesNotFit(f"nothing can be added at {last!r}")


def _equal(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1, and lists and objects are compared by what they hold."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[name], other[name]) for name in one)
    return bool(one == other)
