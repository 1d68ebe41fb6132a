"""Recomputes figures from the transactions of a book's JSON export, with nothing but Python.

usage: check_figures.py EXPORT ANSWERS
EXPORT is what `exports.create` writes as `json`; ANSWERS a JSON list of what the engine was asked
of that state of the book, and said: `verb`, `request`, `answer`. Amounts are made anew, witnesses
have to name exactly what counts. What does not fit is told, and the exit code is 1.
"""

import json
import pathlib
import sys
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction


def total(lines):
    return sum(line["minor"] for line in lines)


def percent(part, whole):
    return str(Decimal(round(Fraction(part * 1000, whole))).scaleb(-1)) if whole > 0 else None


class Book:
    """An export, as figures see it: lines are transactions, or their parts, with the `side` on
    which they count, if they do: without a category the whole transaction tells which. Of an
    answer's row is told what it has to say, and which lines and opening balances make it."""

    def __init__(self, export):
        self.head, self.places, self.used = export["head"], {}, {}
        self.accounts = {it["id"]: it for it in export["accounts"]}
        self.categories = {it["id"]: it for it in export["categories"]}
        self.budgets = {it["id"]: it for it in export["budgets"]}
        self.rates = []
        for it in export["rates"]:
            worth = {quote["quote"]: quote["rate"] for quote in it["rates"]}
            self.rates.append((it["date"], it["base"], {**worth, it["base"]: "1"}))
        self.opening = {k: self.minor(it["opening_balance"]) for k, it in self.accounts.items()}
        rows = [it for it in export["transactions"] if not it["deleted"] and it["status"] != "void"]
        self.lines = [line for row in rows for line in self.parts(row)]

    def minor(self, money):
        """Minor units; a currency has the places with which its amounts are written."""
        self.places[money["currency"]] = len(money["value"].partition(".")[2])
        return int(money["value"].replace(".", ""))

    def money(self, currency, **minor):
        """Amounts as they are written; parts of a minor unit are rounded half to even."""
        places = self.places[currency]
        texts = {name: f"{Decimal(round(it)).scaleb(-places):f}" for name, it in minor.items()}
        return {name: {"value": text, "currency": currency} for name, text in texts.items()}

    def parts(self, row):
        side = "expense" if self.minor(row["amount"]) < 0 else "income"
        for part in row["splits"] or [row]:
            category, amount = part["category_id"], part["amount"]
            own = self.categories[category]["kind"] if category else side
            own = {"side": None if row["transfer_id"] else own, "minor": self.minor(amount)}
            yield {**row, **part, **own, "currency": amount["currency"]}

    def within(self, category, ids):
        while category is not None and category not in ids:
            category = self.categories[category]["parent_id"]
        return category is not None

    def of(self, accounts, first, last):
        lines = (it for it in self.lines if it["account_id"] in accounts)
        return [it for it in lines if first <= it["booking_date"] <= last]

    def flows(self, request, first, last, **of):
        """What came in and went out, in the account that the request names or in all."""
        one, some = request.get("account_id"), request.get("account_ids")
        lines = self.of([one] if one else some or self.accounts, first, last)
        return [it for it in lines if it["side"] and all(it[name] == of[name] for name in of)]

    def convert(self, minor, currency, to, day, request):
        """By the newest rate up to the day: direct, else inverse, else two of a third currency."""
        if currency == to:
            return minor
        first = str(date.fromisoformat(day) - timedelta(days=request.get("max_age_days", 7)))
        sheets = [it for it in self.rates if first <= it[0] <= day]
        sheets = [it for it in sheets if {currency, to} <= it[2].keys()]
        sheets.sort(key=lambda it: ({currency: 0, to: 1}.get(it[1], 2), it[1]))
        when, base, worth = max(sheets, key=lambda it: it[0])
        self.used |= {(when, base, it): worth[it] for it in (currency, to) if it != base}
        units = minor * Fraction(10) ** (self.places[to] - self.places[currency])
        return round(units * Fraction(worth[to]) / Fraction(worth[currency]))

    def reports_balances(self, row, _request):
        own = row["account_id"]
        lines = self.of([own], "", row["date"] or "9999")
        currency = self.accounts[own]["currency"]
        return self.money(currency, balance=self.opening[own] + total(lines)), lines, [own]

    def reports_net_worth(self, row, request):
        currency, last, to = row["net"]["currency"], row["date"] or "9999", request.get("currency")
        own = [key for key, it in self.accounts.items() if to or it["currency"] == currency]
        held, gains = [], 0
        for key in own:
            opening, code = self.opening[key], self.accounts[key]["currency"]
            lines = self.of([key], "", last)
            held.append(self.convert(opening + total(lines), code, currency, last, request))
            if request.get("unrealised") and lines and code != currency:
                moved = [(it["booking_date"], it["minor"]) for it in lines]
                moved.append((min(moved)[0], opening))
                costs = (self.convert(it, code, currency, day, request) for day, it in moved)
                gains += held[-1] - sum(costs)
        assets, debts = sum(max(it, 0) for it in held), sum(min(it, 0) for it in held)
        said = self.money(currency, assets=assets, debts=debts, net=assets + debts)
        said |= self.money(currency, unrealised=gains) if request.get("unrealised") else {}
        return said, self.of(own, "", last), own

    def reports_spending(self, row, request):
        currency, month, category = row["spent"]["currency"], row["month"], row["category_id"]
        of = {"side": "expense", "category_id": category, "currency": currency}
        lines = self.flows(request, month, month + "-31", **of)
        return self.money(currency, spent=-total(lines)), lines, []

    def reports_top_payees(self, row, request):
        currency, kind = row["total"]["currency"], request.get("kind") or "expense"
        days = request.get("from") or "", request.get("to") or "9999"
        lines = self.flows(request, *days, side=kind, payee=row["payee"], currency=currency)
        return self.money(currency, total=total(lines) * (-1) ** (kind != "income")), lines, []

    def reports_cash_flow(self, row, request):
        currency, month = row["net"]["currency"], row["month"]
        lines = self.flows(request, month, month + "-31", currency=currency)
        income, net = total(it for it in lines if it["side"] == "income"), total(lines)
        said = self.money(currency, income=income, spending=income - net, net=net)
        return said | {"savings_rate_percent": percent(net, income)}, lines, []

    def budgets_state(self, row, _request):
        of, passed = self.budgets[row["budget_id"]], row["days_passed"]
        ids, tags, currency = of["category_ids"], of["tags"], of["limit"]["currency"]
        but, first = of["except_category_ids"], date.fromisoformat(row["from"])
        lines = self.flows(of, row["from"], row["to"], side="expense", currency=currency)
        lines = [it for it in lines if not ids or self.within(it["category_id"], ids)]
        lines = [it for it in lines if not self.within(it["category_id"], but)]
        lines = [it for it in lines if not tags or set(tags) & set(it["tags"])]
        pending = total(it for it in lines if it["status"] == "pending")
        used = [it for it in lines if of["pending_counts"] or it["status"] != "pending"]
        days = (date.fromisoformat(row["to"]) - first).days + 1
        now = -total(it for it in used if it["booking_date"] < str(first + timedelta(passed)))
        limit, over = self.minor(of["limit"]), self.minor(row["carried_in"])
        there = limit + over
        expected = round(Fraction(max(there, 0) * passed, days))
        said = self.money(currency, limit=limit, carried_in=over, reserved=-pending)
        said |= self.money(currency, spent=pending - total(lines), remaining=there + total(used))
        said |= self.money(currency, expected=expected, ahead=now - expected)
        said |= self.money(currency, projected=Fraction(now * days, passed)) if passed else {}
        said |= {"projected": said.get("projected"), "days": days, "transactions": len(lines)}
        return said | {"used_percent": percent(-total(used), there)}, used, []

    def envelopes_state(self, row, request):
        currency, category = row["activity"]["currency"], self.categories[row["category_id"]]
        own = [it for it in self.accounts.values() if it["kind"] not in ("loan", "investment")]
        ids = [it["id"] for it in own if it["currency"] == currency]
        lines = self.of(ids, request["month"], request["month"] + "-31")
        lines = [it for it in lines if it["category_id"] == category["id"]]
        known = {name: self.minor(row[name]) for name in ("carried_in", "assigned")}
        known["activity"] = total(lines)
        return self.money(currency, available=sum(known.values()), **known), lines, []


def found(book, verb, request, row):
    """What of a row does not fit."""
    book.used = {}
    try:
        name = verb.replace(".", "_").replace("history", "state")
        said, lines, opening = getattr(book, name)(row, request)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        return [f"it cannot be computed: {error!r}"]
    said = {"transactions": len(lines)} | said if "transactions" in row else said
    amounts = [name for name, it in row.items() if isinstance(it, dict) and "value" in it]
    wrong = [it for it in sorted({*amounts, *said}) if row.get(it) != said.get(it)]
    told = [f"`{it}` is {row.get(it)}, not {said.get(it)}" for it in wrong]
    right = {"ids": sorted({it["id"] for it in lines}), "opening": sorted(opening)}
    right["currency"] = next(it["currency"] for it in said.values() if isinstance(it, dict))
    used = sorted(book.used.items())
    right["rates"] = [{"date": d, "base": b, "quote": q, "rate": r} for (d, b, q), r in used]
    right |= {"head": book.head, "rounding": "half_even" if book.used else "exact"}
    witness = row.get("witness") or (right if not request.get("witness") else {})
    return told + [f"the witness has other {it}" for it in right if witness.get(it) != right[it]]


def main():
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
