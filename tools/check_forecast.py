"""Recomputes what of a forecast is certain from a book's JSON export, with nothing but Python.

usage: check_forecast.py EXPORT ANSWERS
The files are those of check_figures.py. Read are the answers of `reports.forecast`, whose requests
name `as_of`. The balance, what is recorded ahead and what schedules expect each time are made anew;
the amount of a stream has to be the middle one of the payments that it names, and the rest has to
name transactions of its days. Its averages and intervals are estimates and not made anew, unless
there is no past to make them from: then each balance is.
"""

import json
import pathlib
import sys

import check_figures
from check_figures import total
from check_goals import Goals, shifted


class Forecasts(Goals):
    """An export, as forecasts see it."""

    def __init__(self, export):
        super().__init__(export)
        self.schedules = {it["id"]: it for it in export["schedules"]}

    def reports_forecast(self, row, request):
        own = sorted(request.get("account_ids") or self.on_budget)
        lines, currency = self.of(own, "", request["as_of"]), row["balance"]["currency"]
        said = {"account_ids": own, "as_of": request["as_of"]}
        balance = total(lines) + sum(self.opening[it] for it in own)
        return said | self.money(currency, balance=balance), lines, own

    def forecast_day(self, row, request):
        answer = request["answer"]
        currency = answer["balance"]["currency"]
        lines = self.of(answer["account_ids"], row["date"], row["date"])
        paid = [it["amount"] for it in answer["payments"] if it["date"] == row["date"]]
        expected = total(lines) + sum(self.minor(it) for it in paid)
        known = {it: row[it] for it in ("balance", "low", "high")}
        if answer["history_days"] == 0:
            balance = self.minor(request["before"]) + expected
            known |= self.money(currency, balance=balance) | {"low": None, "high": None}
        return known | self.money(currency, expected=expected), lines, []

    def forecast_payment(self, row, request):
        schedule = self.schedules.get(row["schedule_id"])
        currency = request["answer"]["balance"]["currency"]
        if schedule:
            said = {"amount": schedule["amount"], "account_id": schedule["account_id"]}
            return said | {"payee": schedule["payee"]}, [], []
        ids = (row["witness"] or {"ids": []})["ids"]
        lines = self.of([row["account_id"]], "", request["as_of"])
        lines = [it for it in lines if it["id"] in ids]
        sums = [total(it for it in lines if it["id"] == one) for one in ids]
        middle = sorted(sums, key=abs)[(len(sums) - 1) // 2] if ids else self.minor(row["amount"])
        return self.money(currency, amount=middle), lines[: 6 * len(ids)], []


def found(book, request, answer):
    """What of a forecast does not fit."""
    request = {**request, "answer": answer}
    told = check_figures.found(book, "reports.forecast", request, answer)
    request["before"], last = answer["balance"], answer["as_of"]
    for place, row in enumerate(answer["days"]):
        last = shifted(last, 1)
        problems = check_figures.found(book, "forecast.day", request, row)
        problems += [] if row["date"] == last else [f"it is not {last}"]
        told += [f"day {place}: {it}" for it in problems]
        request["before"] = row["balance"]
    for place, row in enumerate(answer["payments"]):
        problems = check_figures.found(book, "forecast.payment", request, row)
        problems += [] if answer["as_of"] < row["date"] <= last else ["it is on another day"]
        told += [f"payment {place}: {it}" for it in problems]
    told += [] if len(answer["days"]) == request.get("days", 90) else ["there are other days"]
    if answer.get("rest_witness"):
        from_day = shifted(answer["as_of"], 1 - answer["history_days"])
        lines = book.of(answer["account_ids"], from_day, answer["as_of"])
        rest = {**answer["rest_witness"], "ids": []}
        right = {"currency": answer["balance"]["currency"], "rounding": "exact", "ids": []}
        right |= {"head": book.head, "opening": [], "rates": []}
        known = {it["id"] for it in lines} >= set(answer["rest_witness"]["ids"])
        told += [] if known and rest == right else ["the rest has another witness"]
    elif request.get("witness"):
        told.append("the rest has no witness")
    return told


def main():
    export, answers = (json.loads(pathlib.Path(it).read_text("utf-8")) for it in sys.argv[1:3])
    book, count, wrong = Forecasts(export), 0, 0
    for said in (it for it in answers if it["verb"] == "reports.forecast"):
        problems = found(book, said["request"], said["answer"])
        wrong += len(problems)
        print(*(f"forecast {count}: {it}\n" for it in problems), sep="", end="")
        count += 1
    print(f"{count} forecasts checked, {wrong} problems")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
