"""Pictures of answers. Floats are for drawing alone: nothing is calculated with them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

Rows = Sequence[Any]
Names = Mapping[str, str]

_MOST = 12


def draw(rows: Rows, names: Names, ax: Any) -> Any:
    """Draws rows by the members that they have."""
    if ax is None:
        ax = importlib.import_module("matplotlib.pyplot").figure(layout="constrained").gca()
    members = rows[0].keys() if rows else frozenset[str]()
    for needed, picture in _PICTURES:
        if needed <= members:
            picture(rows, names, ax)
            break
    else:
        if members:
            raise ValueError("there is no picture of rows with these members")
    return ax


def _size(money: Mapping[str, str] | None) -> float:
    return 0.0 if money is None else float(money["value"])


def _label(rows: Rows, member: str) -> str:
    """The one currency of rows whose sizes stand side by side."""
    codes = {row[member]["currency"] for row in rows if row.get(member)}
    if len(codes) > 1:
        raise ValueError("the rows are of several currencies: draw those of one")
    return "".join(codes)


def _called(row: Mapping[str, Any], names: Names) -> str:
    members = ("category_id", "group_id", "account_id", "payee", "tag", "date", "weekday")
    parts = [row[member] for member in members if row.get(member) is not None]
    return ", ".join(names.get(part, str(part)) for part in parts) or "none"


def _budgets(rows: Rows, _names: Names, ax: Any) -> None:
    places = range(len(rows))
    there = [_size(row["limit"]) + _size(row["carried_in"]) for row in rows]
    used = [_size(row["spent"]) + _size(row["reserved"]) for row in rows]
    colours = ["tab:red" if more > of else "tab:green" for more, of in zip(used, there, strict=True)]
    ax.barh(places, there, color="lightgrey", label="there")
    ax.barh(places, used, height=0.5, color=colours, label="used")
    labels = [f"{row['name']} {row['from']}" for row in rows]
    ax.set_yticks(places, labels)
    ax.invert_yaxis()
    ax.set_xlabel(_label(rows, "limit"))


def _cash_flow(rows: Rows, _names: Names, ax: Any) -> None:
    label = f"net {_label(rows, 'net')}"
    months = [row["month"] for row in rows]
    ax.bar(months, [_size(row["income"]) for row in rows], color="tab:green", alpha=0.6)
    ax.bar(months, [-_size(row["spending"]) for row in rows], color="tab:red", alpha=0.6)
    ax.plot(months, [_size(row["net"]) for row in rows], marker="o", label=label)
    ax.axhline(0, color="black", linewidth=0.8)
    ax.legend()
    ax.tick_params(axis="x", rotation=45)


def _net_worth(rows: Rows, _names: Names, ax: Any) -> None:
    for code in sorted({row["net"]["currency"] for row in rows}):
        own = [row for row in rows if row["net"]["currency"] == code]
        days = _days(own)
        ax.plot(days, [_size(row["net"]) for row in own], marker=".", label=f"net {code}")
        ax.fill_between(days, [_size(row["assets"]) for row in own], alpha=0.15, color="tab:green")
        ax.fill_between(days, [_size(row["debts"]) for row in own], alpha=0.15, color="tab:red")
    ax.legend()


def _balances(rows: Rows, names: Names, ax: Any) -> None:
    for account in dict.fromkeys(row["account_id"] for row in rows):
        own = [row for row in rows if row["account_id"] == account]
        label = f"{names.get(account, account)} {_label(own, 'balance')}"
        ax.step(_days(own), [_size(row["balance"]) for row in own], where="post", label=label)
    ax.legend()


def _forecast(rows: Rows, _names: Names, ax: Any) -> None:
    days = _days(rows)
    known = [row["low"] is not None for row in rows]
    low, high = ([_size(row[name]) for row in rows] for name in ("low", "high"))
    ax.fill_between(days, low, high, where=known, alpha=0.25, step="mid", label="interval")
    ax.plot(days, [_size(row["balance"]) for row in rows], label="expected")
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set_ylabel(_label(rows, "balance"))
    ax.legend()
    ax.tick_params(axis="x", rotation=45)


def _spending(rows: Rows, names: Names, ax: Any) -> None:
    ax.set_ylabel(_label(rows, "spent"))
    months = sorted({row["month"] for row in rows})
    below = dict.fromkeys(months, 0.0)
    totals: dict[str, float] = {}
    for row in rows:
        totals[_called(row, names)] = totals.get(_called(row, names), 0.0) + _size(row["spent"])
    largest = sorted(totals, key=lambda it: -totals[it])
    for name in largest[:_MOST] + (["others"] if len(largest) > _MOST else []):
        parts = dict.fromkeys(months, 0.0)
        for row in rows:
            called = _called(row, names)
            if called == name or (name == "others" and called in largest[_MOST:]):
                parts[row["month"]] += _size(row["spent"])
        sizes = [parts[month] for month in months]
        ax.bar(months, sizes, bottom=[below[month] for month in months], label=name)
        below = {month: below[month] + parts[month] for month in months}
    ax.legend(fontsize="small")
    ax.tick_params(axis="x", rotation=45)


def _totals(rows: Rows, names: Names, ax: Any) -> None:
    places = range(len(rows))
    ax.barh(places, [_size(row["total"]) for row in rows])
    ax.set_yticks(places, [_called(row, names) for row in rows])
    ax.invert_yaxis()
    ax.set_xlabel(_label(rows, "total"))


def _days(rows: Rows) -> list[Any]:
    numpy = importlib.import_module("numpy")
    return list(numpy.array([row["date"] or "NaT" for row in rows], dtype="datetime64[D]"))


_PICTURES = (
    ({"limit", "carried_in", "spent", "reserved", "name"}, _budgets),
    ({"month", "income", "spending", "net"}, _cash_flow),
    ({"assets", "debts", "net"}, _net_worth),
    ({"account_id", "balance", "date"}, _balances),
    ({"date", "expected", "balance", "low", "high"}, _forecast),
    ({"month", "category_id", "spent"}, _spending),
    ({"total", "transactions"}, _totals),
)
