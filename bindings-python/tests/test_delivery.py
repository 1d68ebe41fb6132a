"""Events: sinks that take them, sinks that do not, and effects that happen once."""

from __future__ import annotations

import asyncio
import datetime
import threading
from typing import Any

import fiscaflow
import pytest
from fiscaflow import Outgoing, aio


def names(home: fiscaflow.Book) -> list[str]:
    """The ids of all events of a book, in their order."""
    return [event["id"] for event in home.events.list(limit=500)]


def test_a_sink_is_told_everything_once_and_in_order(
    engine: fiscaflow.Engine, home: fiscaflow.Book
) -> None:
    told: list[Outgoing] = []
    threads: set[threading.Thread] = set()

    def tell(it: Outgoing) -> None:
        told.append(it)
        threads.add(threading.current_thread())

    relay = engine.relay("notes", tell)
    for number in range(30):
        home.accounts.create(name=f"Account {number}")
    done = relay.round()
    assert done == {
        "broken": [],
        "delivered": len(told),
        "more": False,
        "put_off": 0,
        "set_aside": 0,
        "unavailable": None,
    }
    assert [it["event"]["id"] for it in told] == names(home)
    assert {it["book_id"] for it in told} == {home.get()["id"]}
    assert [it["event"] for it in told] == list(home.events.list(limit=500))
    assert threads == {threading.current_thread()}
    assert repr(relay) == "<fiscaflow.Relay 'notes'>"
    before = len(told)
    assert engine.relay("notes", tell).round()["delivered"] == 0
    home.accounts.create(name="Cash")
    assert relay.round()["delivered"] == len(told) - before == 1
    assert engine.relay("others", tell).round()["delivered"] == before + 1
    late = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    assert engine.relay("late", tell, since=late).round()["delivered"] == 0


def test_what_is_refused_is_tried_again_and_set_aside(
    engine: fiscaflow.Engine, home: fiscaflow.Book
) -> None:
    home.accounts.create(name="Giro")
    home.accounts.create(name="Cash")
    poison = names(home)[1]
    told: list[str] = []
    raised: Exception = ValueError("Ann Doe")

    def tell(it: Outgoing) -> None:
        if it["event"]["id"] == poison:
            raise raised
        told.append(it["event"]["id"])

    relay = engine.relay("notes", tell, tries=3, pause_seconds=0)
    rounds = [relay.round() for _ in range(3)]
    assert [it["put_off"] for it in rounds] == [1, 1, 0]
    assert [it["set_aside"] for it in rounds] == [0, 0, 1]
    assert told == [id for id in names(home) if id != poison]
    (aside,) = home.events.delivery(sink="notes")["set_aside"]
    assert (aside["id"], aside["tries"], aside["reason"]) == (poison, 3, "the sink failed")
    home.events.redeliver(sink="notes", event_id=poison)
    raised = fiscaflow.Undelivered("the address is unknown")
    assert relay.round()["set_aside"] == 1
    (aside,) = home.events.delivery(sink="notes")["set_aside"]
    assert aside["reason"] == "the address is unknown"


def test_a_sink_that_is_away_loses_nothing(engine: fiscaflow.Engine, home: fiscaflow.Book) -> None:
    home.accounts.create(name="Giro")
    told: list[str] = []
    away: Exception | None = fiscaflow.Undelivered(
        "no network", unavailable=True, retry_after_seconds=0
    )

    def tell(it: Outgoing) -> None:
        if away is not None:
            raise away
        told.append(it["event"]["id"])

    relay = engine.relay("notes", tell, tries=1, pause_seconds=0)
    for _ in range(3):
        done = relay.round()
        assert (done["delivered"], done["set_aside"]) == (0, 0)
        assert done["unavailable"] == "no network"
    away = fiscaflow.UnavailableError("busy", "store_unavailable")
    assert relay.round()["unavailable"] == "store_unavailable"
    away = None
    assert relay.round()["delivered"] == 2
    assert told == names(home)


def test_an_interrupt_ends_the_round(engine: fiscaflow.Engine, home: fiscaflow.Book) -> None:
    def tell(_: Outgoing) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.relay("notes", tell).round()
    assert home.history.verify()["verified"]


