"""Uses that a type checker accepts, and uses that it refuses. This file is checked, never run."""

from __future__ import annotations

import datetime
from decimal import Decimal

import fiscaflow
from fiscaflow import aio, types


def accepted(home: fiscaflow.Book) -> str:
    page: types.TransactionPage = home.transactions.list(
        from_=datetime.date(2026, 3, 1), to="2026-03-31", status="posted"
    )
    first: types.Transaction = page["items"][0]
    payee: str | None = first["payee"]
    home.accounts.create(name="Giro", kind="savings", opening_balance=Decimal("1.50"))
    rules: list[types.Rule] = home.rules.list()
    home.rules.update(rules[0]["id"], condition=rules[0]["condition"])
    home.rules.create(
        name="Small sums",
        condition={
            "kind": "all",
            "of": [
                {"kind": "amount", "min": Decimal("-5"), "max": "0"},
                {
                    "kind": "not",
                    "of": [{"kind": "text", "field": "payee", "op": "is", "values": []}],
                },
            ],
        },
        actions=[{"kind": "add_tag", "tag": "small"}],
    )
    home.imports.create(content=b"", progress=lambda it: print(it["phase"], it["done"]))
    engine = fiscaflow.open("memory:")
    made: fiscaflow.Backup = engine.backup("backup.db")
    copied: fiscaflow.Copied = engine.copy_book("id", engine)
    relay = engine.relay("notes", lambda it: print(it["book_id"], it["event"]["name"]), tries=3)
    done: fiscaflow.Round = relay.round()
    print(made["bytes"], copied["head"]["seq"], done["set_aside"])
    return f"{first['amount']['value']} {payee}"


def refused(home: fiscaflow.Book, engine: fiscaflow.Engine) -> None:
    home.accounts.create(name="Giro", opening_balance=1.5)  # type: ignore[arg-type]
    home.accounts.create(name="Giro", kind="piggy_bank")  # type: ignore[arg-type]
    home.accounts.create(nom="Giro")  # type: ignore[call-arg]
    home.accounts.create("Giro")  # type: ignore[call-arg]
    home.imports.create(content="text")  # type: ignore[arg-type]
    home.imports.create(content=b"", progress=1)  # type: ignore[arg-type]
    home.accounts.create(name="Giro", progress=print)  # type: ignore[call-arg]
    home.accounts.get("id")["balance"]  # type: ignore[typeddict-item]
    engine.book("id")  # type: ignore[call-arg]
    engine.relay("notes", lambda it: it["name"])  # type: ignore[typeddict-item]
    engine.copy_book("id", "sqlite:other.db")  # type: ignore[arg-type]


async def asynchronous() -> types.Verification:
    async with aio.open("memory:") as engine:
        book = engine.book("id", actor="anna")
        reason: types.Book = await book.with_(reason="check").get()
        report: types.ImportReport = await book.imports.create(content=b"", csv={"header": True})
        inbox = aio.Inbox("notes", actor="anna")

        async def tell(it: fiscaflow.Outgoing) -> None:
            seen = await inbox.once(engine, it, lambda book: book.categories.create(name="Seen"))
            print(seen["name"] if seen is not None else "other")

        done: fiscaflow.Round = await engine.relay("notes", tell).round()
        assert reason and report and done
        return await book.history.verify()
