"""Recomputes figures from the transactions of a book's JSON export, with nothing but Python.

usage: check_figures.py EXPORT ANSWERS

EXPORT is what `exports.create` writes as `json`; ANSWERS a JSON list of objects `verb`, `request`,
`answer`: what the engine was asked, and what it said of the same state of the book. Amounts are
computed anew, and a `witness` has to name exactly the transactions that count, and the export's
head. What does not fit is told, and the exit code is 1; rows that an answer lacks are not sought.
"""

import json
import pathlib
import sys
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

Row = dict[str, Any]


class Line(NamedTuple):
    """A transaction, or a part of a split one."""

    row: Row
    category: str | None
    currency: str
    minor: int
    side: str | None  # expense or income; none for a transfer


def total(lines: Iterable[Line]) -> int:
    return sum(line.minor for line in lines)


def percent(part: int, whole: int) -> str | None:
    return str(Decimal(round(Fraction(part * 1000, whole))).scaleb(-1)) if whole > 0 else None


# What a row has to say, the lines that make it, and the accounts whose opening balances do.
Check = tuple[Row, list[Line], list[str]]


class Book:
    """An export, as figures see it."""

    def __init__(self, export: Row) -> None:
        self.head, self.places = export["head"], dict[str, int]()
        self.accounts = {it["id"]: it for it in export["accounts"]}
        self.categories = {it["id"]: it for it in export["categories"]}
        self.budgets = {it["id"]: it for it in export["budgets"]}
        self.opening = {k: self.minor(it["opening_balance"]) for k, it in self.accounts.items()}
        rows = [it for it in export["transactions"] if not it["deleted"] and it["status"] != "void"]
        self.lines = [line for row in rows for line in self.parts(row)]

    def minor(self, money: Row) -> int:
        """Minor units; a currency has the places with which its amounts are written."""
        self.places[money["currency"]] = len(money["value"].partition(".")[2])
        return int(money["value"].replace(".", ""))

    def money(self, currency: str, **minor: int | Fraction) -> Row:
        """Amounts as they are written; parts of a minor unit are rounded half to even."""
        places = self.places[currency]
        texts = {name: f"{Decimal(round(it)).scaleb(-places):f}" for name, it in minor.items()}
        return {name: {"value": text, "currency": currency} for name, text in texts.items()}

    def parts(self, row: Row) -> Iterator[Line]:
        # Without a category the whole transaction tells spending from income.
        side = "expense" if self.minor(row["amount"]) < 0 else "income"
        for part in row["splits"] or [row]:
            category, amount = part["category_id"], part["amount"]
            own = self.categories[category]["kind"] if category else side
            own = None if row["transfer_id"] else own
            yield Line(row, category, amount["currency"], self.minor(amount), own)

    def within(self, category: str | None, ids: list[str]) -> bool:
        """Whether a category is one of these or lies below one."""
        while category is not None and category not in ids:
            category = self.categories[category]["parent_id"]
        return category is not None

    def of(self, accounts: Iterable[str], first: str, last: str) -> list[Line]:
        lines = (it for it in self.lines if it.row["account_id"] in accounts)
        return [it for it in lines if first <= it.row["booking_date"] <= last]

    def flows(self, request: Row, first: str, last: str, currency: str) -> list[Line]:
        """What came in and went out, in the account that the request names or in all."""
        one = request.get("account_id")
        lines = self.of([one] if one else self.accounts, first, last)
        return [it for it in lines if it.currency == currency and it.side]

    def reports_balances(self, row: Row, _request: Row) -> Check:
        own = row["account_id"]
        lines = self.of([own], "", row["date"] or "9999")
        currency = self.accounts[own]["currency"]
        return self.money(currency, balance=self.opening[own] + total(lines)), lines, [own]

    def reports_net_worth(self, row: Row, _request: Row) -> Check:
        currency, last = row["net"]["currency"], row["date"] or "9999"
        own = [key for key, it in self.accounts.items() if it["currency"] == currency]
        held = [self.opening[key] + total(self.of([key], "", last)) for key in own]
        assets, debts = sum(max(it, 0) for it in held), sum(min(it, 0) for it in held)
        said = self.money(currency, assets=assets, debts=debts, net=assets + debts)
        return said, self.of(own, "", last), own

    def reports_spending(self, row: Row, request: Row) -> Check:
        currency, month = row["spent"]["currency"], row["month"]
        lines = self.flows(request, month, month + "-31", currency)
        lines = [it for it in lines if (it.side, it.category) == ("expense", row["category_id"])]
        return self.money(currency, spent=-total(lines)) | {"transactions": len(lines)}, lines, []

    def reports_cash_flow(self, row: Row, request: Row) -> Check:
        currency, month = row["net"]["currency"], row["month"]
        lines = self.flows(request, month, month + "-31", currency)
        income, net = total(it for it in lines if it.side == "income"), total(lines)
        said = self.money(currency, income=income, spending=income - net, net=net)
        said["savings_rate_percent"] = percent(net, income)
        return said | {"transactions": len(lines)}, lines, []

    def reports_top_payees(self, row: Row, request: Row) -> Check:
        currency, kind = row["total"]["currency"], request.get("kind") or "expense"
        days = request.get("from") or "", request.get("to") or "9999"
        lines = self.flows(request, *days, currency)
        lines = [it for it in lines if (it.side, it.row["payee"]) == (kind, row["payee"])]
        said = self.money(currency, total=total(lines) * (1 if kind == "income" else -1))
        return said | {"transactions": len(lines)}, lines, []

    def budgets_state(self, row: Row, _request: Row) -> Check:
        of, begin, passed = self.budgets[row["budget_id"]], row["from"], row["days_passed"]
        ids, tags, currency = of["category_ids"], of["tags"], of["limit"]["currency"]
        lines = [it for it in self.flows({}, begin, row["to"], currency) if it.side == "expense"]
        lines = [it for it in lines if not ids or self.within(it.category, ids)]
        lines = [it for it in lines if not self.within(it.category, of["except_category_ids"])]
        lines = [it for it in lines if not tags or set(tags) & set(it.row["tags"])]
        lines = [it for it in lines if it.row["account_id"] in (of["account_ids"] or self.accounts)]
        pending = total(it for it in lines if it.row["status"] == "pending")
        used = [it for it in lines if of["pending_counts"] or it.row["status"] != "pending"]
        first = date.fromisoformat(begin)
        days = (date.fromisoformat(row["to"]) - first).days + 1
        after = str(first + timedelta(days=passed))
        now = -total(it for it in used if it.row["booking_date"] < after)
        limit, carried = self.minor(of["limit"]), self.minor(row["carried_in"])
        there = limit + carried
        expected = round(Fraction(max(there, 0) * passed, days))
        said = self.money(currency, limit=limit, carried_in=carried, spent=pending - total(lines))
        said |= self.money(currency, reserved=-pending, remaining=there + total(used))
        said |= self.money(currency, expected=expected, ahead=now - expected)
        projected = self.money(currency, it=Fraction(now * days, passed or 1))["it"]
        said |= {"used_percent": percent(-total(used), there), "transactions": len(lines)}
        return said | {"days": days, "projected": projected if passed else None}, used, []

    budgets_history = budgets_state

    def envelopes_state(self, row: Row, request: Row) -> Check:
        currency, month = row["activity"]["currency"], request["month"]
        own = [it for it in self.accounts.values() if it["kind"] not in ("loan", "investment")]
        ids = [it["id"] for it in own if it["currency"] == currency]
        lines = self.of(ids, month, month + "-31")
        lines = [it for it in lines if it.category == row["category_id"]]
        known = {name: self.minor(row[name]) for name in ("carried_in", "assigned")}
        known["activity"] = total(lines)
        return self.money(currency, available=sum(known.values()), **known), lines, []


