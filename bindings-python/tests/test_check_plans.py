"""The checkers of goals, of what of a forecast is certain, and of rows that are missing: what the
engine answers passes, and nothing that was altered or left out."""

from __future__ import annotations

import copy
import json
import pathlib
import subprocess
import sys
from typing import Any

import fiscaflow
import pytest

import generated
from conftest import ROOT, loaded
from test_check_figures import alterations, altered

REPORTS: list[dict[str, Any]] = [
    {"by": ["category"]},
    {"measure": "income", "by": ["account", "month"]},
    {"by": ["tag"]},
    {"by": ["group", "payee"], "sort": "total", "limit": 2},
    {"by": ["weekday"], "filter": {"kind": "direction", "is": "out"}, "currency": "EUR"},
    {"by": ["category"], "span": {"kind": "this", "unit": "years"}, "compare": "year_before"},
]


@pytest.fixture(scope="module")
def asked() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A book's export, and what it answers to each verb that is checked."""
    with fiscaflow.open("memory:") as engine:
        made = engine.books(actor="anna").create(name="Home", currency="EUR")
        book: Any = engine.book(made["id"], actor="anna")
        book.exports.restore(content=json.dumps(generated.household(7, 150)))
        export = json.loads(book.exports.create(format="json")["content"])
        days = ["2024-01-31", "2024-12-31", "2025-03-30", "2025-11-17"]
        dollars = export["accounts"][1]["id"]
        requests: list[tuple[str, dict[str, Any]]] = [
            *(("goals.progress", {"as_of": day}) for day in days),
            ("goals.progress", {"as_of": days[1], "goal_id": export["goals"][3]["id"]}),
            ("reports.forecast", {"as_of": "2025-06-30", "days": 45}),
            ("reports.forecast", {"as_of": "2025-12-31"}),
            ("reports.forecast", {"as_of": "2025-08-31", "days": 9, "account_ids": [dollars]}),
            ("reports.forecast", {"as_of": "2023-12-31", "days": 60}),
            ("reports.dashboard", {"as_of": "2025-07-16"}),
            ("reports.balances", {}),
            ("reports.balances", {"from": "2024-02-25", "to": "2024-03-05"}),
            ("reports.net_worth", {"from": "2024-01-31", "to": "2025-03-30"}),
            ("reports.net_worth", {"to": "2025-03-30", "currency": "EUR", "max_age_days": 30}),
            ("reports.spending", {}),
            ("reports.cash_flow", {"from": "2024-05"}),
            ("reports.top_payees", {"limit": 2}),
            ("budgets.state", {"date": "2024-07-16", "as_of": "2024-07-16"}),
            *(
                ("budgets.history", {"budget_id": it["id"], "from": days[0], "to": days[2]})
                for it in export["budgets"][:6]
            ),
            ("envelopes.state", {"month": "2024-09"}),
            *(
                ("reports.run", {"report": it, "as_of": "2025-07-20", "max_age_days": 30})
                for it in REPORTS
            ),
        ]
        answers = []
        for verb, request in requests:
            request["witness"] = True
            noun, name = verb.split(".")
            python = {f"{key}_" if key == "from" else key: it for key, it in request.items()}
            answer = getattr(getattr(book, noun), name)(**python)
            assert answer, verb
            answers.append({"verb": verb, "request": request, "answer": answer})
        return export, answers


