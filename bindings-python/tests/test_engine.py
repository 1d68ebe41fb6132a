"""Handles: context, closing, threads, asyncio and forks."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import fiscaflow
import pytest
from fiscaflow import aio

THREADS = 8
CALLS = 25


def test_the_context_reaches_the_history(home: fiscaflow.Book) -> None:
    told = home.with_(reason="moving in", correlation_id="request-7")
    told.accounts.create(name="Giro")
    entry = home.history.list()[-1]
    assert (entry["action"], entry["actor"]) == ("accounts.create", "anna")
    assert (entry["reason"], entry["correlation_id"]) == ("moving in", "request-7")
    assert home.history.list(after=entry["seq"]) == []


def test_with_keeps_what_it_is_not_told(engine: fiscaflow.Engine, home: fiscaflow.Book) -> None:
    book_id = home.get()["id"]
    once = engine.book(book_id, actor="anna", idempotency_key="first").with_(reason="again")
    first = once.accounts.create(name="Giro")
    assert once.accounts.create(name="Giro") == first
    assert len(home.accounts.list()) == 1
    with pytest.raises(fiscaflow.RejectedError, match="idempotency_key_reused"):
        once.accounts.create(name="Savings")
    assert home.with_(actor="boris")._scope.context == {"actor": "boris"}


def test_a_handle_tells_what_it_is(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "books.db"
    with fiscaflow.open(f"sqlite:{path}") as engine:
        assert repr(engine) == f"<fiscaflow.Engine 'sqlite:{path}'>"
        book = engine.books(actor="anna").create(name="Home", currency="EUR")
        home = engine.book(book["id"], actor="anna")
        assert repr(home) == f"<fiscaflow.Book '{book['id']}' actor='anna'>"
        assert repr(home.accounts) == f"<fiscaflow.Accounts '{book['id']}' actor='anna'>"
    assert path.exists()


def test_a_file_keeps_its_books(tmp_path: pathlib.Path) -> None:
    url = f"sqlite:{tmp_path / 'books.db'}"
    with fiscaflow.open(url) as engine:
        book = engine.books(actor="anna").create(name="Home", currency="EUR")
    with fiscaflow.open(url) as engine:
        assert engine.book(book["id"], actor="anna").get() == book


@pytest.mark.parametrize("kind", ["memory:", "sqlite:"])
def test_threads_work_side_by_side(kind: str, tmp_path: pathlib.Path) -> None:
    url = kind if kind == "memory:" else f"{kind}{tmp_path / 'books.db'}"
    with fiscaflow.open(url) as engine:
        book = engine.books(actor="anna").create(name="Home", currency="EUR")
        home = engine.book(book["id"], actor="anna")
        giro = home.accounts.create(name="Giro")
        barrier = threading.Barrier(THREADS)

        def work(thread: int) -> None:
            barrier.wait()
            for call in range(CALLS):
                key = f"{thread}-{call}"
                while True:
                    try:
                        home.with_(idempotency_key=key).transactions.create(
                            account_id=giro["id"], booking_date="2026-03-01", amount="-0.01"
                        )
                        break
                    except fiscaflow.UnavailableError as error:
                        assert error.code == "conflict"
                home.transactions.list(limit=5)

        with ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(work, thread) for thread in range(THREADS)]:
                done.result(timeout=120)
        (line,) = home.reports.balances()
        assert line["balance"] == {"value": "-2.00", "currency": "EUR"}
        assert home.history.verify()["verified"]


def test_other_threads_run_during_a_call(home: fiscaflow.Book) -> None:
    """Python itself never takes the interpreter away from a thread here: only a call gives it up."""
    started = threading.Event()
    ran = threading.Event()

    def work() -> None:
        started.wait()
        ran.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(3600)
    try:
        started.set()
        for _ in range(1_000):
            home.get()
            if ran.is_set():
                break
        assert ran.is_set()
    finally:
        sys.setswitchinterval(interval)
    thread.join(timeout=60)


def test_asyncio_calls_run_together() -> None:
    async def run() -> None:
        engine = await aio.open("memory:")
        async with engine:
            book = await engine.books(actor="anna").create(name="Home", currency="EUR")
            home = engine.book(book["id"], actor="anna")
            pages = await asyncio.gather(*(home.transactions.list() for _ in range(50)))
            assert all(page == {"items": [], "next_cursor": None} for page in pages)
            assert repr(engine) == "<fiscaflow.aio.Engine 'memory:'>"
        assert repr(engine) == "<fiscaflow.aio.Engine 'memory:' closed>"

    asyncio.run(run())


def test_asyncio_calls_can_be_cancelled() -> None:
    async def run() -> None:
        async with aio.open("memory:") as engine:
            book = await engine.books(actor="anna").create(name="Home", currency="EUR")
            home = engine.book(book["id"], actor="anna")
            tasks = [asyncio.ensure_future(home.accounts.list()) for _ in range(20)]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            assert await home.accounts.list() == []

    asyncio.run(run())


def test_asyncio_serves_one_loop_after_the_other() -> None:
    async def run() -> str:
        async with aio.open("memory:") as engine:
            return (await engine.books(actor="anna").create(name="Home", currency="EUR"))["name"]

    assert [asyncio.run(run()) for _ in range(3)] == ["Home"] * 3


UNFINISHED = """
import asyncio, sys
import fiscaflow
from fiscaflow import aio

