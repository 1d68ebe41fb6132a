"""Finds rows that answers lack or should not have, from a book's JSON export, with nothing but
Python; and recomputes the figures of a dashboard.

usage: check_rows.py EXPORT ANSWERS
The files are those of check_figures.py; a request names the days that it means. Which rows there
have to be is told from the transactions and documents of the export. Of a report with a condition,
which is not read, and without `limit` or tags, the rows have to add up to the totals; of one with
a `limit`, there have to be as many rows as it allows, and of one by time that is compared those
of its own days. A budget's periods have to follow each other, and one that begins later in its
period than the day may be told or not.
"""

import itertools
import json
import pathlib
import sys
from collections import Counter
from datetime import date

import check_figures
import check_reports
from check_forecast import Forecasts, shifted
from check_goals import last_of, months

# What an answer's rows are named by.
NAMES = {
    "reports.balances": ("account_id", "date"),
    "reports.net_worth": ("date", "net"),
    "reports.spending": ("month", "category_id", "spent"),
    "reports.cash_flow": ("month", "net"),
    "reports.top_payees": ("payee", "total"),
    "budgets.state": ("budget_id",),
    "envelopes.state": ("category_id",),
    "goals.progress": ("goal_id",),
}


class Rows(check_reports.Reports, Forecasts):
    """An export, as the rows of answers see it."""

    def days(self, request, step="day"):
        first, last = request.get("from"), request.get("to")
        if first is None:
            return [last]
        if step == "day":
            count = (date.fromisoformat(last) - date.fromisoformat(first)).days
            return [shifted(first, it) for it in range(count + 1)]
        ends = [str(last_of(it + "-01")) for it in months(first, last)]
        return [it for it in ends if it < last] + [last]

    def reports_balances_rows(self, request):
        own = request.get("account_id")
        return [(it, day) for it in ([own] if own else self.accounts) for day in self.days(request)]

    def reports_net_worth_rows(self, request):
        own = {it["currency"] for it in self.accounts.values()}
        own = [request["currency"]] if request.get("currency") else own
        days = self.days(request, request.get("step", "month"))
        return [(day, it) for day in days for it in own]

    def monthly(self, request, side, *names):
        first, last = request.get("from") or "", (request.get("to") or "9999-12") + "-31"
        lines = self.flows(request, first, last)
        lines = [{**it, "month": it["booking_date"][:7]} for it in lines if it["side"] in side]
        return {tuple(it[name] for name in names) for it in lines}

    def reports_spending_rows(self, request):
        return self.monthly(request, ["expense"], "month", "category_id", "currency")

    def reports_cash_flow_rows(self, request):
        return self.monthly(request, ["expense", "income"], "month", "currency")

    def reports_top_payees_rows(self, request):
        days, kind = (request.get("from") or "", request.get("to") or "9999"), request.get("kind")
        kind, sums = kind or "expense", {}
        for it in self.flows(request, *days, side=kind):
            if it["payee"] is not None:
                key, sign = (it["payee"], it["currency"]), -1 if kind == "expense" else 1
                sums[key] = sums.get(key, 0) + sign * it["minor"]
        most, rows = request.get("limit", 10), []
        for currency in {key[1] for key in sums}:
            own = [key for key in sums if key[1] == currency]
            rows += sorted(own, key=lambda key: (-sums[key], key[0].encode()))[:most]
        return rows

    def envelopes_state_rows(self, _request):
        return [(key,) for key, it in self.categories.items() if it["kind"] == "expense"]

    def goals_progress_rows(self, request):
        return [(key,) for key in self.goals if request.get("goal_id") in (None, key)]

    def budgets_state_rows(self, request):
        """All that have begun by the day; one may begin later within its period."""
        by = request.get("date") or (request["month"] + "-01" if "month" in request else None)
        by, one = by or request["as_of"], request.get("budget_id")
        begun = [key for key, it in self.budgets.items() if (it["start"] or "") <= by]
        later = {it["budget_id"] for it in request["rows"]} - set(begun)
        begun += [it for it in later if it in self.budgets and self.begins_in(it, request)]
        return [(it,) for it in begun if one in (None, it)]

    def begins_in(self, budget, request):
        row = next(it for it in request["rows"] if it["budget_id"] == budget)
        return row["from"] <= self.budgets[budget]["start"] <= row["to"]


def named(row, names):
    """What a row is named by: of amounts it is their currency."""
    return tuple(it["currency"] if isinstance(it, dict) else it for it in (row[n] for n in names))


def unlike(told, wanted):
    lacks, has = Counter(wanted) - Counter(told), Counter(told) - Counter(wanted)
    lacks, has = (sorted(it.elements(), key=str) for it in (lacks, has))
    return [f"it lacks {it}" for it in lacks] + [f"it should not have {it}" for it in has]


