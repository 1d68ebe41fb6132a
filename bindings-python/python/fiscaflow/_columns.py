"""Columns of a table, categorised: of pandas, Polars, Arrow, or plain sequences."""

from __future__ import annotations

import decimal
import importlib
from collections.abc import Callable
from typing import Any

from . import _native


def categorise(texts: Any, labels: Any, *, amounts: Any = None, dates: Any = None) -> Any:
    """Finds the category of each row that has none, by those that have one.

    `texts` are what the bank wrote, `labels` the categories, missing where one is to be found. All
    columns are equally long, and of pandas, Polars, Arrow (`pyarrow`), or plain sequences. Amounts
    are in the currency's main unit, of any kind of number; dates are dates, timestamps or
    `YYYY-MM-DD`.

    The answer has two columns, `category` and `probability` (0 to 1), of the kind of `texts`: a
    table, for plain sequences a dictionary. Rows with a label have neither. Every row without one
    gets its most probable category: how sure is sure enough is yours to say.

        found = fiscaflow.categorise(df["text"], df["category"], amounts=df["amount"])
        sure = found["category"].where(found["probability"] >= 0.85)
        df["category"] = df["category"].fillna(sure)
    """
    lines = _values(texts, str)
    named = _values(labels, str)
    nothing: list[Any] = [None] * len(lines)
    sizes = nothing if amounts is None else _values(amounts, _hundredths)
    days = nothing if dates is None else _values(dates, _day)
    if any(len(column) != len(lines) for column in (named, sizes, days)):
        raise ValueError("the columns are not equally long")
    names, sure = _native.categorise(lines, named, sizes, days)
    return _table(texts, {"category": names, "probability": sure})


def _values(column: Any, read: Callable[[Any], Any]) -> list[Any]:
    """A column as a list: what is missing is `None`, whatever the library calls it."""
    for name in ("to_pylist", "to_list", "tolist"):
        if hasattr(column, name):
            values = getattr(column, name)()
            break
    else:
        if hasattr(column, "__arrow_c_stream__") or hasattr(column, "__arrow_c_array__"):
            # Only where it is needed: the package itself depends on none of the libraries.
            pyarrow = importlib.import_module("pyarrow")
            values = pyarrow.chunked_array(column).to_pylist()
        else:
            values = list(column)
    return [read(value) if _present(value) else None for value in values]


def _present(value: Any) -> bool:
    try:
        # What is no number, no time or not available differs from itself, or will not say.
        return value is not None and bool(value == value)
    except TypeError:
        return False


def _hundredths(value: Any) -> int | None:
    number = decimal.Decimal(str(value))
    if not number.is_finite() or abs(number) > 10**15:
        return None
    return int((number * 100).to_integral_value())


def _day(value: Any) -> str:
    return str(value)[:10]


def _table(like: Any, columns: dict[str, list[Any]]) -> Any:
    library = type(like).__module__.partition(".")[0]
    if library == "pandas":
        pandas = importlib.import_module("pandas")
        found = pandas.DataFrame(columns, index=getattr(like, "index", None))
        return found.astype({"probability": "float64"})
    if library == "polars":
        polars = importlib.import_module("polars")
        types = {"category": polars.String, "probability": polars.Float64}
        return polars.DataFrame(columns, schema=types)
    if library == "pyarrow":
        pyarrow = importlib.import_module("pyarrow")
        types = {"category": pyarrow.string(), "probability": pyarrow.float64()}
        return pyarrow.table(columns, schema=pyarrow.schema(types.items()))
    return columns
