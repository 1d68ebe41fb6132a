"""Columns in, columns out: of every kind the same."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import fiscaflow
import pytest

pandas = pytest.importorskip("pandas", reason="pandas is not installed")
polars = pytest.importorskip("polars", reason="polars is not installed")
pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")

TEXTS = ["REWE SAGT DANKE 1", "REWE SAGT DANKE 2", "SHELL 0815", "SHELL 0816"] * 3 + [
    "REWE SAGT DANKE 99",
    "SHELL 4711",
    None,
]
LABELS = ["food", "food", "fuel", "fuel"] * 3 + [None, None, None]
AMOUNTS = ["-12.50", "-9.99", "-60.00", "-55.10"] * 3 + ["-11.00", None, "-1.00"]
DATES = ["2026-03-01"] * 13 + [None, "2026-03-02"]


def plain() -> Any:
    return fiscaflow.categorise(TEXTS, LABELS, amounts=AMOUNTS, dates=DATES)


def test_what_is_labelled_is_left_and_the_rest_is_found() -> None:
    found = plain()
    assert found["category"][:12] == [None] * 12 == found["probability"][:12]
    assert found["category"][12:14] == ["food", "fuel"]
    assert all(0.5 < sure < 1 for sure in found["probability"][12:14])


def test_every_kind_of_column_gives_the_same() -> None:
    expected = plain()
    numbers = [None if it is None else decimal.Decimal(it) for it in AMOUNTS]
    days = [None if it is None else datetime.date.fromisoformat(it) for it in DATES]

    series = {"t": TEXTS, "l": LABELS, "a": numbers, "d": days}
    of_polars = polars.DataFrame(series)
    found = fiscaflow.categorise(
        of_polars["t"], of_polars["l"], amounts=of_polars["a"], dates=of_polars["d"]
    )
    assert isinstance(found, polars.DataFrame)
    assert found.to_dict(as_series=False) == expected

    of_arrow = pyarrow.table(series)
    found = fiscaflow.categorise(
        of_arrow["t"], of_arrow["l"], amounts=of_arrow["a"], dates=of_arrow["d"]
    )
    assert isinstance(found, pyarrow.Table)
    assert found.to_pydict() == expected

    floats = [None if it is None else float(it) for it in AMOUNTS]
    of_pandas = pandas.DataFrame(
        {"t": TEXTS, "l": LABELS, "a": floats, "d": pandas.to_datetime(pandas.Series(DATES))}
    )
    of_pandas.index += 7
    found = fiscaflow.categorise(
        of_pandas["t"], of_pandas["l"], amounts=of_pandas["a"], dates=of_pandas["d"]
    )
    assert list(found.index) == list(of_pandas.index)
    for name in ("category", "probability"):
        values = [None if pandas.isna(it) else it for it in found[name]]
        assert values == expected[name]


def test_nothing_labelled_says_nothing() -> None:
    assert fiscaflow.categorise(["REWE"], [None]) == {"category": [None], "probability": [None]}
    assert fiscaflow.categorise([], []) == {"category": [], "probability": []}


def test_what_is_no_column_is_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        fiscaflow.categorise(["REWE"], [])
    with pytest.raises(fiscaflow.RejectedError) as caught:
        fiscaflow.categorise(["REWE"], [None], dates=["yesterday"])
    assert caught.value.field == "dates"
