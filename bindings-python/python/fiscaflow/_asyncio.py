"""The engine's work as what asyncio awaits."""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from . import _delivery, _native, _rows, _wire
from ._delivery import Backup, Copied, Outgoing, Round
from ._native import Answer as Reply
from ._native import Native, NativeRelay, Pending
from .errors import RejectedError

if TYPE_CHECKING:
    from .aio import Book, Engine

Answer = TypeVar("Answer")
Done = Callable[[Answer | None, BaseException | None], object]


class Scope(_wire.Scope):
    """What the calls of one handle share."""

    __slots__ = ()

    async def call_async(
        self,
        verb: str,
        request: _wire.Request | None = None,
        id: str | None = None,
        progress: _wire.Progress | None = None,
    ) -> Any:
        """Runs a verb; its progress is told in the event loop."""
        text = _wire.request_text(request)
        _wire.check_progress(progress)
        loop = asyncio.get_running_loop()
        waiting = True

        def tell(told: str) -> None:
            if waiting and progress is not None:
                progress(json.loads(told))

        def hear(told: str) -> None:
            loop.call_soon_threadsafe(tell, told)

        def start(done: Done[str]) -> Pending:
            ear = None if progress is None else hear
            context, book_id = self.context_text, self.book_id
            return self.native.start_call(verb, context, book_id, id, text, done, ear)

        try:
            return _rows.of(json.loads(await _finish(start)))
        finally:
            waiting = False


class Noun(_wire.Noun):
    """What verbs hang on."""

    __slots__ = ()
    _scope: Scope


async def open_native(url: str, secret_keys: str | None, signing_key: str | None) -> Native:
    """Opens a store."""

    def start(done: Done[Native]) -> Pending:
        return Native.start_open(url, done, secret_keys, signing_key)

    return await _finish(start)


async def close_native(native: Native) -> None:
    """Closes a store."""
    await _finish(native.start_close)


async def backup(native: Native, path: str | os.PathLike[str]) -> Backup:
    """Backs up every book."""
    place = os.fspath(path)
    made: Backup = await _answer(lambda done: native.start_backup(place, done))
    return made


async def copy_book(native: Native, book_id: str, to: Native) -> Copied:
    """Copies to another engine what it lacks of a book."""
    copied: Copied = await _answer(lambda done: native.start_copy_book(book_id, to, done))
    return copied


async def restore(backup: str | os.PathLike[str], url: str) -> Backup:
    """Restores a backup where a URL says, as `fiscaflow.restore` does.

    Args:
        backup: The backup's file, which is only read.
        url: The store.
    """
    file = os.fspath(backup)
    restored: Backup = await _answer(lambda done: _native.start_restore(file, url, done))
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

    async def round(self) -> Round:
        """Gives each book whose events wait a turn.

        The sink is called in the event loop; what can be awaited of it is awaited. Call it again at
        once where there was `more`, otherwise after a pause. Where the round is cancelled the sink
        is, too, and the book that had its turn waits until the lease runs out.
        """
        loop = asyncio.get_running_loop()
        telling: set[asyncio.Task[None]] = set()
        waiting = True

        async def tell(event: str, reply: Reply) -> None:
            try:
                told = self._tell(json.loads(event))
                if inspect.isawaitable(told):
                    await told
            except Exception as error:
                reply.give(_delivery.failure(error))
            else:
                reply.give(None)

        def begin(event: str, reply: Reply) -> None:
            if waiting:
                task = loop.create_task(tell(event, reply))
                telling.add(task)
                task.add_done_callback(telling.discard)

        def ask(event: str, reply: Reply) -> None:
            loop.call_soon_threadsafe(begin, event, reply)

        try:
            told: Round = await _answer(lambda done: self._native.start_round(ask, done))
            return told
        finally:
            waiting = False
            for task in telling:
                task.cancel()

    def __repr__(self) -> str:
        return f"<fiscaflow.aio.Relay {self._sink!r}>"


class Inbox(_delivery.Inbox):
    """A consumer of events whose effects are writes of the engine, each of which happens once.

    Args:
        consumer: Its name, under which it is remembered what it has done.
        actor: As whom it acts: a member of the books.
    """

    __slots__ = ()

    async def once(  # type: ignore[override]
        self, engine: Engine, it: Outgoing, effect: Callable[[Book], Awaitable[Answer]]
    ) -> Answer | None:
        """Does what an event calls for, one write on its book, unless it was done before. The
        answer is the first one; `None` where the first time something else was written.

        Args:
            engine: The engine with the event's book.
            it: The event.
            effect: Makes the one write on the book that it is given.
        """
        try:
            return await effect(engine.book(it["book_id"], **self.context(it)))
        except RejectedError as error:
            if error.code == "idempotency_key_reused":
                return None
            raise


async def _answer(start: Callable[[Done[str]], Pending]) -> Any:
    """Starts work and waits for its answer, which is JSON."""
    return json.loads(await _finish(start))


async def _finish(start: Callable[[Done[Answer]], Pending]) -> Answer:
    """Starts work and waits for it; what is cancelled is dropped."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Answer] = loop.create_future()

    def done(answer: Answer | None, error: BaseException | None) -> None:
        loop.call_soon_threadsafe(_settle, future, answer, error)

    pending = start(done)
    try:
        return await future
    finally:
        pending.drop()


def _settle(future: asyncio.Future[Any], answer: object, error: BaseException | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(answer)
    else:
        future.set_exception(error)
