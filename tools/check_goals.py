"""Recomputes goals from a book's JSON export, with nothing but Python.

usage: check_goals.py EXPORT ANSWERS
The files are those of check_figures.py, to which other verbs are left. Read are the answers of
`goals.progress`, whose requests name `as_of`; every figure is made anew.
"""

import json
import pathlib
import sys
from datetime import date, timedelta
from fractions import Fraction

import check_figures
from check_figures import total


def day(text):
    return date.fromisoformat(text)


def shifted(text, days):
    return str(day(text) + timedelta(days))


def months(first, last):
    """The months from one to another, both included, as they are written."""
    number = int(first[:4]) * 12 + int(first[5:7]) - 1
    end = int(last[:4]) * 12 + int(last[5:7])
    return [f"{it // 12:04}-{it % 12 + 1:02}" for it in range(number, end)]


def later(text, count):
    """The same day so many months later, or the last one of that month."""
    year, month = divmod(int(text[:4]) * 12 + int(text[5:7]) - 1 + count, 12)
    start = date(year, month + 1, 1)
    return min(start + timedelta(int(text[8:]) - 1), last_of(str(start)))


def last_of(text):
    start = day(text[:7] + "-01")
    return (start + timedelta(31)).replace(day=1) - timedelta(1)


class Goals(check_figures.Book):
    """An export, as goals see it."""

    def __init__(self, export):
        super().__init__(export)
        self.goals = {it["id"]: it for it in export["goals"]}
        self.carries = {it["category_id"]: it["carries_deficit_from"] for it in export["envelopes"]}
        self.assigned = {}
        for month in export["assignments"]:
            for it in month["amounts"]:
                key = (it["category_id"], month["month"])
                self.assigned[key] = self.minor(it["amount"])
        currency = export["book"]["currency"]
        own = (it for it in self.accounts.values() if it["kind"] not in ("loan", "investment"))
        self.on_budget = sorted(it["id"] for it in own if it["currency"] == currency)

    def saving(self, goal):
        """The lines that count for a goal, the sign with which they do, and its accounts."""
        funding, currency = goal["funding"], goal["target"]["currency"]
        if funding["kind"] == "envelope":
            lines = [it for it in self.lines if it["account_id"] in self.on_budget]
            lines = [it for it in lines if it["category_id"] == funding["category_id"]]
            return [it for it in lines if it["transfer_id"] is None], 1, []
        if funding["kind"] == "transactions":
            lines = [it for it in self.lines if it.get("goal_id") == goal["id"]]
            sign = 1 if funding["direction"] == "in" else -1
            return [it for it in lines if it["currency"] == currency], sign, []
        ids = {it for it in funding["account_ids"] if self.accounts[it]["currency"] == currency}
        lines = [it for it in self.lines if it["account_id"] in ids]
        if funding["kind"] == "contributions":
            return [it for it in lines if it["booking_date"] >= goal["start"]], 1, []
        return lines, 1, sorted(ids)

    def saved(self, goal, by):
        """What is saved by the end of a day."""
        lines, sign, opening = self.saving(goal)
        lines = [it for it in lines if it["booking_date"] <= by]
        if goal["funding"]["kind"] != "envelope":
            return sign * total(lines) + sum(self.opening[it] for it in opening)
        left, own, before = 0, goal["funding"]["category_id"], ""
        known = [it["booking_date"][:7] for it in lines] + [key[1] for key in self.assigned]
        for month in months(min([*known, by[:7]]), by):
            if left < 0 and not (self.carries.get(own) or "9999-99") <= before:
                left = 0
            left += total(it for it in lines if it["booking_date"][:7] == month)
            left += self.assigned.get((own, month), 0)
            before = month
        return left

    def planned(self, goal, start, before, as_of):
        """What should be saved: equal parts for the months, each growing by its days."""
        target, due = self.minor(goal["target"]), goal["due"]
        if as_of < start or target <= before:
            return min(before, target)
        if as_of >= due:
            return target
        first = max(day(as_of[:7] + "-01"), day(start))
        own = (min(last_of(as_of), day(due)) - first).days + 1
        passed = len(months(start, as_of)) - 1 + Fraction((day(as_of) - first).days + 1, own)
        return before + round((target - before) * passed / len(months(start, due)))

    def pace(self, goal, start, as_of):
        """What the last full months moved, six at most, and how many there are."""
        full = months(start, shifted(as_of, 1))[:-1]
        full = [it for it in full if it + "-01" >= start][-6:]
        if not full:
            return 0, 0
        last = self.saved(goal, str(last_of(full[-1])))
        return last - self.saved(goal, shifted(full[0] + "-01", -1)), len(full)

    def projected(self, as_of, remaining, moved, count):
        """The day on which the rest is there at that pace."""
        if moved <= 0 or remaining <= 0 or remaining * count // moved > 1_200:
            return None
        whole, rest = divmod(remaining * count, moved)
        length = (later(as_of, whole + 1) - later(as_of, whole)).days
        return str(later(as_of, whole) + timedelta(-(-rest * length // moved)))

    def goals_progress(self, row, request):
        goal, as_of = self.goals[row["goal_id"]], request["as_of"]
        currency, target = goal["target"]["currency"], self.minor(goal["target"])
        lines, sign, opening = self.saving(goal)
        lines = [it for it in lines if it["booking_date"] <= as_of]
        is_envelope = goal["funding"]["kind"] == "envelope"
        start = goal["start"][:7] + "-01" if is_envelope else goal["start"]
        first = min(shifted(start, -1), as_of)
        saved, before = self.saved(goal, as_of), self.saved(goal, first)
        came = {}
        for it in (it for it in lines if it["booking_date"] > first):
            key = (it["booking_date"], it["id"])
            came[key] = came.get(key, 0) + sign * it["minor"]
        reached = [it for it in goal["milestones"] if saved * 100 >= target * it]
        open_state = goal["state"] in ("active", "paused")
        state = "achieved" if open_state and saved >= target else goal["state"]
        remaining = max(target - saved, 0)
        figures = {"target": target, "saved": saved, "remaining": remaining, "before": before}
        figures["assigned"] = saved - before - sum(came.values()) if is_envelope else 0
        said = {"state": state, "reached": reached, "contributions": None, "name": goal["name"]}
        said["saved_percent"] = check_figures.percent(saved, target)
        moved, count = self.pace(goal, start, as_of)
        said |= {"pace_months": count, "pace": None, "planned": None, "shortfall": None}
        said |= {"months_left": None, "needed_per_month": None, "projected": None}
        if count:
            figures["pace"] = Fraction(moved, count)
        if state == "active":
            said["projected"] = self.projected(as_of, remaining, moved, count)
        if state == "active" and goal["due"]:
            figures["planned"] = self.planned(goal, start, before, as_of)
            figures["shortfall"] = max(figures["planned"] - saved, 0)
            left = max(len(months(max(as_of, start), goal["due"])), 1)
            said["months_left"] = left
            figures["needed_per_month"] = -(-remaining // left)
        said |= self.money(currency, **figures)
        if request.get("witness"):
            told = [(*key, self.money(currency, it=it)["it"]) for key, it in sorted(came.items())]
            names = ("date", "transaction_id", "amount")
            said["contributions"] = [dict(zip(names, it, strict=True)) for it in told]
        return said, lines, opening


def main():
    export, answers = (json.loads(pathlib.Path(it).read_text("utf-8")) for it in sys.argv[1:3])
    book, count, wrong = Goals(export), 0, 0
    for said in (it for it in answers if it["verb"] == "goals.progress"):
        for row in said["answer"]:
            problems = check_figures.found(book, said["verb"], said["request"], row)
            count, wrong = count + 1, wrong + len(problems)
            print(*(f"goal {row['goal_id']}: {it}\n" for it in problems), sep="", end="")
    print(f"{count} goals checked, {wrong} problems")
    return 1 if wrong or not count else 0


if __name__ == "__main__":
    sys.exit(main())
