"""Figures beside what others compute of the same book: pandas and plain Python from the JSON export,
hledger and beancount from the journals. There may be no difference, not of one cent.
"""

from __future__ import annotations

import csv
import dataclasses
import datetime
import itertools
import json
import os
import pathlib
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import fiscaflow
import pytest

import generated
import ledgers
import twin

pandas = pytest.importorskip("pandas", reason="pandas is not installed")

IS_DEEP = "FISCAFLOW_DEEP" in os.environ
SEEDS = range(40) if IS_DEEP else range(3)
COUNT = 2_000 if IS_DEEP else 500
FIRST, LAST = generated.FIRST, generated.FIRST + datetime.timedelta(days=generated.DAYS - 1)
FROM, TO = FIRST.isoformat(), LAST.isoformat()
OWN = "^(Assets|Liabilities)"


@dataclasses.dataclass(frozen=True)
class Opened:
    """A generated book, and its exports."""

    book: fiscaflow.Book
    export: dict[str, Any] = dataclasses.field(repr=False)
    hledger: str = dataclasses.field(repr=False)
    beancount: str = dataclasses.field(repr=False)
    folder: pathlib.Path

    def accounts(self) -> dict[str, str]:
        """The ids of accounts by their names in the journals."""
        return {it["name"]: it["id"] for it in self.export["accounts"]}

    def categories(self) -> dict[str, str]:
        """The ids of categories by the last part of their names in the journals."""
        return {it["name"]: it["id"] for it in self.export["categories"]}


@pytest.fixture(scope="module", params=SEEDS, ids=lambda seed: f"seed {seed}")
def opened(request: pytest.FixtureRequest, tmp_path_factory: Any) -> Iterator[Opened]:
    with fiscaflow.open("memory:") as engine:
        made = engine.books(actor="anna").create(name="Home", currency="EUR")
        book = engine.book(made["id"], actor="anna")
        text = json.dumps(generated.book(request.param, COUNT))
        book.exports.restore(content=text)
        yield Opened(
            book,
            json.loads(book.exports.create(format="json")["content"]),
            book.exports.create(format="hledger")["content"],
            book.exports.create(format="beancount")["content"],
            tmp_path_factory.mktemp("journal"),
        )


def frame(export: dict[str, Any], by_part: bool) -> Any:
    """A table of what counts: transactions, or the parts of split ones."""
    rows = [
        {
            "date": datetime.date.fromisoformat(row["booking_date"]),
            "account": row["account_id"],
            "transfer": row["transfer_id"] is not None,
            "is_out": twin.minor(row["amount"]) < 0,
            "category": part["category_id"],
            "currency": part["amount"]["currency"],
            "minor": twin.minor(part["amount"]),
        }
        for row in export["transactions"]
        if twin.counts(row)
        for part in (by_part and row["splits"] or [row])
    ]
    table = pandas.DataFrame(rows)
    table["date"] = pandas.to_datetime(table["date"])
    return table


Balances = dict[tuple[datetime.date, str], Decimal]


def balances_of_pandas(opened: Opened) -> Balances:
    table = frame(opened.export, by_part=False)
    days = pandas.date_range(FIRST, LAST)
    moved = table.pivot_table(index="date", columns="account", values="minor", aggfunc="sum")
    running = moved.reindex(days).fillna(0).astype("int64").cumsum()
    held: Balances = {}
    for account in opened.export["accounts"]:
        places = generated.PLACES[account["currency"]]
        opening = twin.minor(account["opening_balance"])
        for day in days:
            minor = int(running[account["id"]][day]) + opening
            held[day.date(), account["id"]] = Decimal(minor).scaleb(-places)
    return held


def balances_of_hledger(opened: Opened) -> Balances:
    span = ["-b", FIRST.isoformat(), "-e", (LAST + twin.DAY).isoformat()]
    sums = ledgers.hledger(
        opened.hledger, opened.folder, "--daily", "--historical", "--empty", *span, OWN
    )
    ids = opened.accounts()
    # An account has rows of its own commodity alone.
    return {(it.first, ids[it.account.split(":")[-1]]): it.value for it in sums}


def balances_of_beancount(opened: Opened) -> Balances:
    query = f"SELECT date, account, sum(number) WHERE account ~ '{OWN}' GROUP BY date, account"
    moved: Balances = {}
    for day, account, number in ledgers.beancount(opened.beancount, query):
        moved[day, opened.accounts()[account.split(":")[-1]]] = number
    held: Balances = {}
    for account in opened.accounts().values():
        total = Decimal(0)
        for day in days_of(FIRST, LAST):
            total += moved.get((day, account), Decimal(0))
            held[day, account] = total
    return held


BALANCES = {
    "pandas": balances_of_pandas,
    "hledger": balances_of_hledger,
    "beancount": balances_of_beancount,
}


