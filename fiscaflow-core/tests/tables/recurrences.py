"""Writes recurrences.txt: recurrences and their first days, as python-dateutil 2.9 finds them.

Run it as `python3 recurrences.py > recurrences.txt`. dateutil leaves out months that lack a day,
where the engine takes their last one: the rules below say so by `bysetpos`.
"""

import itertools
import json
import random
from datetime import date, datetime, time, timedelta

from dateutil import rrule

SHOWN = 14
UNITS = {"days": rrule.DAILY, "weeks": rrule.WEEKLY, "months": rrule.MONTHLY, "years": rrule.YEARLY}
WEEKDAYS = "monday tuesday wednesday thursday friday saturday sunday".split()
NAMED = [rrule.MO, rrule.TU, rrule.WE, rrule.TH, rrule.FR, rrule.SA, rrule.SU]


def month_day(day):
    if day <= 28:
        return {"bymonthday": day}
    return {"bymonthday": list(range(28, day + 1)), "bysetpos": -1}


def options(it, start):
    """What dateutil is asked, one rule for each entry of `on`."""
    if it["unit"] == "days":
        return [{}]
    if it["unit"] == "weeks":
        days = [WEEKDAYS.index(on["weekday"]) for on in it["on"]] or [start.weekday()]
        return [{"byweekday": [NAMED[day] for day in days], "wkst": rrule.MO}]
    rules = []
    for on in it["on"] or [{"kind": "month_day", "day": start.day}]:
        if on["kind"] == "month_day":
            rule = month_day(on["day"])
        else:
            rule = {"byweekday": NAMED[WEEKDAYS.index(on["weekday"])](on["nth"])}
        if it["unit"] == "years":
            rule["bymonth"] = start.month
        rules.append(rule)
    return rules


def moved(day, policy):
    steps = {"before": (-1, -2), "after": (2, 1), "nearest": (-1, 1)}.get(policy, (0, 0))
    return day + timedelta(steps[day.weekday() - 5]) if day.weekday() >= 5 else day


def dates(it):
    start = date.fromisoformat(it["start"])
    rules = set()
    for extra in options(it, start):
        rule = rrule.rrule(
            UNITS[it["unit"]], datetime.combine(start, time()), interval=it["every"], **extra
        )
        rules.update(day.date() for day in itertools.islice(rule, 60))
    days = sorted(rules)[:60][: it.get("count", 60)]
    days = [day for day in days if day.isoformat() <= it.get("until", "9999-12-31")]
    days = [day for day in days if day.isoformat() not in it["skip"]]
    return list(dict.fromkeys(moved(day, it["weekend"]) for day in days))[:SHOWN]


def some(chance):
    unit = chance.choice(list(UNITS))
    start = date(2023, 1, 1) + timedelta(chance.randrange(1500))
    on = []
    for _ in range(chance.choice([0, 1, 1, 2])):
        weekday = chance.choice(WEEKDAYS)
        if unit == "weeks":
            on.append({"kind": "weekday", "weekday": weekday})
        elif unit != "days" and chance.random() < 0.5:
            on.append({"kind": "month_day", "day": chance.choice([1, 15, 28, 29, 30, 31])})
        elif unit != "days":
            nth = chance.choice([1, 2, 3, 4, 5, -1, -2, -5])
            on.append({"kind": "nth_weekday", "nth": nth, "weekday": weekday})
    it = {
        "start": start.isoformat(),
        "unit": unit,
        "every": chance.choice([1, 1, 2, 3, 5]),
        "on": on,
        "weekend": chance.choice(["stay", "before", "after", "nearest"]),
        "skip": [],
    }
    if chance.random() < 0.3:
        it["count"] = chance.randrange(1, 9)
    if chance.random() < 0.3:
        it["until"] = (start + timedelta(chance.randrange(900))).isoformat()
    if chance.random() < 0.3:
        it["skip"] = [day.isoformat() for day in dates({**it, "weekend": "stay"})[1:3]]
    return it


chance = random.Random(5)
print("# Made by recurrences.py: a recurrence and its first days.")
for _ in range(240):
    recurrence = some(chance)
    print(json.dumps(recurrence), "|", " ".join(day.isoformat() for day in dates(recurrence)))