def found(book: Book, verb: str, request: Row, row: Row) -> list[str]:
    """What of a row does not fit."""
    try:
        said, lines, opening = getattr(book, verb.replace(".", "_"))(row, request)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        return [f"it cannot be computed: {error!r}"]
    amounts = [name for name, it in row.items() if isinstance(it, dict) and "value" in it]
    wrong = [it for it in sorted({*amounts, *said}) if row.get(it) != said.get(it)]
    told = [f"`{it}` is {row.get(it)}, not {said.get(it)}" for it in wrong]
    witness = row.get("witness")
    witness = {"ids": witness} if isinstance(witness, list) else witness or {}
    currency = next(it["currency"] for it in said.values() if isinstance(it, dict))
    right: Row = {"ids": sorted({it.row["id"] for it in lines}), "opening": sorted(opening)}
    right |= {"head": book.head, "currency": currency, "rounding": "exact", "rates": []}
    wrong = [name for name, it in witness.items() if it != right.get(name)]
    return told + [f"the witness has other {name}" for name in wrong]


def main() -> int:
    export, answers = (json.loads(pathlib.Path(it).read_text("utf-8")) for it in sys.argv[1:3])
    book, rows, wrong = Book(export), 0, 0
    for verb, request, answer in ((it["verb"], it["request"], it["answer"]) for it in answers):
        for place, row in enumerate(answer if isinstance(answer, list) else answer["envelopes"]):
            problems = found(book, verb, request, row)
            rows, wrong = rows + 1, wrong + len(problems)
            print(*(f"{verb}, row {place}: {it}\n" for it in problems), sep="", end="")
    print(f"{rows} rows checked, {wrong} problems")
    return 1 if wrong or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