@pytest.mark.parametrize("program", BALANCES)
def test_balances_are_the_same_on_every_day(opened: Opened, program: str) -> None:
    expected = from_first_transaction(opened, BALANCES[program](opened))
    rows = opened.book.reports.balances(from_=FROM, to=TO)
    found = {(as_day(it["date"]), it["account_id"]): value(it["balance"]) for it in rows}
    assert len(found) == generated.DAYS * len(generated.KINDS)
    assert differences(from_first_transaction(opened, found), expected) == []


@pytest.mark.parametrize("program", BALANCES)
def test_net_worth_is_the_same_on_every_day(opened: Opened, program: str) -> None:
    currencies = {it["id"]: it["currency"] for it in opened.export["accounts"]}
    sums: dict[tuple[datetime.date, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 2)
    held = from_first_transaction(opened, BALANCES[program](opened))
    for (day, account), balance in held.items():
        sums[day, currencies[account]][balance < 0] += balance
    for row in opened.book.reports.net_worth(from_=FROM, to=TO, step="day"):
        day = as_day(row["date"])
        if day < first_transaction(opened):
            continue
        assets, debts = sums.pop((day, row["net"]["currency"]))
        assert (value(row["assets"]), value(row["debts"])) == (assets, debts), row
        assert value(row["net"]) == assets + debts, row
    assert not sums


def first_transaction(opened: Opened) -> datetime.date:
    """The first day of the journals, on which they have what lay in the accounts before."""
    days = [it["booking_date"] for it in opened.export["transactions"] if twin.counts(it)]
    return as_day(min(days))


def from_first_transaction(opened: Opened, held: Balances) -> Balances:
    first = first_transaction(opened)
    return {key: balance for key, balance in held.items() if key[0] >= first}


Spending = dict[tuple[str, str | None, str], Decimal]


def spending_of_pandas(opened: Opened) -> Spending:
    table = frame(opened.export, by_part=True)
    kinds = {it["id"]: it["kind"] for it in opened.export["categories"]}
    kind = table["category"].map(kinds)
    is_spending = (kind == "expense") | (kind.isna() & table["is_out"])
    table = table[is_spending & ~table["transfer"]]
    month = table["date"].dt.strftime("%Y-%m")
    sums = table.groupby([month, "category", "currency"], dropna=False)["minor"].sum()
    return {
        (month, None if pandas.isna(category) else category, currency): -Decimal(int(minor)).scaleb(
            -generated.PLACES[currency]
        )
        for (month, category, currency), minor in sums.items()
    }


def spending_of_hledger(opened: Opened) -> Spending:
    sums = ledgers.hledger(opened.hledger, opened.folder, "--monthly", "^Expenses")
    named = {**opened.categories(), "Uncategorised": None}
    return {
        (f"{it.first:%Y-%m}", named[it.account.split(":")[-1]], it.currency): it.value
        for it in sums
    }


def spending_of_beancount(opened: Opened) -> Spending:
    query = (
        "SELECT year, month, account, currency, sum(number) WHERE account ~ '^Expenses'"
        " GROUP BY year, month, account, currency"
    )
    named = {**opened.categories(), "Uncategorised": None}
    return {
        (f"{year}-{month:02}", named[account.split(":")[-1]], currency): number
        for year, month, account, currency, number in ledgers.beancount(opened.beancount, query)
    }


@pytest.mark.parametrize(
    "of_program", [spending_of_pandas, spending_of_hledger, spending_of_beancount]
)
def test_spending_is_the_same_in_every_month_and_category(opened: Opened, of_program: Any) -> None:
    rows = opened.book.reports.spending()
    found = {
        (it["month"], it["category_id"], it["spent"]["currency"]): value(it["spent"]) for it in rows
    }
    assert len(found) == len(rows) > 100
    assert differences(found, of_program(opened)) == []


def test_cash_flow_is_the_same_in_every_month(opened: Opened) -> None:
    sums: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    for it in ledgers.hledger(opened.hledger, opened.folder, "--monthly", "^(Expenses|Income)"):
        root = it.account.split(":")[0]
        sums[f"{it.first:%Y-%m}", root, it.currency] += -it.value if root == "Income" else it.value
    found = {}
    for row in opened.book.reports.cash_flow():
        month, currency = row["month"], row["net"]["currency"]
        found[month, "Income", currency] = value(row["income"])
        found[month, "Expenses", currency] = value(row["spending"])
        assert value(row["net"]) == value(row["income"]) - value(row["spending"])
    assert differences(found, sums) == []


@pytest.mark.parametrize("as_of", [datetime.date(2024, 6, 17), datetime.date(2025, 12, 31)])
def test_budgets_are_what_the_documentation_says(opened: Opened, as_of: datetime.date) -> None:
    used = 0
    for budget in opened.export["budgets"]:
        states = opened.book.budgets.history(
            budget_id=budget["id"], from_=FROM, to=TO, as_of=as_of.isoformat(), witness=True
        )
        expected = twin.history(opened.export, budget, (FIRST, LAST), as_of)
        assert [plain(it, budget) for it in states] == expected, budget
        used += sum(it["spent"] != 0 for it in expected)
    assert used > 100


def plain(state: Any, budget: dict[str, Any]) -> dict[str, Any]:
    """A state in the twin's terms: whole minor units of the budget's currency."""
    told: dict[str, Any] = {}
    for name, it in state.items():
        if name in ("budget_id", "name", "month", "announced"):
            continue
        if name == "witness":
            it = it["ids"]
        elif isinstance(it, dict):
            assert it["currency"] == budget["limit"]["currency"]
            it = twin.minor(it)
        told[name] = None if it is None else Decimal(it) if name == "used_percent" else it
    return told


INTERVALS = [
    ("monthly", {"kind": "months"}),
    ("weekly", {"kind": "weeks"}),
    ("quarterly", {"kind": "quarters"}),
    ("yearly", {"kind": "years"}),
]


@pytest.mark.parametrize("carry", ["nothing", "both"])
@pytest.mark.parametrize("interval, period", INTERVALS, ids=[name for name, _ in INTERVALS])
def test_budgets_are_those_of_hledger(
    opened: Opened, interval: str, period: Any, carry: Any
) -> None:
    """A goal of hledger counts accounts below it, and `--cumulative` carries what is left."""
    tops = [it for it in opened.export["categories"] if it["parent_id"] is None][:3]
    goals = {it["name"]: Decimal(place * 70 + 50) for place, it in enumerate(tops)}
    rules = [f"~ {interval}\n    (Expenses:{it})  {goals[it]}.00 EUR\n" for it in goals]
    found = {}
    for top in tops:
        budget = opened.book.budgets.create(
            name=f"{interval} {carry} {top['name']}",
            category_ids=[top["id"]],
            limit=str(goals[top["name"]]),
            period=period,
            rollover={"carry": carry},
            start=FIRST.isoformat(),
        )
        states = opened.book.budgets.history(budget_id=budget["id"], from_=FROM, to=TO)
        found[top["name"]] = [value(it["remaining"]) for it in states]
        opened.book.budgets.delete(budget["id"])
    said = budget_report(opened, interval, rules, cumulative=carry == "both")
    for name, left in found.items():
        assert left == said[f"Expenses:{name}"], name


def budget_report(
    opened: Opened, interval: str, rules: list[str], cumulative: bool
) -> dict[str, list[Decimal]]:
    """What is left of each goal in each period."""
    text = ledgers.hledger_text(
        "\n".join([opened.hledger, *rules]),
        opened.folder,
        *["--budget", f"--{interval}", "--layout", "bare", "--no-total", "--empty"],
        *["-b", FIRST.isoformat(), "-e", (LAST + twin.DAY).isoformat(), "^Expenses", "cur:EUR"],
        *(["--cumulative"] if cumulative else []),
    )
    left = {}
    for account, _, *cells in list(csv.reader(text.splitlines()))[1:]:
        pairs = [Decimal(it or 0) for it in cells]
        left[account] = [goal - used for used, goal in zip(pairs[::2], pairs[1::2], strict=True)]
    return left


def test_budgets_are_those_of_beancount(opened: Opened) -> None:
    """What budgets of categories used is what beancount finds in their accounts in those days."""
    query = "SELECT date, account, flag, currency, number WHERE account ~ '^Expenses'"
    rows = ledgers.beancount(opened.beancount, query)
    names = {id_: name for name, id_ in opened.categories().items()}
    compared = 0
    for budget in opened.export["budgets"]:
        if not budget["category_ids"] or budget["tags"] or budget["account_ids"]:
            continue
        if budget["except_category_ids"]:
            continue
        wanted = {names[it] for it in budget["category_ids"]}
        own = [
            row
            for row in rows
            if row[3] == budget["limit"]["currency"] and wanted & set(row[1].split(":"))
        ]
        for state in opened.book.budgets.history(budget_id=budget["id"], from_=FROM, to=TO):
            within = [row for row in own if as_day(state["from"]) <= row[0] <= as_day(state["to"])]
            sums = {"*": Decimal(0), "!": Decimal(0)}
            for _, _, flag, _, number in within:
                sums[flag] += number
            assert value(state["spent"]) == sums["*"], (budget, state)
            assert value(state["reserved"]) == sums["!"], (budget, state)
            compared += len(within)
    assert compared > 50


def days_of(first: datetime.date, last: datetime.date) -> Iterator[datetime.date]:
    days = itertools.count()
    return itertools.takewhile(
        lambda day: day <= last, (first + datetime.timedelta(days=it) for it in days)
    )


def as_day(text: str | None) -> datetime.date:
    assert text is not None
    return datetime.date.fromisoformat(text)


def value(amount: Any) -> Decimal:
    return Decimal(amount["value"])


def differences(ours: Any, theirs: Any) -> list[Any]:
    """Where two say otherwise; who has no row for something says nothing of it, which is zero."""
    keys = [*ours, *(key for key in theirs if key not in ours)]
    pairs = [(key, ours.get(key, 0), theirs.get(key, 0)) for key in keys]
    return [(key, our, their) for key, our, their in pairs if our != their][:10]
