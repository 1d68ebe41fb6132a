"""Recomputes what of a forecast is certain from a book's JSON export, with nothing but Python.

usage: check_forecast.py EXPORT ANSWERS
The files are those of check_figures.py. Read are the answers of `reports.forecast`, whose requests
name `as_of`. Made anew are the balance, what is recorded ahead, what with the payments told is
expected on a day, and the days on which schedules fall due: a payment of one has to be on such a
day, and one that no transaction can have paid has to be told. The amount of a stream has to be the
middle one of the payments that it names, one at least, and the rest has to name transactions of
its days. Not found is a payment told or left out of a schedule that some transaction may have
paid, one left out of a stream, and what is missing in the rest: which transactions belong to
streams is not made anew. Averages and intervals are estimates and not made anew either, unless
there is no past to make them from: then each balance is.
"""

import json
import pathlib
import sys
from collections import Counter
from datetime import timedelta

import check_figures
from check_figures import total
from check_goals import Goals, day, last_of, shifted

WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
WEEKEND = {"before": (-1, -2), "after": (2, 1), "nearest": (-1, 1)}


def falls(it, start, date):
    """Whether a recurrence falls on a day, but for its count, its end and days left out."""
    days, every, on = (date - start).days, it.get("every") or 1, it.get("on") or []
    if it["unit"] == "days":
        return days % every == 0
    if it["unit"] == "weeks":
        weekdays = [WEEKDAYS.index(one["weekday"]) for one in on] or [start.weekday()]
        return (days + start.weekday()) // 7 % every == 0 and date.weekday() in weekdays
    months, last = (date.year - start.year) * 12 + date.month - start.month, last_of(str(date)).day
    for one in on or [{"kind": "month_day", "day": start.day}]:
        if one["kind"] == "month_day":
            is_one = date.day == min(one["day"], last)
        else:
            nths = ((date.day - 1) // 7 + 1, -((last - date.day) // 7 + 1))
            is_one = one["nth"] in nths and WEEKDAYS[date.weekday()] == one["weekday"]
        if is_one:
            return months % (every * (12 if it["unit"] == "years" else 1)) == 0
    return False


def dates(it, last):
    """The days of a recurrence up to one, ascending, weekends moved."""
    start, found = day(it["start"]), []
    end = min(day(last) + timedelta(2), day(it.get("until") or "9999-12-29"))
    for date in (start + timedelta(passed) for passed in range((end - start).days + 1)):
        if falls(it, start, date):
            found.append(date)
    kept = (date for date in found[: it.get("count")] if str(date) not in (it.get("skip") or []))
    moves = WEEKEND.get(it.get("weekend"), (0, 0))
    moved = [date + timedelta(((0,) * 5 + moves)[date.weekday()]) for date in kept]
    return [date for date in dict.fromkeys(map(str, moved)) if date <= last]


class Forecasts(Goals):
    """An export, as forecasts see it."""

    def __init__(self, export):
        super().__init__(export)
        self.schedules = {it["id"]: it for it in export["schedules"]}
        self.rows = {}
        for line in self.lines:
            known = self.rows.setdefault(line["id"], {**line, "minor": 0})
            known["minor"] += line["minor"]

    def payers(self, schedule, date, every):
        """The transactions that may have paid what a schedule expects on one of its days."""
        minor, slack = self.minor(schedule["amount"]), schedule["tolerance_days"]
        for row in self.rows.values():
            booked, own = row["booking_date"], row.get("schedule_id")
            if own == schedule["id"]:
                place = sum(it <= booked for it in every)
                yield from [row] if date in every[max(place - 1, 0) : place + 1] else []
            elif own is None and row["account_id"] == schedule["account_id"]:
                off = abs(row["minor"] - minor) * 100 <= abs(minor) * schedule["tolerance_percent"]
                if off and (row["minor"] < 0) == (minor < 0):
                    yield from [row] if abs((day(booked) - day(date)).days) <= slack else []

    def is_internal(self, row, own):
        """Whether a transaction may move money from one of the accounts to another."""
        others = self.of(own, shifted(row["booking_date"], -5), shifted(row["booking_date"], 5))
        return row["transfer_id"] and any(
            it["transfer_id"] and it["minor"] == -row["minor"] for it in others
        )

    def unlike_schedules(self, answer, last):
        """What is told of schedules that are not due, and what is due of one and not told."""
        own, first = answer["account_ids"], shifted(answer["as_of"], 1)
        told = Counter((it["schedule_id"], it["date"]) for it in answer["payments"])
        may, must = Counter((key, date) for key, date in told.elements() if key is None), Counter()
        for key, it in self.schedules.items():
            if not it["active"] or it["account_id"] not in own:
                continue
            every = dates(it["recurrence"], last)
            paid = {date: list(self.payers(it, date, every)) for date in every}
            internal = any(self.is_internal(row, own) for rows in paid.values() for row in rows)
            for date in every:
                if date >= shifted(answer["as_of"], -it["tolerance_days"]):
                    may[key, max(date, first)] += 1
                    must[key, max(date, first)] += not paid[date] and not internal
        for (key, date), count in sorted((told - may).items()):
            yield f"{count} payments too many of schedule {key} on {date}"
        for (key, date), count in sorted((must - told).items()):
            yield f"{count} payments missing of schedule {key} on {date}"

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
        if request.get("witness") and not ids:
            raise ValueError("a stream names the payments that tell its amount")
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
    told += book.unlike_schedules(answer, last)
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
