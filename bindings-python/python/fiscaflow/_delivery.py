"""Copies of books, and events on their way out: what goes in and comes out, and the blocking half.
`_asyncio` has the other one."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from . import _native
from ._native import Answer, Native, NativeInbox, NativeRelay
from .errors import RejectedError, UnavailableError

if TYPE_CHECKING:
    from . import types
    from ._book import Book, Engine

Result = TypeVar("Result")

# No JSON, so that the engine says of such a failure that there was one, and nothing of its text.
_UNSAID = ""


class Backup(TypedDict):
    """What a backup holds."""

    books: int
    """Its books."""
    bytes: int
    """The bytes of the file."""
    commits: int
    """Their commits, each of which fits its hash and its parent."""


class Head(TypedDict):
    """The newest commit of a book."""

    hash: str
    """Its hash."""
    seq: int
    """Its number; the first commit of a book has 1."""


class Copied(TypedDict):
    """What came of copying a book."""

    commits: int
    """Commits that were added."""
    head: Head
    """The newest commit that the copy has now."""


class Outgoing(TypedDict):
    """An event on its way out."""

    book_id: str
    """The book in which it happened."""
    event: types.Event
    """What happened. Its id is the same at every delivery."""


class BrokenBook(TypedDict):
    """A book whose history is damaged."""

    book_id: str
    """The book."""
    code: str
    """The code of the error."""


class Round(TypedDict):
    """What a round came to."""

    broken: list[BrokenBook]
    """Books whose history is damaged; they wait for an hour."""
    delivered: int
    """Events that the sink took."""
    more: bool
    """Whether a book had more events than its turn took: the next round need not wait."""
    put_off: int
    """Books whose next event was refused and waits."""
    set_aside: int
    """Events that were set aside."""
    unavailable: str | None
    """Why the sink could take nothing of a book now."""


class Undelivered(Exception):
    """What a sink raises to say why it does not take an event.

    Whatever else it raises refuses the event, too, and nothing of it is told; but an
    `UnavailableError` of an engine means that the sink takes no event now.

    Args:
        reason: Why, in words that hold nothing personal: operators read them.
        unavailable: Whether the sink takes no event now. Then nothing is counted, and the book
            waits.
        retry_after_seconds: In how long such a sink wants to be asked again.
    """

    def __init__(
        self,
        reason: str,
        *,
        unavailable: bool = False,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.unavailable = unavailable
        self.retry_after_seconds = retry_after_seconds


def failure(error: Exception) -> str:
    """What the engine is told of an exception of a sink."""
    if isinstance(error, Undelivered):
        return json.dumps(
            {
                "reason": error.reason,
                "retry_after_seconds": error.retry_after_seconds,
                "unavailable": error.unavailable,
            }
        )
    if isinstance(error, UnavailableError):
        return json.dumps({"reason": error.code, "unavailable": True})
    return _UNSAID


def relay_of(native: Native, sink: str, tell: object, settings: Mapping[str, object]) -> NativeRelay:
    """A relay; what is `None` is as usual."""
    if not callable(tell):
        raise TypeError(f"`tell` takes a callable, not {type(tell).__name__}")
    said = {name: _plain(value) for name, value in settings.items() if value is not None}
    return native.relay(sink, json.dumps(said))


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def backup(native: Native, path: str | os.PathLike[str]) -> Backup:
    """Backs up every book."""
    made: Backup = json.loads(native.backup(os.fspath(path)))
    return made


def copy_book(native: Native, book_id: str, to: Native) -> Copied:
    """Copies to another engine what it lacks of a book."""
    copied: Copied = json.loads(native.copy_book(book_id, to))
    return copied


def restore(backup: str | os.PathLike[str], url: str) -> Backup:
    """Restores a backup, whatever store it was made of, where a URL says, and gives what it holds.

    Everything in it is checked before anything is written. `sqlite:PATH` names a file that must not
    be there yet. Into PostgreSQL its books are copied: those that are not there, and the rest of
    those whose history there is the beginning of the one in the backup; so what was cut off goes on
    when it is repeated. Where the database has another history of a book, or a longer one, the
    error is `id_conflict`, and nothing is written. `memory:` keeps nothing, and thereby tries a
    backup.

    Args:
        backup: The backup's file, which is only read.
        url: The store.
    """
    restored: Backup = json.loads(_native.restore(os.fspath(backup), url))
    return restored


class Relay:
    """Delivers the events of all books to one sink, a round at a time. `Engine.relay` makes it."""

    __slots__ = ("_native", "_sink", "_tell")

    def __init__(
        self, native: NativeRelay, sink: str, tell: Callable[[Outgoing], object]
    ) -> None:
        self._native = native
        self._sink = sink
        self._tell = tell

    def round(self) -> Round:
        """Gives each book whose events wait a turn, and waits until they had it.

        The sink is called in this thread. Call it again at once where there was `more`, otherwise
        after a pause. Where the sink raises what is no `Exception`, such as Ctrl-C, the round ends
        with that, and the book that had its turn waits until the lease runs out.
        """

        def ask(event: str, answer: Answer) -> None:
            try:
                self._tell(json.loads(event))
            except Exception as error:
                answer.give(failure(error))
            else:
                answer.give(None)

        done: Round = json.loads(self._native.round(ask))
        return done

    def __repr__(self) -> str:
        return f"<fiscaflow.Relay {self._sink!r}>"


class Inbox:
    """A consumer of events whose effects are writes of the engine, each of which happens once.

    Args:
        consumer: Its name, under which it is remembered what it has done.
        actor: As whom it acts: a member of the books.
    """

    __slots__ = ("_native",)

    def __init__(self, consumer: str, *, actor: str) -> None:
        self._native = NativeInbox(consumer, actor)

    def context(self, it: Outgoing) -> dict[str, Any]:
        """How a write says that it is the effect of an event: keyword arguments of
        `Engine.book`.

        Args:
            it: The event.
        """
        event = it["event"]
        context: dict[str, Any] = json.loads(
            self._native.context(event["id"], event["correlation_id"])
        )
        return context

    def once(
        self, engine: Engine, it: Outgoing, effect: Callable[[Book], Result]
    ) -> Result | None:
        """Does what an event calls for, one write on its book, unless it was done before. The
        answer is the first one; `None` where the first time something else was written.

        Args:
            engine: The engine with the event's book.
            it: The event.
            effect: Makes the one write on the book that it is given.
        """
        try:
            return effect(engine.book(it["book_id"], **self.context(it)))
        except RejectedError as error:
            if error.code == "idempotency_key_reused":
                return None
            raise