async def main():
    engine = await aio.open(sys.argv[1])
    for _ in range(50):
        asyncio.ensure_future(engine.books(actor="anna").create(name="Home", currency="EUR"))
    await asyncio.sleep(0.001)

left_open = fiscaflow.open(sys.argv[1])
asyncio.run(main())
"""


def test_a_program_ends_in_the_midst_of_its_work(tmp_path: pathlib.Path) -> None:
    for run in range(10):
        url = f"sqlite:{tmp_path / f'{run}.db'}"
        command = [sys.executable, "-c", UNFINISHED, url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_asyncio_after_a_fork() -> None:
    async def run() -> str:
        async with aio.open("memory:") as engine:
            return (await engine.books(actor="anna").create(name="Home", currency="EUR"))["name"]

    assert asyncio.run(run()) == "Home"
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    process = context.Process(target=lambda: results.put(asyncio.run(run())))
    process.start()
    process.join(60)
    assert process.exitcode == 0
    assert results.get() == "Home"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_after_a_fork_an_engine_is_opened_anew(tmp_path: pathlib.Path) -> None:
    url = f"sqlite:{tmp_path / 'books.db'}"
    with fiscaflow.open(url) as engine:
        book = engine.books(actor="anna").create(name="Home", currency="EUR")
        home = engine.book(book["id"], actor="anna")
        context = multiprocessing.get_context("fork")
        results = context.SimpleQueue()

        def child() -> None:
            try:
                home.get()
            except fiscaflow.UnavailableError as error:
                results.put(error.code)
            with fiscaflow.open(url) as own:
                results.put(own.book(book["id"], actor="anna").get()["name"])

        process = context.Process(target=child)
        process.start()
        process.join(60)
        assert process.exitcode == 0
        assert [results.get(), results.get()] == ["closed", "Home"]
        assert home.get() == book
        assert home.history.verify()["verified"]


HOLDER = """
import sqlite3, sys
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def control_c() -> Iterator[None]:
    """Control-C as a person's shell gives it: what runs in a shell's background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("control_c")
def test_control_c_ends_a_call_that_takes_long(tmp_path: pathlib.Path) -> None:
    """Another process keeps the place of the file's only writer: the call has to wait."""
    path = tmp_path / "books.db"
    with fiscaflow.open(f"sqlite:{path}") as engine:
        book = engine.books(actor="anna").create(name="Home", currency="EUR")
        home = engine.book(book["id"], actor="anna", idempotency_key="giro")
        command = [sys.executable, "-c", HOLDER, str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
            timer.start()
            with pytest.raises(KeyboardInterrupt):
                home.accounts.create(name="Giro")
            holder.communicate()
        # What was under way may have been written: the key tells a repeat from a second request.
        assert home.accounts.create(name="Giro")["name"] == "Giro"
        assert len(home.accounts.list()) == 1