def periods(book, rows, request):
    """What is wrong with a budget's periods: they follow each other."""
    told = [
        f"nothing is told between {one['to']} and {next_one['from']}"
        for one, next_one in itertools.pairwise(rows)
        if shifted(one["to"], 1) != next_one["from"]
    ]
    first, last = request.get("from"), request.get("to")
    starts = {first, book.budgets[request["budget_id"]]["start"]} - {None}
    if first and not any(rows and rows[0]["from"] <= it <= rows[0]["to"] for it in starts):
        told.append("the first period is another")
    if last and (not rows or not rows[-1]["from"] <= last <= rows[-1]["to"]):
        told.append("the last period is another")
    return told


def keys(book, request, answer, days, by):
    """Which rows the lines of some days make, by their currency and what they are named by."""
    report = request["report"]
    lines = book.of(book.accounts, days[0] or "", days[1] or "9999")
    found, tops = set(), {}
    for it in book.categories:
        tops[it] = it if book.categories[it]["parent_id"] is None else None
    for it in lines:
        if it["side"] not in check_reports.SIGNS[report.get("measure", "spending")]:
            continue
        day, top = date.fromisoformat(it["booking_date"]), it["category_id"]
        while top is not None and tops[top] is None:
            top = book.categories[top]["parent_id"]
        own = {**it, "group_id": top, "weekday": check_reports.WEEKDAYS[day.weekday()]}
        own |= {name: str(start(day)) for name, start in check_reports.STARTS.items()}
        for tag in it["tags"] or [None] if "tag" in by else [None]:
            own["tag"] = tag
            names = tuple(own[check_reports.NAMES.get(name, name)] for name in by)
            found.add((report.get("currency") or it["currency"], names))
    return found


def report_rows(book, request, answer):
    report, rows, totals = request["report"], answer["rows"], answer["totals"]
    by, most = report.get("by", []), report.get("limit")
    time = {name: "date" for name in check_reports.STARTS}
    names = [{**check_reports.NAMES, **time}[name] for name in by]
    told = [(row["total"]["currency"], named(row, names)) for row in rows]
    problems = [] if len(set(told)) == len(told) else ["a row stands there twice"]
    if sorted({it for it, _ in told}) != sorted(it["total"]["currency"] for it in totals):
        problems.append("rows and totals have other currencies")
    if not report.get("filter"):
        wanted = keys(book, request, answer, (answer["from"], answer["to"]), by)
        by_time = bool(set(time) & set(by))
        if report.get("compare") and not by_time:
            before = (answer["before_from"], answer["before_to"])
            wanted |= keys(book, request, answer, before, by)
        if most is None:
            extra = [it for it in told if report.get("compare") and by_time and it not in wanted]
            return problems + unlike([it for it in told if it not in extra], wanted)
        count = Counter(it for it, _ in wanted)
        right = {it: min(most, count[it]) for it in count}
        return problems + ([] if Counter(it for it, _ in told) == right else ["other rows"])
    if most is None and "tag" not in by:
        for it in totals:
            own = [row for row in rows if row["total"]["currency"] == it["total"]["currency"]]
            same = sum(book.minor(row["total"]) for row in own) == book.minor(it["total"])
            lines = sum(row["transactions"] for row in own) == it["transactions"]
            problems += [] if same and lines else ["rows do not add up to the total"]
    return problems


def parts(said):
    """A dashboard as the answers of its parts."""
    by, witness = said["request"]["as_of"], said["request"].get("witness", False)
    answer = said["answer"]
    for verb, request, part in (
        ("reports.balances", {"to": by}, "balances"),
        ("reports.net_worth", {"to": by}, "net_worth"),
        ("reports.cash_flow", {"from": by[:7], "to": by[:7]}, "month"),
        ("budgets.state", {"date": by, "as_of": by}, "budgets"),
        ("goals.progress", {"as_of": by}, "goals"),
    ):
        yield {"verb": verb, "request": {**request, "witness": witness}, "answer": answer[part]}


def found(book, said):
    """What of an answer does not fit; `None` where it is not looked at."""
    verb, request, answer = said["verb"], said["request"], said["answer"]
    if verb == "reports.dashboard":
        told = []
        for part in parts(said):
            told += [f"{part['verb']}: {it}" for it in found(book, part)]
            for row in part["answer"]:
                problems = check_figures.found(book, part["verb"], part["request"], row)
                told += [f"{part['verb']}: {it}" for it in problems]
        return told
    if verb == "reports.run":
        return report_rows(book, request, answer)
    if verb == "budgets.history":
        return periods(book, answer, request)
    if verb not in NAMES:
        return None
    rows = answer["envelopes"] if verb == "envelopes.state" else answer
    wanted = getattr(book, verb.replace(".", "_") + "_rows")({**request, "rows": rows})
    return unlike([named(row, NAMES[verb]) for row in rows], wanted)


def main():
    export, answers = (json.loads(pathlib.Path(it).read_text("utf-8")) for it in sys.argv[1:3])
    book, count, wrong = Rows(export), 0, 0
    for place, said in enumerate(answers):
        problems = found(book, said)
        if problems is None:
            continue
        count, wrong = count + 1, wrong + len(problems)
        print(*(f"answer {place}, {said['verb']}: {it}\n" for it in problems), sep="", end="")
    print(f"{count} answers checked, {wrong} problems")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
