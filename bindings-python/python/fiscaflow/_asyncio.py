"""The engine's work as what asyncio awaits."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, TypeVar

from . import _rows, _wire
from ._native import Native, Pending

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


async def open_native(url: str) -> Native:
    """Opens a store."""

    def start(done: Done[Native]) -> Pending:
        return Native.start_open(url, done)

    return await _finish(start)


async def close_native(native: Native) -> None:
    """Closes a store."""
    await _finish(native.start_close)


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
