"""Books that are drawn from a seed, as the JSON that an export has: the same for the same seed.

Two years of six accounts in three currencies: splits of either sign and without categories,
transfers within a currency and between two, over the end of a month too, refunds, salaries that are
paid back, pending, void and deleted rows, opening balances, exchange rates; and budgets of every
scope, period and rollover.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from typing import Any

FIRST = datetime.date(2024, 1, 1)
DAYS = 731
PLACES = {"EUR": 2, "USD": 2, "JPY": 0}
KINDS = ["checking", "savings", "credit_card", "loan", "cash", "other"]
# The parent of each category; the last four are of income.
PARENTS = [None, None, None, 0, 0, 1, 3, 3, None, None, 8, 10]
INCOME = range(8, 12)
TAGS = ["trip", "work", "ünter wegs"]
PERIODS: list[dict[str, Any]] = [
    {"kind": "months"},
    {"kind": "months"},
    {"kind": "months", "start_day": 25},
    {"kind": "months", "start_day": 31},
    {"kind": "weeks"},
    {"kind": "weeks", "first_day": "sunday"},
    {"kind": "every", "count": 2, "unit": "weeks", "anchor": "2024-01-05"},
    {"kind": "every", "count": 10, "unit": "days", "anchor": "2025-06-30"},
    {"kind": "every", "count": 2, "unit": "months", "anchor": "2024-08-31"},
    {"kind": "every", "count": 1, "unit": "years", "anchor": "2024-02-29"},
    {"kind": "semi_months"},
    {"kind": "semi_months", "first_day": 15, "second_day": 31},
    {"kind": "quarters"},
    {"kind": "quarters", "start_month": 2},
    {"kind": "years"},
    {"kind": "years", "start_month": 4, "start_day": 6},
]


def an_id(kind: int, number: int) -> str:
    return f"018cc4e5-2200-7000-8{kind:03x}-{number:012x}"


def money(minor: int, currency: str) -> dict[str, str]:
    places = PLACES[currency]
    digits = f"{abs(minor):0{places + 1}}"
    whole = f"{digits[:-places]}.{digits[-places:]}" if places else digits
    return {"value": f"-{whole}" if minor < 0 else whole, "currency": currency}


def book(seed: int, count: int) -> dict[str, Any]:
    """An export of a book of at least so many transactions."""
    chance = random.Random(seed)
    currencies = list(PLACES)
    accounts = [
        {
            "id": an_id(1, place),
            "name": f"A{place}",
            "kind": kind,
            "currency": currencies[place % 3],
            "opening_balance": money(chance.randint(-200_000, 200_000), currencies[place % 3]),
            "number": None,
            "bank_id": None,
            "import_key": None,
            "closed": False,
        }
        for place, kind in enumerate(KINDS)
    ]
    categories = [
        {
            "id": an_id(2, place),
            "name": f"C{place}",
            "kind": "income" if place in INCOME else "expense",
            "parent_id": None if parent is None else an_id(2, parent),
        }
        for place, parent in enumerate(PARENTS)
    ]
    rows: list[dict[str, Any]] = []
    while len(rows) < count:
        row = _row(chance, len(rows))
        rows.append(row)
        if chance.random() < 0.12:
            rows.append(_other_side(chance, row, len(rows)))
    return {
        "fiscaflow": 1,
        "book": {
            "id": an_id(0, 1),
            "name": "Generated",
            "zone": "Europe/Berlin",
            "currency": "EUR",
            "currencies": [],
            "created_at": "2024-01-01T00:00:00Z",
        },
        "accounts": accounts,
        "categories": categories,
        "budgets": [_budget(chance, place) for place in range(24)],
        "rates": list(_rates(chance)),
        "transactions": rows,
        **{
            name: []
            for name in (
                "members",
                "payees",
                "rules",
                "imports",
                "layouts",
                "transfer_refusals",
                "alerts",
            )
        },
    }


def _rates(chance: random.Random) -> Iterator[dict[str, Any]]:
    """Sheets of the euro, and now and then of the dollar: on some days neither, or both."""
    for number in range(-7, DAYS):
        day = (FIRST + datetime.timedelta(days=number)).isoformat()
        dollar, yen = chance.randint(9_000, 12_500), chance.randint(12_000, 17_000)
        quotes = {"USD": f"{dollar / 10_000:.4f}", "JPY": f"{yen / 100:.2f}"}
        if number % 5 == 0 or chance.random() < 0.4:
            yield _sheet(day, "EUR", quotes)
        if chance.random() < 0.2:
            yield _sheet(day, "USD", {"EUR": f"{chance.randint(8_000, 11_000) / 10_000:.4f}"})


def _sheet(day: str, base: str, quotes: dict[str, str]) -> dict[str, Any]:
    rates = [{"quote": quote, "rate": rate} for quote, rate in sorted(quotes.items())]
    return {"date": day, "base": base, "rates": rates}


def _row(chance: random.Random, number: int) -> dict[str, Any]:
    account = chance.randrange(6)
    currency = list(PLACES)[account % 3]
    minor = chance.randint(-90_000, 30_000)
    category = an_id(2, chance.randrange(12)) if chance.random() < 0.8 else None
    splits: list[dict[str, Any]] = []
    if chance.random() < 0.25:
        parts = [chance.randint(-30_000, 30_000) for _ in range(chance.randint(1, 3))]
        parts.append(minor - sum(parts))
        splits = [
            {
                "amount": money(part, currency),
                "category_id": None if chance.random() < 0.3 else an_id(2, chance.randrange(12)),
                "notes": None,
            }
            for part in parts
        ]
    day = FIRST + datetime.timedelta(days=chance.randrange(DAYS))
    return {
        "id": an_id(3, number),
        "account_id": an_id(1, account),
        "booking_date": day.isoformat(),
        "value_date": None,
        "amount": money(minor, currency),
        "status": chance.choice(["posted"] * 5 + ["pending", "reconciled", "disputed", "void"]),
        "description": f"row {number}",
        "payee": chance.choice([None, "Markt", "Bank"]),
        "payee_source": None,
        "category_id": None if splits else category,
        "category_source": None,
        "tags": sorted(chance.sample(TAGS, chance.choice([0, 0, 1, 2]))),
        "tags_source": None,
        "notes": None,
        "splits": splits,
        "transfer_id": None,
        "reference": None,
        "external_id": None,
        "attachments": [],
        "metadata": {},
        "origins": [],
        "deleted": chance.random() < 0.04,
        "revision": 0,
    }


def _other_side(chance: random.Random, out: dict[str, Any], number: int) -> dict[str, Any]:
    """Makes a row the side of a transfer that money leaves, and gives the other."""
    other = _row(chance, number)
    while other["account_id"] == out["account_id"]:
        other = _row(chance, number)
    day = datetime.date.fromisoformat(out["booking_date"])
    last = FIRST + datetime.timedelta(days=DAYS - 1)
    day = min(day + datetime.timedelta(days=chance.randrange(4)), last)
    other["booking_date"] = day.isoformat()
    for side, partner in ((out, other), (other, out)):
        side |= {"transfer_id": partner["id"], "category_id": None, "splits": []}
        side |= {"status": "posted", "deleted": False}
        value = side["amount"]["value"].removeprefix("-")
        side["amount"]["value"] = f"-{value}" if side is out else value
    return other


def _budget(chance: random.Random, place: int) -> dict[str, Any]:
    scope: dict[str, list[str]] = {
        "category_ids": [],
        "except_category_ids": [],
        "tags": [],
        "account_ids": [],
    }
    while not any(scope.values()):
        if chance.random() < 0.6:
            scope["category_ids"] = _some(chance, [an_id(2, it) for it in range(8)])
        if chance.random() < 0.3:
            scope["except_category_ids"] = _some(chance, [an_id(2, it) for it in range(8)])
        if chance.random() < 0.3:
            scope["tags"] = _some(chance, TAGS)
        if chance.random() < 0.3:
            scope["account_ids"] = _some(chance, [an_id(1, it) for it in range(6)])
    currency = chance.choice(["EUR", "EUR", "USD", "JPY"])
    carry = chance.choice(["nothing", "surplus", "deficit", "both", "both"])
    cap = money(chance.randint(0, 60_000), currency)["value"] if chance.random() < 0.4 else None
    start = FIRST + datetime.timedelta(days=chance.randrange(300))
    return {
        "id": an_id(4, place),
        "name": f"B{place}",
        **scope,
        "limit": money(chance.randint(1, 90_000), currency),
        "thresholds": chance.choice([[80, 100, 120], [], [50], [100, 300]]),
        "period": chance.choice(PERIODS),
        "rollover": {
            "carry": carry,
            "cap": cap if carry != "nothing" else None,
            "reset_every": chance.choice([None, None, 3]) if carry != "nothing" else None,
            "reset_yearly": carry != "nothing" and chance.random() < 0.3,
        },
        "start": start.isoformat() if carry != "nothing" or chance.random() < 0.5 else None,
        "pending_counts": chance.random() < 0.6,
    }


def _some(chance: random.Random, names: list[str]) -> list[str]:
    return sorted(chance.sample(names, chance.randint(1, 3)))


def household(seed: int, count: int) -> dict[str, Any]:
    """The same with what is planned: goals of every kind, envelopes and what they were assigned,
    schedules, and payments that recur."""
    export, chance = book(seed, count), random.Random(seed + 1)
    rows = export["transactions"]
    for month in range(24):
        due = datetime.date(2024 + month // 12, month % 12 + 1, 9)
        for payee, minor in (("GRID CO", -chance.randint(4_000, 6_000)), ("STREAMFLIX", -1_299)):
            row = _row(chance, len(rows))
            row |= {"account_id": an_id(1, 0), "booking_date": due.isoformat(), "payee": payee}
            row |= {"amount": money(minor, "EUR"), "splits": [], "category_id": an_id(2, 4)}
            rows.append({**row, "status": "posted", "deleted": False})
    accounts = [an_id(1, place) for place in (0, 1, 3, 4)]
    fundings: list[dict[str, Any]] = [
        {"kind": "balances", "account_ids": accounts[:1]},
        {"kind": "balances", "account_ids": [an_id(1, 0), an_id(1, 3)]},
        {"kind": "contributions", "account_ids": [an_id(1, 1), an_id(1, 4)]},
        {"kind": "envelope", "category_id": an_id(2, 4)},
        {"kind": "envelope", "category_id": an_id(2, 5)},
        {"kind": "transactions", "direction": "out"},
        {"kind": "transactions", "direction": "in"},
    ]
    export["goals"] = [_goal(chance, place, funding) for place, funding in enumerate(fundings)]
    for row in rows:
        if not row["deleted"] and row["transfer_id"] is None and chance.random() < 0.3:
            source = {"kind": "user", "reference": None, "confidence": 100}
            row |= {"goal_id": an_id(5, chance.choice([5, 6])), "goal_source": source}
    export["envelopes"] = [
        {
            "category_id": an_id(2, place),
            "carries_deficit_from": chance.choice([None, "2024-06"]),
            "cap": None,
            "returns_excess": False,
            "automations": [],
        }
        for place in (4, 5)
    ]
    export["assignments"] = [
        {
            "month": f"{2024 + month // 12}-{month % 12 + 1:02}",
            "amounts": [
                {"category_id": category, "amount": money(chance.randint(-500, 40_000), "EUR")}
                for category in (an_id(2, 4), an_id(2, 5))
            ],
            "held": money(0, "EUR"),
        }
        for month in range(24)
        if chance.random() < 0.8
    ]
    export["schedules"] = [
        {
            "id": an_id(6, place),
            "name": f"S{place}",
            "account_id": an_id(1, 0),
            "payee": payee,
            "category_id": None,
            "amount": money(minor, "EUR"),
            "tolerance_percent": 10,
            "recurrence": {"start": "2024-02-15", "unit": unit},
            "tolerance_days": 3,
            "active": True,
        }
        for place, (payee, minor, unit) in enumerate(
            [("Landlord", -80_000, "months"), (None, 12_345, "weeks")]
        )
    ]
    return export


def _goal(chance: random.Random, place: int, funding: dict[str, Any]) -> dict[str, Any]:
    one = next(iter(funding.get("account_ids", [])), an_id(1, 0))
    currency = list(PLACES)[int(one[-1]) % 3]
    start = FIRST + datetime.timedelta(days=chance.randrange(400))
    due = start + datetime.timedelta(days=chance.randrange(500))
    return {
        "id": an_id(5, place),
        "name": f"G{place}",
        "target": money(chance.randint(1_000, 900_000), currency),
        "start": start.isoformat(),
        "due": due.isoformat() if chance.random() < 0.8 else None,
        "funding": funding,
        "state": chance.choice(["active", "active", "active", "paused", "abandoned"]),
        "milestones": [25, 50, 75, 100],
    }
