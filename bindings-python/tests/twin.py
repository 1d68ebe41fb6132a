"""Budgets as `docs/budgets.md` tells them, computed from an export in the plainest way: every line
is looked at for every period, and the first day of a period is found by walking back day by day.
"""

from __future__ import annotations

import calendar
import datetime
import decimal
import itertools
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

DAY = datetime.timedelta(days=1)
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
Json = dict[str, Any]


class Line(NamedTuple):
    """A transaction, or a part of a split one."""

    id: str
    date: datetime.date
    account: str
    category: str | None
    tags: frozenset[str]
    currency: str
    minor: int
    pending: bool
    is_out: bool
    """Whether money goes out by the transaction as a whole."""


def minor(amount: Json) -> int:
    """The count of minor units, by the places that are written."""
    return int(amount["value"].replace(".", ""))


def counts(row: Json) -> bool:
    """Whether a transaction is in any figure."""
    return not row["deleted"] and row["status"] != "void"


def lines(export: Json) -> Iterator[Line]:
    """What counts in figures, transfers left out."""
    for row in export["transactions"]:
        if not counts(row) or row["transfer_id"] is not None:
            continue
        for part in row["splits"] or [row]:
            yield Line(
                row["id"],
                datetime.date.fromisoformat(row["booking_date"]),
                row["account_id"],
                part["category_id"],
                frozenset(row["tags"]),
                part["amount"]["currency"],
                minor(part["amount"]),
                row["status"] == "pending",
                minor(row["amount"]) < 0,
            )


def is_start(period: Json) -> Callable[[datetime.date], bool]:
    """Whether a day is the first of a period."""

    def last(day: datetime.date) -> int:
        return calendar.monthrange(day.year, day.month)[1]

    def months(length: int, month: int, number: int) -> Callable[[datetime.date], bool]:
        def starts(day: datetime.date) -> bool:
            passed = day.year * 12 + day.month - month
            return passed % length == 0 and day.day == min(number, last(day))

        return starts

    kind = period["kind"]
    if kind == "weeks":
        first = period.get("first_day", "monday")
        return lambda day: WEEKDAYS[day.weekday()] == first
    if kind == "months":
        return months(1, 0, period.get("start_day", 1))
    if kind == "quarters":
        return months(3, period.get("start_month", 1), 1)
    if kind == "years":
        return months(12, period.get("start_month", 1), period.get("start_day", 1))
    if kind == "semi_months":
        first, second = period.get("first_day", 1), period.get("second_day", 16)
        return lambda day: day.day == first or day.day == min(second, last(day))
    anchor = datetime.date.fromisoformat(period["anchor"])
    count, unit = period["count"], period["unit"]
    if unit in ("days", "weeks"):
        length = count * (7 if unit == "weeks" else 1)
        return lambda day: (day - anchor).days % length == 0
    length = count * (12 if unit == "years" else 1)
    return months(length, anchor.year * 12 + anchor.month, anchor.day)


def periods(
    period: Json, first: datetime.date, last: datetime.date
) -> list[tuple[datetime.date, datetime.date]]:
    """The first and last days of the periods from the one of a day to the one of another."""
    starts = is_start(period)
    day = first
    while not starts(day):
        day -= DAY
    borders = [day]
    while day <= last or not starts(day):
        day += DAY
        if starts(day):
            borders.append(day)
    return [(it, after - DAY) for it, after in itertools.pairwise(borders)]


def scope(export: Json, budget: Json) -> Callable[[Line], bool]:
    """Whether a line is spending that the budget counts."""
    parents = {it["id"]: it["parent_id"] for it in export["categories"]}
    kinds = {it["id"]: it["kind"] for it in export["categories"]}

    def is_below(category: str | None, ids: list[str]) -> bool:
        while category is not None:
            if category in ids:
                return True
            category = parents[category]
        return False

    def counts(line: Line) -> bool:
        is_spending = line.is_out if line.category is None else kinds[line.category] == "expense"
        return (
            is_spending
            and line.currency == budget["limit"]["currency"]
            and (not budget["category_ids"] or is_below(line.category, budget["category_ids"]))
            and not is_below(line.category, budget["except_category_ids"])
            and (not budget["tags"] or bool(line.tags & set(budget["tags"])))
            and (not budget["account_ids"] or line.account in budget["account_ids"])
        )

    return counts


def history(
    export: Json, budget: Json, span: tuple[datetime.date, datetime.date], as_of: datetime.date
) -> list[Json]:
    """The chain of a budget's periods from its first on; of it, those of a span of days."""
    counts = scope(export, budget)
    counted = [line for line in lines(export) if counts(line)]
    first, last = span
    if budget["start"] is not None:
        first = datetime.date.fromisoformat(budget["start"])
    states: list[Json] = []
    left, before = 0, None
    for number, (begin, end) in enumerate(periods(budget["period"], first, last)):
        carried = _carried(budget, left) if number > 0 else 0
        rollover = budget["rollover"]
        if rollover["reset_every"] is not None and number % rollover["reset_every"] == 0:
            carried = 0
        if rollover["reset_yearly"] and before is not None and before.year != begin.year:
            carried = 0
        before = begin
        state, left = _state(budget, (begin, end), carried, counted, as_of)
        if end >= span[0]:
            states.append(state)
    return states


def _carried(budget: Json, left: int) -> int:
    """What of a period's end the next one begins with."""
    rollover = budget["rollover"]
    carry = rollover["carry"]
    surplus = max(left, 0) if carry in ("surplus", "both") else 0
    if rollover["cap"] is not None:
        places = decimal.Decimal(budget["limit"]["value"]).as_tuple().exponent
        surplus = min(surplus, int(decimal.Decimal(rollover["cap"]).scaleb(-int(places))))
    return surplus + (min(left, 0) if carry in ("deficit", "both") else 0)


def _state(
    budget: Json,
    period: tuple[datetime.date, datetime.date],
    carried: int,
    counted: list[Line],
    as_of: datetime.date,
) -> tuple[Json, int]:
    begin, end = period
    inside = [line for line in counted if begin <= line.date <= end]
    spent = -sum(line.minor for line in inside if not line.pending)
    reserved = -sum(line.minor for line in inside if line.pending)
    used_lines = [line for line in inside if budget["pending_counts"] or not line.pending]
    used = -sum(line.minor for line in used_lines)
    by_now = -sum(line.minor for line in used_lines if line.date <= as_of)
    available = minor(budget["limit"]) + carried
    days = (end - begin).days + 1
    passed = min(max((as_of - begin).days + 1, 0), days)
    expected = round(Fraction(max(available, 0) * passed, days))
    percent = None
    if available > 0:
        # With one decimal place.
        tenths = round(Fraction(used * 1000, available))
        percent = decimal.Decimal(tenths).scaleb(-1)
    state = {
        "from": begin.isoformat(),
        "to": end.isoformat(),
        "limit": minor(budget["limit"]),
        "carried_in": carried,
        "spent": spent,
        "reserved": reserved,
        "remaining": available - used,
        "used_percent": percent,
        "days": days,
        "days_passed": passed,
        "expected": expected,
        "ahead": by_now - expected,
        "projected": round(Fraction(by_now * days, passed)) if passed else None,
        "reached": [it for it in budget["thresholds"] if used > 0 and used * 100 >= available * it],
        "transactions": len(inside),
        "witness": sorted({line.id for line in used_lines}),
    }
    return state, available - used
