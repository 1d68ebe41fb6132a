"""From Python's values to the engine's JSON and back. Nothing here decides anything."""

from __future__ import annotations

import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from . import _rows
from ._native import Native

Progress = Callable[[Any], object]
Context = Mapping[str, str | None]
Request = Mapping[str, Any]

# A decimal that is longer than this when written out is given to the engine in its short form,
# which it refuses: writing out `Decimal("1E+999999999")` would take all memory.
_MAX_DIGITS = 1_000


class Scope:
    """What the calls of one handle share: the engine, the book, and who acts and why."""

    __slots__ = ("book_id", "context", "context_text", "native")

    def __init__(self, native: Native, book_id: str | None, context: Context) -> None:
        self.native = native
        self.book_id = book_id
        self.context = {name: value for name, value in context.items() if value is not None}
        self.context_text = _text(self.context, "context")

    def changed(self, changes: Context) -> Context:
        """The context with some of its members set."""
        set_now = {name: value for name, value in changes.items() if value is not None}
        return {**self.context, **set_now}

    def call(
        self,
        verb: str,
        request: Request | None = None,
        id: str | None = None,
        progress: Progress | None = None,
    ) -> Any:
        """Runs a verb and waits for its answer."""
        text = request_text(request)
        check_progress(progress)
        hear = None if progress is None else lambda told: progress(json.loads(told))
        told = self.native.call(verb, self.context_text, self.book_id, id, text, hear)
        return _rows.of(json.loads(told))

    def __repr__(self) -> str:
        book = "" if self.book_id is None else f" {self.book_id!r}"
        return f"{book} actor={self.context.get('actor')!r}"


class Noun:
    """What verbs hang on."""

    __slots__ = ("_scope",)

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def __repr__(self) -> str:
        return f"<{public_name(self)}{self._scope!r}>"


def public_name(handle: object) -> str:
    """The name of a handle's class as users write it."""
    kind = type(handle)
    return f"{kind.__module__.removesuffix('._book')}.{kind.__name__}"


def base64(field: str, content: bytes | bytearray | memoryview) -> str:
    """Bytes as JSON has them."""
    if not isinstance(content, (bytes, bytearray, memoryview)):
        kind = type(content).__name__
        raise TypeError(f"`{field}` takes bytes, not {kind}: read the file with mode 'rb'")
    return binascii.b2a_base64(content, newline=False).decode("ascii")


def check_progress(progress: object) -> None:
    """Refuses before the call what could not be told anything during it."""
    if progress is not None and not callable(progress):
        raise TypeError(f"`progress` takes a callable, not {type(progress).__name__}")


def hide_password(url: str) -> str:
    """The URL of a store without the password in it."""
    scheme, slashes, rest = url.partition("://")
    user, at, place = rest.rpartition("@")
    name = user.partition(":")[0]
    return f"{scheme}{slashes}{name}:***{at}{place}" if ":" in user else url


def request_text(request: Request | None) -> str | None:
    """A request as JSON; what is `None` is left out."""
    if request is None:
        return None
    return _text({name: value for name, value in request.items() if value is not None}, "")


def _text(value: Mapping[str, Any], path: str) -> str:
    return json.dumps(_plain(value, path), separators=(",", ":"))


def _plain(value: Any, path: str) -> Any:
    """The value in JSON's own types; a TypeError names the field by its path."""
    if value is None or isinstance(value, (str, int)):
        return value
    if isinstance(value, Decimal):
        return format(value, "f") if abs(value.adjusted()) <= _MAX_DIGITS else str(value)
    if isinstance(value, float):
        text = "a float is not exact; give a `decimal.Decimal` or a string such as '-12.34'"
        raise TypeError(f"`{path}`: {text}")
    if isinstance(value, datetime):
        raise TypeError(f"`{path}`: an instant is no civil date; give a `datetime.date`")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _plain(part, _join(path, str(name))) for name, part in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, (bytes, bytearray, memoryview)):
        return [_plain(part, f"{path}[{place}]") for place, part in enumerate(value)]
    raise TypeError(f"`{path}`: {type(value).__name__} has no place in a request")


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
