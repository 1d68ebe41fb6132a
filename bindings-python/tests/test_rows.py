"""Rows of answers as tables and pictures, against the dictionaries that they are made of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import fiscaflow
import pytest
from fiscaflow import Rows

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed")
pandas = pytest.importorskip("pandas", reason="pandas is not installed")
polars = pytest.importorskip("polars", reason="polars is not installed")
pyarrow = pytest.importorskip("pyarrow", reason="pyarrow is not installed")
pyplot = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
matplotlib.use("Agg")


@pytest.fixture(name="home")
def _home() -> Iterator[fiscaflow.Book]:
    with fiscaflow.open("memory:") as engine:
        book = engine.books(actor="anna").create(name="Home", currency="EUR")
        home = engine.book(book["id"], actor="anna")
        giro = home.accounts.create(name="Giro", opening_balance="100.00")
        yen = home.accounts.create(name="Yen", currency="JPY")
        food = home.categories.create(name="Food <b>")
        home.budgets.create(name="Food", category_ids=[food["id"]], limit="50.00")
        for month in range(1, 7):
            day = f"2026-{month:02}"
            home.transactions.create(
                account_id=giro["id"],
                booking_date=f"{day}-01",
                amount="2000.10",
                payee="Employer",
            )
            home.transactions.create(
                account_id=giro["id"],
                booking_date=f"{day}-05",
                amount=f"-{month}0.05",
                payee="Markt",
                category_id=food["id"],
            )
        home.transactions.create(account_id=yen["id"], booking_date="2026-03-02", amount="-700")
        yield home


def euros(rows: list[Any], member: str) -> Rows[Any]:
    """The rows of one currency."""
    return Rows([row for row in rows if row[member]["currency"] == "EUR"])


def test_rows_are_the_list_that_they_were(home: fiscaflow.Book) -> None:
    """Holds: rows equal the plain list and are written as one, so nobody has to change anything."""
    rows = home.reports.cash_flow()
    assert isinstance(rows, list)
    assert rows == json.loads(json.dumps(rows))
    assert rows[0]["income"] == {"value": "2000.10", "currency": "EUR"}


def test_tables_are_exact(home: fiscaflow.Book) -> None:
    """Holds: Arrow, pandas and Polars have every amount to the last digit, with its currency."""
    rows = home.reports.cash_flow()
    nets = [Decimal(row["net"]["value"]) for row in rows]
    codes = [row["net"]["currency"] for row in rows]
    assert set(codes) == {"EUR", "JPY"}
    table = rows.to_arrow()
    assert {"month", "income", "currency", "spending", "net"} <= set(table.column_names)
    assert table["net"].type == pyarrow.decimal128(38, 2)
    assert table["net"].to_pylist() == nets
    assert table["currency"].to_pylist() == codes
    assert rows.to_pandas()["net"].tolist() == nets
    assert rows.to_polars()["net"].to_list() == nets
    assert rows.to_pandas()["net"].sum() == sum(nets)
    assert polars.DataFrame(rows.to_arrow()).equals(rows.to_polars())


def test_arrow_takes_rows_themselves(home: fiscaflow.Book) -> None:
    """Holds: what speaks the PyCapsule interface makes the same table of the rows, without help."""
    rows = home.reports.balances(from_="2026-01-01", to="2026-01-03")
    table = pyarrow.RecordBatchReader.from_stream(rows).read_all()
    assert table.equals(rows.to_arrow())
    assert table["date"].type == pyarrow.date32()
    assert table["date"].to_pylist()[0] == date(2026, 1, 1)


def test_arrow_memory_is_not_copied(home: fiscaflow.Book) -> None:
    """Holds: Polars and pandas look at the very bytes that Arrow has."""
    table = home.reports.spending().to_arrow()
    count = table["transactions"].combine_chunks()
    frame = pandas.DataFrame({"n": pandas.arrays.ArrowExtensionArray(count)})
    held = frame["n"].array._pa_array.chunk(0).buffers()[1]
    assert held.address == count.buffers()[1].address
    series = polars.from_arrow(count)
    assert isinstance(series, polars.Series)
    assert series.to_arrow().buffers()[1].address == count.buffers()[1].address


def test_columns_of_several_currencies_are_apart() -> None:
    """Holds: a row with amounts in two currencies has a column of codes for each of them."""
    rows: Rows[dict[str, Any]] = Rows(
        [
            {"a": {"value": "1.0", "currency": "EUR"}, "b": {"value": "2", "currency": "JPY"}},
            {"a": None, "b": {"value": "3", "currency": "JPY"}},
        ]
    )
    columns = rows.columns()
    assert columns["a_currency"] == ["EUR", None]
    assert columns["b_currency"] == ["JPY", "JPY"]
    assert columns["a"] == [Decimal("1.0"), None]
    assert Rows([]).to_arrow().num_rows == 0


def test_text_that_looks_like_a_day_stays_text() -> None:
    """Holds: only members that are days become days, and one that is none breaks nothing."""
    rows: Rows[dict[str, Any]] = Rows([{"reference": "2026-01-31", "date": "2026-00-12"}])
    assert rows.columns() == {"reference": ["2026-01-31"], "date": ["2026-00-12"]}
    assert "2026-00-12" in rows._repr_html_()


def test_notebooks_show_text_as_text(home: fiscaflow.Book) -> None:
    """Holds: what a bank or a person wrote is shown and never run."""
    page = home.categories.list()._repr_html_()
    assert "Food &lt;b&gt;" in page
    assert "<b>" not in page
    many: Rows[dict[str, Any]] = Rows([{"n": number} for number in range(60)])
    assert "and 10 more rows" in many._repr_html_()


def test_pictures(home: fiscaflow.Book) -> None:
    """Holds: every kind of answer that has a picture is drawn, with bars as high as its amounts."""
    names = {row["id"]: row["name"] for row in home.categories.list()}
    with pytest.raises(ValueError, match="several currencies"):
        home.reports.spending().plot(names=names)
    spent = euros(home.reports.spending(), "spent").plot(names=names)
    heights = sorted(round(bar.get_height(), 2) for bar in spent.patches if bar.get_height())
    assert heights == [10.05, 20.05, 30.05, 40.05, 50.05, 60.05]
    assert "Food <b>" in [text.get_text() for text in spent.get_legend().get_texts()]
    net = euros(home.reports.cash_flow(), "net").plot().lines[0].get_ydata()
    assert [round(float(it), 2) for it in net][:2] == [1990.05, 1980.05]
    worth = home.reports.net_worth(from_="2026-01-01", to="2026-06-30").plot()
    assert len(worth.lines) == 2
    held = home.reports.balances(from_="2026-01-01", to="2026-01-31").plot()
    assert len(held.lines) == 2
    used = home.budgets.state(month="2026-06").plot()
    assert [round(bar.get_width(), 2) for bar in used.patches] == [50.0, 60.05]
    payees = euros(home.reports.top_payees(), "total").plot()
    assert payees.patches[0].get_width() == pytest.approx(210.3)
    report = home.reports.run(
        report={
            "by": ["category", "month"],
            "currency": "EUR",
            "filter": {"kind": "currency", "codes": ["EUR"]},
        }
    )
    labels = Rows(report["rows"]).plot(names=names).get_yticklabels()
    assert labels[0].get_text() == "Food <b>, 2026-01-01"
    ahead = Rows(home.reports.forecast(as_of="2026-06-30", days=40)["days"])
    assert len(ahead.plot().lines[0].get_ydata()) == 40
    with pytest.raises(ValueError, match="no picture"):
        home.categories.list().plot()
    pyplot.close("all")
