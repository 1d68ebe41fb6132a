"""Books in a second place: backups, copies from engine to engine, and PostgreSQL."""

from __future__ import annotations

import asyncio
import json
import os
import pathlib

import fiscaflow
import pytest
from fiscaflow import aio

NOWHERE = "01890000-0000-7000-8000-000000000000"


def live(book: fiscaflow.Book, first: int, last: int) -> None:
    """Some writes, each of which happens once."""
    for number in range(first, last):
        once = book.with_(idempotency_key=f"account {number}", reason="moving in")
        once.accounts.create(name=f"Account {number}", opening_balance=f"{number}.50")


def history(book: fiscaflow.Book) -> str:
    """Everything that happened, and the proof of it."""
    verification = book.history.verify()
    assert verification["verified"]
    return json.dumps([verification, book.history.list(limit=500), book.accounts.list()])


def test_a_backup_is_restored_as_it_was(tmp_path: pathlib.Path) -> None:
    for kind in ["memory:", f"sqlite:{tmp_path / 'books.db'}"]:
        backup, again = tmp_path / f"{kind[:6]}.backup", tmp_path / f"{kind[:6]}.again"
        with fiscaflow.open(kind) as engine:
            id = engine.books(actor="anna").create(name="Home", currency="EUR")["id"]
            home = engine.book(id, actor="anna")
            live(home, 0, 5)
            made = engine.backup(backup)
            assert (made["books"], made["commits"]) == (1, 6)
            assert made["bytes"] == backup.stat().st_size
            assert fiscaflow.restore(backup, f"sqlite:{again}")["commits"] == 6
            with fiscaflow.open(f"sqlite:{again}") as other:
                restored = other.book(id, actor="anna")
                assert history(restored) == history(home)
                live(restored, 0, 6)
                assert len(restored.accounts.list()) == 6
            for taken in (backup, str(backup)):
                with pytest.raises(fiscaflow.RejectedError) as refused:
                    engine.backup(taken)
                assert (refused.value.code, refused.value.field) == ("invalid_input", "path")
    with pytest.raises(fiscaflow.RejectedError) as refused:
        fiscaflow.restore(tmp_path / "none", "memory:")
    assert (refused.value.code, refused.value.field) == ("invalid_input", "backup")
    with pytest.raises(fiscaflow.UnavailableError, match="closed"):
        engine.backup(tmp_path / "late")


def test_a_book_is_copied_there_and_back(tmp_path: pathlib.Path) -> None:
    urls = [f"sqlite:{tmp_path / name}.db" for name in ("phone", "server")]
    with fiscaflow.open(urls[0]) as phone, fiscaflow.open(urls[1]) as server:
        id = phone.books(actor="anna").create(name="Home", currency="EUR")["id"]
        here, there = (engine.book(id, actor="anna") for engine in (phone, server))
        live(here, 0, 3)
        copied = phone.copy_book(id, server)
        assert (copied["commits"], copied["head"]["seq"]) == (4, 4)
        assert copied["head"]["hash"] == here.history.verify()["head"]
        assert phone.copy_book(id, server)["commits"] == 0
        assert history(here) == history(there)
        live(there, 0, 5)
        assert server.copy_book(id, phone)["commits"] == 2
        assert history(here) == history(there)
        here.accounts.create(name="Cash")
        there.accounts.create(name="Savings")
        with pytest.raises(fiscaflow.RejectedError) as refused:
            phone.copy_book(id, server)
        assert (refused.value.code, refused.value.id) == ("id_conflict", "7")
        for wrong, code in [(NOWHERE, "book_not_found"), ("home", "invalid_input")]:
            with pytest.raises(fiscaflow.RejectedError) as refused:
                phone.copy_book(wrong, server)
            assert refused.value.code == code


def test_asyncio_copies_alike(tmp_path: pathlib.Path) -> None:
    async def run() -> None:
        backup, again = tmp_path / "backup", f"sqlite:{tmp_path / 'again.db'}"
        async with aio.open("memory:") as engine, aio.open("sqlite::memory:") as other:
            id = (await engine.books(actor="anna").create(name="Home", currency="EUR"))["id"]
            assert (await engine.copy_book(id, other))["commits"] == 1
            assert (await other.backup(backup))["commits"] == 1
            assert (await aio.restore(backup, again))["books"] == 1
            async with aio.open(again) as restored:
                assert (await restored.book(id, actor="anna").get())["name"] == "Home"
            with pytest.raises(fiscaflow.RejectedError, match="there already"):
                await aio.restore(backup, again)

    asyncio.run(run())


@pytest.mark.skipif(
    "FISCAFLOW_TEST_DATABASE" not in os.environ,
    reason="FISCAFLOW_TEST_DATABASE names no PostgreSQL database; `cargo xtask test` starts one",
)
def test_books_live_in_postgresql_too(tmp_path: pathlib.Path) -> None:
    url = os.environ["FISCAFLOW_TEST_DATABASE"]
    with fiscaflow.open(url) as server, fiscaflow.open(f"sqlite:{tmp_path / 'a.db'}") as phone:
        id = phone.books(actor="anna").create(name="Home", currency="EUR")["id"]
        here, there = (engine.book(id, actor="anna") for engine in (phone, server))
        live(here, 0, 3)
        assert phone.copy_book(id, server)["commits"] == 4
        live(there, 0, 5)
        assert server.copy_book(id, phone)["commits"] == 2
        assert history(here) == history(there)
        assert server.backup(tmp_path / "backup")["books"] >= 1
        fiscaflow.restore(tmp_path / "backup", url)
        live(there, 5, 6)
        with pytest.raises(fiscaflow.RejectedError) as refused:
            fiscaflow.restore(tmp_path / "backup", url)
        assert (refused.value.code, refused.value.id) == ("id_conflict", id)
        told: list[str] = []
        relay = server.relay("names", lambda it: told.append(it["event"]["name"]))
        assert relay.round()["delivered"] == len(told) >= 7
        assert relay.round()["delivered"] == 0
    with fiscaflow.open(f"sqlite:{tmp_path / 'backup'}") as backup:
        assert len(backup.book(id, actor="anna").accounts.list()) == 5
