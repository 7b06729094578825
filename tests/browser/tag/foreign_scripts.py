"""What other people's scripts do to the language's own objects, a different mixture for each seed."""

import json
import random

# Each takes something away that a tag might rely on, or adds something that it might stumble over.
_TO_JSON = [
    f"{kind}.prototype.toJSON = {work};"
    for kind in ("Array", "Date", "Object", "String", "Number", "Boolean", "Function")
    for work in (
        "function () { return '\"' + this + '\"'; }",
        "function () { return undefined; }",
        "function () { throw new Error('toJSON'); }",
        "function () { return {}; }",
    )
]
_ENUMERABLE = [
    f"{kind}.prototype[{json.dumps(name)}] = {value};"
    for kind in ("Object", "Array")
    for name in (
        *("mode", "headers", "method", "signal", "cache", "body", "keepalive", "integrity", "redirect"),
        *("version", "q", "track", "type", "id", "e", "f", "i", "k", "p", "r", "s", "t", "c", "n"),
        *("disabled", "debug", "sandbox", "source", "consent", "endpoint", "autotrack", "foo", "each"),
        *("error", "message", "status", "event_id", "identity", "tracking_id", "results", "reset", "once"),
    )
    for value in ("7", "'other'", "function () { return 1; }")
]
_LISTS = (
    *("push", "pop", "shift", "unshift", "splice", "slice", "concat", "join", "reverse", "sort", "indexOf"),
    *("forEach", "map", "filter", "reduce", "some", "every", "find", "findIndex", "includes", "entries"),
    *("keys", "values", "flat", "flatMap", "fill", "toString"),
)
_BROKEN = ("function () { throw new Error('broken'); }", "function () { return undefined; }", "undefined")
_REPLACED = [
    f"{path} = {broken};"
    for path in (
        *(f"Array.prototype.{name}" for name in _LISTS),
        "Array.prototype[Symbol.iterator]",
        *(f"JSON.{name}" for name in ("stringify", "parse")),
        *(f"Object.{name}" for name in ("keys", "assign", "entries", "values", "create", "freeze", "hasOwn")),
        *("window.Map", "window.Set", "window.WeakMap", "window.Promise", "window.Blob"),
        *("window.XMLHttpRequest", "window.Symbol", "window.Proxy", "navigator.sendBeacon"),
        *("Array.from", "Array.of", "Number.isInteger", "String.raw"),
        *(f"Date.prototype.{name}" for name in ("toISOString", "toString", "format", "valueOf", "getYear")),
        *(f"Promise.prototype.{name}" for name in ("then", "catch", "finally")),
        *(f"String.prototype.{name}" for name in ("replace", "split", "trim", "includes", "padStart", "at")),
    )
    for broken in _BROKEN
]
_FETCH = [
    "{ const send = fetch; window.fetch = (url, more) => send(url, {...more, headers: {baggage: '1'}}); }",
    "window.fetch = function () { throw new Error('broken'); };",
    "window.fetch = () => Promise.reject(new Error('broken'));",
    "window.fetch = () => undefined;",
    "window.fetch = () => ({});",
    "window.fetch = undefined;",
]
# Prototype.js 1.6 in short: its own Object.keys, Array methods with other meanings, and toJSON everywhere.
_PROTOTYPE_JS = """
    Object.keys = (object) => { const keys = []; for (const name in object) keys.push(name); return keys; };
    Array.prototype.each = function (work) { for (let i = 0; i < this.length; i++) work(this[i]); };
    Array.prototype.reduce = function () { return this.length > 1 ? this : this[0]; };
    Array.prototype.toJSON = function () { return '[' + this.join(', ') + ']'; };
    String.prototype.toJSON = function () { return '"' + this + '"'; };
    Date.prototype.toJSON = function () { return '"' + this.getUTCFullYear() + '"'; };
"""
KINDS = (_TO_JSON, _ENUMERABLE, _REPLACED, _FETCH, [_PROTOTYPE_JS])


def disturbances(seed: int) -> list[str]:
    """Statements that a page runs before the tag; each by itself, for one may break the next."""
    chance = random.Random(seed)
    chosen = [text for kind in KINDS for text in chance.sample(kind, chance.randint(0, min(4, len(kind))))]
    chance.shuffle(chosen)
    return [f"try {{ {text} }} catch {{}}" for text in chosen]