def run(program: str, folder: pathlib.Path, export: Any, answers: Any) -> tuple[int, str]:
    """The exit code of a program, and what it says."""
    paths = [folder / "export.json", folder / "answers.json"]
    for path, content in zip(paths, (export, answers), strict=True):
        path.write_text(json.dumps(content), encoding="utf-8")
    command = [sys.executable, "-S", "-E", str(ROOT / "tools" / program), *map(str, paths)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.stderr == ""
    return said.returncode, said.stdout


def of(answers: list[dict[str, Any]], *verbs: str) -> list[dict[str, Any]]:
    return [it for it in answers if it["verb"] in verbs]


def test_right_answers_pass(asked: Any, tmp_path: pathlib.Path) -> None:
    export, answers = asked
    rows = sum(len(it["answer"]) for it in of(answers, "goals.progress"))
    for program, count in (
        ("check_goals.py", f"{rows} goals"),
        ("check_forecast.py", "4 forecasts"),
        ("check_rows.py", f"{len(answers) - 4} answers"),
    ):
        said = run(program, tmp_path, export, answers)
        assert said == (0, f"{count} checked, 0 problems\n")
        assert run(program, tmp_path, export, [])[0] == 1
    kinds = {it["funding"]["kind"] for it in export["goals"]}
    assert kinds == {"balances", "contributions", "envelope", "transactions"}
    payments = [it for said in of(answers, "reports.forecast") for it in said["answer"]["payments"]]
    assert any(it["witness"]["ids"] for it in payments)
    assert any(it["schedule_id"] for it in payments)
    assert any(
        day["witness"]["ids"]
        for said in of(answers, "reports.forecast")
        for day in said["answer"]["days"]
    )


def test_altered_goals_are_found(asked: Any) -> None:
    program, (export, answers) = loaded("check_goals"), asked
    book, tried = program.Goals(export), 0
    figures = program.check_figures.found
    for said in of(answers, "goals.progress"):
        for row in said["answer"]:
            changes = list(alterations(row))
            changes += [(("state",), "achieved" if row["state"] != "achieved" else "active")]
            changes += [(("pace_months",), 7), (("projected",), "2031-01-01")]
            changes += [(("months_left",), 99)]
            changes += [(("reached",), [*row["reached"], 99]), (("saved_percent",), "0.05")]
            changes += [(("contributions",), row["contributions"][1:] or None)]
            for path, value in changes:
                wrong = altered(row, path, value)
                assert figures(book, said["verb"], said["request"], wrong), (path, value)
                tried += 1
    assert tried > 500


def test_altered_forecasts_are_found(asked: Any) -> None:
    """But for what is an estimate: balances ahead and their intervals, which transactions the rest
    is told from, and of how many payments a stream's amount is the middle one."""
    program, (export, answers) = loaded("check_forecast"), asked
    book, tried = program.Forecasts(export), 0
    for said in of(answers, "reports.forecast"):
        answer, request = said["answer"], said["request"]
        assert program.found(book, request, answer) == []
        changes = []
        for path, value in alterations(answer):
            estimate = path[0] == "days" and path[-2] in ("balance", "low", "high")
            if estimate and answer["history_days"]:
                continue
            is_told = path[0] in ("rest_witness", "payments") and "ids" in path
            if is_told and isinstance(value, list):
                value = [*value, generated.an_id(9, 9)]
            if path[-1] == "schedule_id":
                continue
            changes.append((path, value))
        for name in ("days", "payments"):
            rows = answer[name]
            changes += [((name,), rows[:at] + rows[at + 1 :]) for at in range(0, len(rows), 7)]
            changes += [((name,), rows[:-1])] if rows else []
        changes += [(("as_of",), "2024-01-01"), (("account_ids",), [])]
        for path, value in changes:
            wrong = altered(answer, path, value)
            assert program.found(book, request, wrong), (path, value)
            tried += 1
    assert tried > 150


def test_payments_of_schedules_that_are_left_out_are_found(asked: Any) -> None:
    """Left out of `payments` and of what its day expects alike, moved to another day with it, or
    told twice; so is a stream's payment that names nothing."""
    program, (export, answers) = loaded("check_forecast"), asked
    book, tried = program.Forecasts(export), 0
    names = {"left out": 0, "moved": 0, "stream": 0}

    def with_expected(answer: Any, minor: dict[str, int]) -> Any:
        days = []
        for row in answer["days"]:
            currency = row["expected"]["currency"]
            expected = book.minor(row["expected"]) + minor.get(row["date"], 0)
            days.append({**row, **book.money(currency, expected=expected)})
        return {**answer, "days": days}

    for said in of(answers, "reports.forecast"):
        answer, request = said["answer"], said["request"]
        if not answer["history_days"]:
            continue
        for place, row in enumerate(answer["payments"]):
            others = answer["payments"][:place] + answer["payments"][place + 1 :]
            if row["schedule_id"] is None:
                bare = {**row, "witness": {**row["witness"], "ids": []}}
                assert program.found(book, request, {**answer, "payments": [*others, bare]})
                names["stream"] += 1
                continue
            minor, date = book.minor(row["amount"]), row["date"]
            wrong = with_expected({**answer, "payments": others}, {date: -minor})
            schedule = book.schedules[row["schedule_id"]]
            every = program.dates(schedule["recurrence"], answer["days"][-1]["date"])
            if date in every and not list(book.payers(schedule, date, every)):
                assert program.found(book, request, wrong), date
                names["left out"] += 1
            later = program.shifted(date, 1)
            if later <= answer["days"][-1]["date"]:
                moved = {**answer, "payments": [*others, {**row, "date": later}]}
                wrong = with_expected(moved, {date: -minor, later: minor})
                assert program.found(book, request, wrong), later
                names["moved"] += 1
            twice = {**answer, "payments": [*answer["payments"], row]}
            assert program.found(book, request, with_expected(twice, {date: minor}))
            tried += 1
    assert tried > 20 and all(names.values()), names


def test_days_of_recurrences_are_those_of_dateutil() -> None:
    """The table of recurrences that the core is held to."""
    program, table = loaded("check_forecast"), "fiscaflow-core/tests/tables/recurrences.txt"
    tried = 0
    for line in (ROOT / table).read_text(encoding="utf-8").splitlines():
        if not line.startswith("{"):
            continue
        recurrence, days = line.split(" | ") if " | " in line else (line.rstrip(" |"), "")
        if days:
            found = program.dates(json.loads(recurrence), days.split()[-1])
            assert found == days.split(), recurrence
            tried += 1
    assert tried > 200


def test_rows_that_are_missing_are_found(asked: Any) -> None:
    """Each row left out, and one that stands there twice; of a dashboard each altered figure."""
    program, (export, answers) = loaded("check_rows"), asked
    book, tried = program.Rows(export), 0
    budgets = {it["id"]: it for it in export["budgets"]}
    for said in answers:
        if program.found(book, said) is None:
            continue
        assert program.found(book, said) == []
        names: list[str | None] = [None]
        if said["verb"] == "reports.dashboard":
            names = ["balances", "net_worth", "month", "budgets", "goals"]
        elif said["verb"] in ("envelopes.state", "reports.run"):
            names = ["envelopes" if said["verb"] == "envelopes.state" else "rows"]
        for name in names:
            rows = said["answer"][name] if name else said["answer"]
            for place in range(0, len(rows), 1 + len(rows) // 20):
                late = said["verb"] == "budgets.state" and (
                    (budgets[rows[place]["budget_id"]]["start"] or "") > said["request"]["date"]
                )
                for wrong in (
                    [*rows, rows[place]],
                    *([] if late else [rows[:place] + rows[place + 1 :]]),
                ):
                    changed = copy.copy(said)
                    changed["answer"] = {**said["answer"], name: wrong} if name else wrong
                    assert program.found(book, changed), (said["verb"], place)
                    tried += 1
            if said["verb"] != "reports.dashboard":
                continue
            for path, value in alterations(rows[0]):
                changed = {**said, "answer": altered(said["answer"], (name, 0, *path), value)}
                assert program.found(book, changed), (name, path)
                tried += 1
    assert tried > 300
