"""Recomputes answers of `reports.run` from a book's JSON export, with nothing but Python.

usage: check_reports.py EXPORT ANSWERS
The files are those of check_figures.py, to which other verbs are left. Of a report with a
condition (`filter`) the lines are those that its witnesses name: their sums are made anew, the
condition is not read. What rows by time are compared with is taken as told; the difference is not.
"""

import json
import pathlib
import sys
from datetime import date, timedelta
from fractions import Fraction

import check_figures

# With which sign lines of a side count.
SIGNS = {"spending": {"expense": -1}, "income": {"income": 1}, "net": {"expense": 1, "income": 1}}
SIGNS["movement"] = {"expense": 1, "income": 1, None: 1}
WEEKDAYS = "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
# What names a row, by the dimension; what no dimension is of names none.
NAMES = {"category": "category_id", "group": "group_id", "account": "account_id"}
NAMES |= {"payee": "payee", "tag": "tag", "weekday": "weekday"}
# How rows of time are named: by the first day of the unit.
STARTS = {
    "day": lambda day: day,
    "week": lambda day: day - timedelta(day.weekday()),
    "month": lambda day: day.replace(day=1),
    "quarter": lambda day: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
    "year": lambda day: day.replace(month=1, day=1),
}


class Reports(check_figures.Book):
    """An export, as reports see it."""

    def is_in(self, line, row, by):
        """Whether a line counts in a row: it has all that the row is named by."""
        day, top = date.fromisoformat(line["booking_date"]), line["category_id"]
        while top is not None and self.categories[top]["parent_id"]:
            top = self.categories[top]["parent_id"]
        keys = {"weekday": WEEKDAYS[day.weekday()], "group_id": top}
        for name in by:
            if name == "tag":
                own = row["tag"] in (line["tags"] or [None])
            elif name in STARTS:
                own = row["date"] == str(STARTS[name](day))
            else:
                own = row[NAMES[name]] == {**line, **keys}[NAMES[name]]
            if not own:
                return False
        return True

    def counted(self, days, row, request):
        """The lines of days that count in a row, and what they come to."""
        report, currency = request["report"], row["total"]["currency"]
        signs = SIGNS[report.get("measure", "spending")]
        lines = self.of(self.accounts, days[0] or "", days[1] or "9999")
        lines = [it for it in lines if it["side"] in signs]
        lines = [it for it in lines if self.is_in(it, row, report.get("by", []))]
        if report.get("filter"):
            lines = [it for it in lines if it["id"] in request["ids"]]
        if not report.get("currency"):
            lines = [it for it in lines if it["currency"] == currency]
        come = [
            (signs[it["side"]] * it["minor"], it["currency"], it["booking_date"]) for it in lines
        ]
        come = [self.convert(minor, code, currency, day, request) for minor, code, day in come]
        return lines, sum(come)

    def reports_run(self, row, request):
        answer, report, currency = request["answer"], request["report"], row["total"]["currency"]
        said = {"before": None, "change": None, "change_percent": None}
        before = self.minor(row["before"]) if report.get("compare") else None
        by_time = {"weekday", *STARTS} & set(report.get("by", []))
        if before is not None and not by_time and not report.get("filter"):
            days = answer["before_from"], answer["before_to"]
            before = self.counted(days, row, request)[1]
        self.used = {}
        lines, total = self.counted((answer["from"], answer["to"]), row, request)
        if before is not None:
            said = self.money(currency, before=before, change=total - before)
            said["change_percent"] = check_figures.percent(total - before, abs(before))
        said |= self.money(currency, total=total)
        said |= {NAMES[it]: None for it in NAMES if it not in report.get("by", [])}
        if "average" in row:
            average = self.money(currency, average=Fraction(total, len(lines) or 1))
            said |= average if lines else {"average": None}
        return said, lines, []


def found(book, request, answer):
    """What of an answer does not fit."""
    rows, report = answer["rows"], request["report"]
    request = {**request, "answer": answer}
    told, rates = [], set()
    for place, row in enumerate(rows):
        request["ids"] = (row["witness"] or {"ids": []})["ids"]
        problems = check_figures.found(book, "reports.run", request, row)
        told += [f"row {place}: {it}" for it in problems]
        rates |= {(*key, rate) for key, rate in book.used.items()}
    # Not all that make a total are told where rows are left out.
    request["ids"] = {it for row in rows for it in (row["witness"] or {"ids": []})["ids"]}
    for place, row in enumerate(
        [] if report.get("filter") and "limit" in report else answer["totals"]
    ):
        request["witness"] = False
        problems = check_figures.found(
            book, "reports.run", {**request, "report": {**report, "by": []}}, row
        )
        told += [f"total {place}: {it}" for it in problems]
    known = {(when, base, it, worth[it]) for when, base, worth in book.rates for it in worth}
    used = {(it["date"], it["base"], it["quote"], it["rate"]) for it in answer["rates"]}
    told += [] if rates <= used <= known else ["the rates are others"]
    return told + ([] if answer["head"] == book.head else ["the head is another"])


def main():
    export, answers = (json.loads(pathlib.Path(it).read_text("utf-8")) for it in sys.argv[1:3])
    book, wrong = Reports(export), 0
    reports = [it for it in answers if it["verb"] == "reports.run"]
    for place, said in enumerate(reports):
        for problem in found(book, said["request"], said["answer"]):
            wrong += 1
            print(f"report {place}, {problem}")
    print(f"{len(reports)} reports checked, {wrong} problems")
    return 1 if wrong or not reports else 0


if __name__ == "__main__":
    sys.exit(main())
