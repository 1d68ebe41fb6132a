"""Progress: what an import tells while it runs."""

from __future__ import annotations

import asyncio
import sys
import threading
from itertools import pairwise
from typing import Any

import fiscaflow
import pytest
from fiscaflow import aio, types

ROWS = 2_000
CONTENT = "Date,Amount,Description\n" + "".join(
    f"2026-03-01,-{row}.20,Bakery {row}\n" for row in range(ROWS)
)
FILE = CONTENT.encode()


def judge(heard: list[types.ImportProgress]) -> list[str]:
    """Checks that progress only rises and ends with all rows; gives the phases in their order."""
    phases = list(dict.fromkeys(it["phase"] for it in heard))
    assert all(it.keys() == {"phase", "done", "total"} and it["total"] == ROWS for it in heard)
    for one, following in pairwise(heard):
        if one["phase"] == following["phase"]:
            assert one["done"] < following["done"]
        else:
            assert one["done"] == ROWS
            assert phases.index(one["phase"]) + 1 == phases.index(following["phase"])
    assert heard[-1]["done"] == ROWS
    return [str(phase) for phase in phases]


def test_an_import_and_its_preview_tell_how_far_they_are(home: fiscaflow.Book) -> None:
    giro = home.accounts.create(name="Giro")["id"]
    heard: list[types.ImportProgress] = []
    threads: set[threading.Thread] = set()

    def hear(progress: types.ImportProgress) -> None:
        heard.append(progress)
        threads.add(threading.current_thread())

    home.imports.preview(content=FILE, account_id=giro, progress=hear)
    assert judge(heard) == ["read", "match"]
    heard.clear()
    report = home.imports.create(content=FILE, account_id=giro, progress=hear)
    assert report["imported"] == ROWS
    assert judge(heard) == ["read", "match", "store"]
    assert len(heard) > 100
    assert threads == {threading.current_thread()}


def test_what_is_raised_is_reported_and_harms_nothing(
    home: fiscaflow.Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    giro = home.accounts.create(name="Giro")["id"]
    raised: list[Any] = []
    calls = 0
    monkeypatch.setattr(sys, "unraisablehook", lambda it: raised.append(it.exc_value))

    def hear(_: types.ImportProgress) -> None:
        nonlocal calls
        calls += 1
        raise ValueError("on purpose")

    report = home.imports.create(content=FILE, account_id=giro, progress=hear)
    assert report["imported"] == ROWS
    assert calls == len(raised) > 100
    assert all(isinstance(error, ValueError) for error in raised)
    assert home.history.verify()["verified"]


def test_what_cannot_be_called_is_refused(home: fiscaflow.Book) -> None:
    wrong: Any = "print"
    with pytest.raises(TypeError, match="`progress` takes a callable, not str"):
        home.imports.create(content=FILE, create_accounts=True, progress=wrong)
    assert home.accounts.list() == []

    async def run() -> None:
        async with aio.open("memory:") as engine:
            book = engine.book("018f5a2c-1111-7000-8000-000000000001", actor="anna")
            with pytest.raises(TypeError, match="`progress` takes a callable, not str"):
                await book.imports.preview(content=FILE, progress=wrong)

    asyncio.run(run())


def test_an_interrupt_ends_the_call(home: fiscaflow.Book) -> None:
    giro = home.accounts.create(name="Giro")["id"]

    def hear(_: types.ImportProgress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        home.imports.create(content=FILE, account_id=giro, progress=hear)
    assert home.history.verify()["verified"]


def test_a_callback_may_use_the_book(home: fiscaflow.Book) -> None:
    giro = home.accounts.create(name="Giro")["id"]

    def hear(progress: types.ImportProgress) -> None:
        if progress["phase"] == "match" and progress["done"] == 0:
            home.accounts.create(name="Cash")

    assert home.imports.create(content=FILE, account_id=giro, progress=hear)["imported"] == ROWS
    assert len(home.accounts.list()) == 2


def test_asyncio_hears_in_its_loop() -> None:
    async def run() -> None:
        async with aio.open("memory:") as engine:
            book = await engine.books(actor="anna").create(name="Home", currency="EUR")
            home = engine.book(book["id"], actor="anna")
            giro = (await home.accounts.create(name="Giro"))["id"]
            loop = asyncio.get_running_loop()
            failures: list[Any] = []
            loop.set_exception_handler(lambda _, context: failures.append(context["exception"]))
            heard: list[types.ImportProgress] = []

            def hear(progress: types.ImportProgress) -> None:
                assert asyncio.get_running_loop() is loop
                heard.append(progress)
                if len(heard) == 2:
                    raise ValueError("on purpose")

            await home.imports.preview(content=FILE, account_id=giro, progress=hear)
            assert judge(heard) == ["read", "match"]
            assert [type(error) for error in failures] == [ValueError]
            heard.clear()
            report = await home.imports.create(content=FILE, account_id=giro, progress=hear)
            assert report["imported"] == ROWS
            assert judge(heard) == ["read", "match", "store"]

    asyncio.run(run())


def test_asyncio_hears_nothing_after_cancelling() -> None:
    async def run() -> None:
        async with aio.open("memory:") as engine:
            book = await engine.books(actor="anna").create(name="Home", currency="EUR")
            home = engine.book(book["id"], actor="anna")
            giro = (await home.accounts.create(name="Giro"))["id"]
            heard: list[types.ImportProgress] = []
            call = asyncio.ensure_future(
                home.imports.create(content=FILE, account_id=giro, progress=heard.append)
            )
            await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            count = len(heard)
            assert (await home.history.verify())["verified"]
            assert len(heard) == count

    asyncio.run(run())