def test_what_is_no_relay_is_refused(engine: fiscaflow.Engine) -> None:
    wrong: Any = "print"
    with pytest.raises(TypeError, match="`tell` takes a callable, not str"):
        engine.relay("notes", wrong)
    cases: list[tuple[dict[str, Any], str]] = [
        ({"tries": 0}, "tries"),
        ({"batch": 0}, "batch"),
        ({"tries": -1}, "tries"),
    ]
    for settings, field in cases:
        with pytest.raises(fiscaflow.RejectedError) as refused:
            engine.relay("notes", print, **settings)
        assert (refused.value.code, refused.value.field) == ("invalid_input", field)
    with pytest.raises(fiscaflow.RejectedError):
        engine.relay("", print)
    with pytest.raises(fiscaflow.RejectedError):
        fiscaflow.Inbox("", actor="anna")
    engine.close()
    relay = engine.relay("notes", print)
    with pytest.raises(fiscaflow.UnavailableError, match="closed"):
        relay.round()


def test_an_effect_happens_once(engine: fiscaflow.Engine, home: fiscaflow.Book) -> None:
    home.accounts.create(name="Giro")
    event = home.events.list(limit=500)[0]
    it: Outgoing = {"book_id": home.get()["id"], "event": event}
    inbox = fiscaflow.Inbox("notes", actor="anna")
    first = inbox.once(engine, it, lambda book: book.categories.create(name="Seen"))
    assert first is not None
    assert inbox.once(engine, it, lambda book: book.categories.create(name="Seen")) == first
    assert inbox.once(engine, it, lambda book: book.categories.create(name="Other")) is None
    assert [category["name"] for category in home.categories.list()] == ["Seen"]
    assert home.history.list(limit=500)[-1]["causation_id"] == event["id"]
    other = fiscaflow.Inbox("others", actor="anna")
    assert other.once(engine, it, lambda book: book.categories.create(name="Other")) is not None
    stranger = fiscaflow.Inbox("notes", actor="zoe")
    with pytest.raises(fiscaflow.RejectedError, match="book_not_found"):
        stranger.once(engine, it, lambda book: book.get())


def test_a_sink_may_write_into_the_book(engine: fiscaflow.Engine, home: fiscaflow.Book) -> None:
    inbox = fiscaflow.Inbox("names", actor="anna")

    def tell(it: Outgoing) -> None:
        if it["event"]["name"].startswith("ledger.account."):
            name = f"Category {it['event']['seq']}"
            inbox.once(engine, it, lambda book: book.categories.create(name=name))

    for name in ["Giro", "Cash"]:
        home.accounts.create(name=name)
    engine.relay("one", tell).round()
    engine.relay("two", tell).round()
    assert len(home.categories.list()) == 2


def test_asyncio_tells_in_its_loop_and_awaits_the_sink() -> None:
    async def run() -> None:
        async with aio.open("memory:") as engine:
            id = (await engine.books(actor="anna").create(name="Home", currency="EUR"))["id"]
            home = engine.book(id, actor="anna")
            await home.accounts.create(name="Giro")
            loop = asyncio.get_running_loop()
            inbox = aio.Inbox("notes", actor="anna")
            told: list[str] = []

            async def tell(it: Outgoing) -> None:
                assert asyncio.get_running_loop() is loop
                await asyncio.sleep(0)
                if not told:
                    told.append("first")
                    raise ValueError("on purpose")
                told.append(it["event"]["id"])
                name = it["event"]["id"]
                await inbox.once(engine, it, lambda book: book.categories.create(name=name))

            relay = engine.relay("notes", tell, pause_seconds=0)
            ids = [event["id"] for event in await home.events.list(limit=500)]
            assert (await relay.round())["put_off"] == 1
            assert (await relay.round())["delivered"] >= len(ids)
            assert told[1 : len(ids) + 1] == ids
            plain: list[str] = []
            other = engine.relay("plain", lambda it: plain.append(it["event"]["id"]))
            assert (await other.round())["delivered"] == len(plain)
            assert repr(other) == "<fiscaflow.aio.Relay 'plain'>"

    asyncio.run(run())


def test_asyncio_rounds_can_be_cancelled() -> None:
    async def run() -> None:
        async with aio.open("memory:") as engine:
            await engine.books(actor="anna").create(name="Home", currency="EUR")
            begun, ended = asyncio.Event(), asyncio.Event()

            async def tell(_: Outgoing) -> None:
                begun.set()
                try:
                    await asyncio.Event().wait()
                finally:
                    ended.set()

            task = asyncio.ensure_future(engine.relay("notes", tell).round())
            await begun.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await asyncio.wait_for(ended.wait(), 60)

    asyncio.run(run())
