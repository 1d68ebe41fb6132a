"""The rows of an answer: a list that also is a table, a picture and a page of a notebook."""

from __future__ import annotations

import datetime
import decimal
import html
import importlib
import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

Row = TypeVar("Row")

# Names of columns that hold days; texts that look like one stay texts elsewhere.
_DAYS = {"date", "from", "to", "as_of", "start", "end", "due", "first", "last", "next", "anchor"}
_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
# Names of columns that hold decimals although they are no amounts of money.
_NUMBERS = ("percent", "rate", "value", "amount")
_SHOWN = 50


class Rows(list[Row]):
    """Rows of an answer: the list of dictionaries that they always were, and more.

    `to_arrow()`, `to_pandas()` and `to_polars()` make a table of them; libraries that speak Arrow's
    PyCapsule interface take the rows themselves. Amounts are exact decimals there, days are dates.
    Notebooks show them as a table. `plot()` draws them. The libraries are imported where they are
    needed: `pyarrow` for tables, `matplotlib` for pictures.

        rows = home.reports.cash_flow(from_="2026-01")
        frame = rows.to_pandas()
        rows.plot()
    """

    __slots__ = ()

    def columns(self) -> dict[str, list[Any]]:
        """The rows as columns of Python's own exact values.

        An amount of money is a decimal beside a column with its currency: `currency` where all
        amounts of each row are in one, else the amount's name with `_currency` behind it. What is
        nested otherwise stands as JSON.
        """
        names = dict.fromkeys(name for row in self for name in _mapping(row))
        money = [name for name in names if any(_is_money(_mapping(row).get(name)) for row in self)]
        shared = "currency" not in names and all(
            len({row[name]["currency"] for name in money if _is_money(row.get(name))}) < 2
            for row in map(_mapping, self)
        )
        columns: dict[str, list[Any]] = {}
        for name in names:
            cells = [_mapping(row).get(name) for row in self]
            if name not in money:
                columns[name] = _plain(name, cells)
                continue
            columns[name] = [None if it is None else decimal.Decimal(it["value"]) for it in cells]
            codes = [None if it is None else it["currency"] for it in cells]
            place = "currency" if shared else f"{name}_currency"
            known = columns.setdefault(place, codes)
            columns[place] = [one or other for one, other in zip(known, codes, strict=True)]
        return columns

    def to_arrow(self) -> Any:
        """The rows as an Arrow table (`pyarrow.Table`)."""
        pyarrow = importlib.import_module("pyarrow")
        arrays = {name: _array(pyarrow, cells) for name, cells in self.columns().items()}
        return pyarrow.table(arrays)

    def to_pandas(self) -> Any:
        """The rows as a `pandas.DataFrame` over Arrow's own memory."""
        pandas = importlib.import_module("pandas")
        return self.to_arrow().to_pandas(types_mapper=pandas.ArrowDtype)

    def to_polars(self) -> Any:
        """The rows as a `polars.DataFrame` over Arrow's own memory."""
        return importlib.import_module("polars").from_arrow(self.to_arrow())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def _repr_html_(self) -> str:
        columns = self.columns()
        cells = [["" if it is None else it for it in column] for column in columns.values()]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(str(it))}</td>" for it in row) + "</tr>"
            for row in zip(*[column[:_SHOWN] for column in cells], strict=True)
        )
        more = len(self) - _SHOWN
        note = f"<p>and {more} more rows</p>" if more > 0 else ""
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{note}"

    def plot(self, *, names: Mapping[str, str] | None = None, ax: Any = None) -> Any:
        """Draws the rows as what they are of, and returns matplotlib's axes.

        Budgets become bars of what was used; cash flow, bars of income and spending with the net as
        a line; a forecast, its middle in a band; net worth and balances, lines; spending by month
        and category, stacked bars; payees and rows of reports, bars. `names` says what ids are
        called, such as `{row["id"]: row["name"] for row in home.categories.list()}`.
        """
        from . import _plots

        return _plots.draw(self, names or {}, ax)


def of(answer: Any) -> Any:
    """An answer whose list, if it is one of rows, is `Rows`."""
    if isinstance(answer, list) and all(isinstance(row, dict) for row in answer):
        return Rows(answer)
    return answer


def _mapping(row: Any) -> Mapping[str, Any]:
    return row if isinstance(row, Mapping) else {}


def _is_money(cell: Any) -> bool:
    return isinstance(cell, Mapping) and cell.keys() == {"value", "currency"}


def _plain(name: str, cells: list[Any]) -> list[Any]:
    texts = [it for it in cells if isinstance(it, str)]
    if texts and (name in _DAYS or name.endswith(("_date", "_on", "_day"))):
        try:
            return [None if it is None else datetime.date.fromisoformat(it) for it in cells]
        except ValueError:
            return cells
    is_number = name.endswith(_NUMBERS)
    if texts and is_number and all(_DECIMAL.fullmatch(it) for it in texts):
        return [None if it is None else decimal.Decimal(it) for it in cells]
    nested = any(isinstance(it, (dict, list)) for it in cells)
    return [None if it is None else json.dumps(it) for it in cells] if nested else cells


def _array(pyarrow: Any, cells: list[Any]) -> Any:
    decimals = [it for it in cells if isinstance(it, decimal.Decimal)]
    if not decimals:
        return pyarrow.array(cells)
    places = [-int(it.as_tuple().exponent) for it in decimals]
    return pyarrow.array(cells, type=pyarrow.decimal128(38, max(0, *places)))
