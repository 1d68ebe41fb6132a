"""Errors: their classes, what they carry, and what is refused before the engine is asked."""

from __future__ import annotations

import asyncio
import copy
import datetime
import pathlib
import pickle
from collections.abc import Callable
from decimal import Decimal
from typing import Any, get_args

import fiscaflow
import pytest
from conftest import golden
from fiscaflow import aio, types

CLASSES = {
    "rejected": fiscaflow.RejectedError,
    "unavailable": fiscaflow.UnavailableError,
    "corrupt": fiscaflow.CorruptError,
}


def test_every_code_of_the_golden_list_is_known() -> None:
    codes = [entry["code"] for entry in golden("error-codes.json")]
    assert list(get_args(types.ErrorCode)) == codes


def test_every_lane_has_its_class() -> None:
    assert {entry["lane"] for entry in golden("error-codes.json")} == set(CLASSES)
    for lane, kind in CLASSES.items():
        assert issubclass(kind, fiscaflow.FiscaFlowError)
        assert kind.lane == lane


def test_an_error_tells_what_it_knows(home: fiscaflow.Book) -> None:
    giro = home.accounts.create(name="Giro")
    with pytest.raises(fiscaflow.RejectedError) as caught:
        home.transactions.create(
            account_id=giro["id"],
            booking_date="2026-03-01",
            amount="-10.00",
            splits=[{"amount": "-6.00"}, {"amount": "-3.99"}],
        )
    error = caught.value
    assert (error.code, error.lane, error.field) == ("split_sum", "rejected", "splits")
    assert (error.line, error.id) == (None, None)
    assert str(error) == f"{error.message} (split_sum, field splits)"


def test_an_error_names_the_object(home: fiscaflow.Book) -> None:
    missing = "018f0000-0000-7000-8000-000000000000"
    with pytest.raises(fiscaflow.RejectedError) as caught:
        home.accounts.get(missing)
    assert (caught.value.code, caught.value.id) == ("not_found", missing)
    with pytest.raises(fiscaflow.RejectedError) as caught:
        home.accounts.get("giro")
    assert (caught.value.code, caught.value.field) == ("invalid_input", "id")


def test_an_error_survives_being_copied() -> None:
    error = fiscaflow.RejectedError("no amount", "malformed_file", "TRNAMT", 7, None)
    for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(again) is fiscaflow.RejectedError
        assert vars(again) == vars(error)
        assert str(again) == "no amount (malformed_file, field TRNAMT, line 7)"


def test_an_unknown_store_is_refused() -> None:
    with pytest.raises(fiscaflow.RejectedError) as caught:
        fiscaflow.open("tape:reel-1")
    assert caught.value.field == "url"


def test_a_closed_engine_says_so(tmp_path: pathlib.Path) -> None:
    for url in ("memory:", f"sqlite:{tmp_path / 'books.db'}"):
        engine = fiscaflow.open(url)
        book = engine.books(actor="anna").create(name="Home", currency="EUR")
        home = engine.book(book["id"], actor="anna")
        engine.close()
        engine.close()
        assert "closed" in repr(engine)
        calls: list[Callable[[], object]] = [
            home.get,
            home.accounts.list,
            lambda home=home: home.accounts.create(name="Giro"),  # type: ignore[misc]
            lambda engine=engine: engine.books(actor="anna").create(name="Second", currency="EUR"),  # type: ignore[misc]
        ]
        for call in calls:
            with pytest.raises(fiscaflow.UnavailableError) as caught:
                call()
            assert caught.value.code == "closed"


def test_asyncio_raises_the_same() -> None:
    async def run() -> None:
        async with aio.open("memory:") as engine:
            book = await engine.books(actor="anna").create(name="Home", currency="EUR")
            home = engine.book(book["id"], actor="anna")
            with pytest.raises(fiscaflow.RejectedError, match="not_found"):
                await home.accounts.get(book["id"])
            with pytest.raises(TypeError, match="amount"):
                await home.transactions.create(
                    account_id=book["id"],
                    booking_date="2026-03-01",
                    amount=-2.8,  # type: ignore[arg-type]
                )
        with pytest.raises(fiscaflow.UnavailableError) as caught:
            await home.get()
        assert caught.value.code == "closed"

    asyncio.run(run())


FLOATS: list[tuple[str, dict[str, Any]]] = [
    ("amount", {"amount": -2.8}),
    ("splits[1].amount", {"splits": [{"amount": "-1"}, {"amount": -1.0}]}),
    ("metadata.rate", {"metadata": {"rate": 1.5}}),
    ("notes", {"notes": float("nan")}),
]


@pytest.mark.parametrize(("path", "wrong"), FLOATS, ids=[path for path, _ in FLOATS])
def test_a_float_is_refused_by_name(home: fiscaflow.Book, path: str, wrong: dict[str, Any]) -> None:
    giro = home.accounts.create(name="Giro")
    request = {"account_id": giro["id"], "booking_date": "2026-03-01", "amount": "-2.80", **wrong}
    with pytest.raises(TypeError) as caught:
        home.transactions.create(**request)
    assert f"`{path}`" in str(caught.value)
    assert home.transactions.list()["items"] == []


def test_other_values_that_json_lacks_are_refused_by_name(home: fiscaflow.Book) -> None:
    instant = datetime.datetime(2026, 3, 1, 12, 0)
    wrong: list[tuple[str, object]] = [("from_", instant), ("text", object()), ("tag", b"food")]
    for name, value in wrong:
        with pytest.raises(TypeError) as caught:
            home.transactions.list(**{name: value})  # type: ignore[arg-type]
        assert f"`{name.rstrip('_')}`" in str(caught.value)
    with pytest.raises(TypeError, match="`content` takes bytes"):
        home.imports.create(content="OFXHEADER:100")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "1E+999999999", "1E-999999999"])
def test_a_decimal_that_is_no_amount_is_refused(home: fiscaflow.Book, text: str) -> None:
    with pytest.raises(fiscaflow.RejectedError) as caught:
        home.accounts.create(name="Giro", opening_balance=Decimal(text))
    assert (caught.value.code, caught.value.field) == ("invalid_amount", "opening_balance")


def test_exact_values_go_in_as_they_are(home: fiscaflow.Book) -> None:
    giro = home.accounts.create(name="Giro", opening_balance=Decimal("1E+2"))
    assert giro["opening_balance"] == {"value": "100.00", "currency": "EUR"}
    made = home.transactions.create(
        account_id=giro["id"],
        booking_date=datetime.date(2026, 3, 1),
        amount=Decimal("-2.80"),
        tags=("a", "b"),
        metadata={"trip": "Österreich \U0001f600"},
    )
    assert (made["booking_date"], made["amount"]["value"]) == ("2026-03-01", "-2.80")
    assert made["tags"] == ["a", "b"]
    assert made["metadata"] == {"trip": "Österreich \U0001f600"}
