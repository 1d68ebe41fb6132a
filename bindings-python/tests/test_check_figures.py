"""The independent checker of `tools/`: what the engine answers passes, and nothing that was altered.

Each amount, count, percentage, id, currency and head of an answer is altered, one at a time.
"""

from __future__ import annotations

import copy
import json
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import fiscaflow
import pytest

import generated
from conftest import ROOT, loaded

PROGRAM = ROOT / "tools" / "check_figures.py"
FROM, TO = "2024-01-31", "2025-03-30"


@pytest.fixture(scope="module")
def asked() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A book's export, and what it answers to each verb that is checked."""
    with fiscaflow.open("memory:") as engine:
        made = engine.books(actor="anna").create(name="Home", currency="EUR")
        book = engine.book(made["id"], actor="anna")
        book.exports.restore(content=json.dumps(generated.book(7, 150)))
        export = json.loads(book.exports.create(format="json")["content"])
        account = export["accounts"][0]["id"]
        budget = export["budgets"][0]
        days = {"from": FROM, "to": TO}
        requests: list[tuple[str, dict[str, Any]]] = [
            ("reports.balances", {}),
            ("reports.balances", {"account_id": account, "from": "2024-02-25", "to": "2024-03-05"}),
            ("reports.net_worth", days),
            ("reports.net_worth", {**days, "currency": "EUR", "unrealised": True}),
            ("reports.net_worth", {"to": TO, "currency": "USD", "max_age_days": 30}),
            ("reports.spending", {}),
            ("reports.spending", {"account_id": account, "from": "2024-05"}),
            ("reports.cash_flow", {}),
            ("reports.top_payees", {"kind": "income", "from": FROM}),
            ("reports.top_payees", {}),
            ("budgets.state", {"date": "2024-07-16", "as_of": "2024-07-16"}),
            ("budgets.history", {**days, "budget_id": budget["id"]}),
            ("envelopes.state", {"month": "2024-09"}),
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


def run(folder: pathlib.Path, export: Any, answers: Any) -> tuple[int, str]:
    """The exit code of the program, and what it says."""
    paths = [folder / "export.json", folder / "answers.json"]
    for path, content in zip(paths, (export, answers), strict=True):
        path.write_text(json.dumps(content), encoding="utf-8")
    # Nothing but Python: no packages, not ours either.
    command = [sys.executable, "-I", "-S", str(PROGRAM), *map(str, paths)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.stderr == ""
    return said.returncode, said.stdout


def test_it_is_short() -> None:
    assert len(PROGRAM.read_text(encoding="utf-8").splitlines()) <= 200


def test_right_answers_pass(asked: Any, tmp_path: pathlib.Path) -> None:
    export, answers = asked
    code, said = run(tmp_path, export, answers)
    assert code == 0, said
    rows = [it["answer"] for it in answers]
    rows = [it if isinstance(it, list) else it["envelopes"] for it in rows]
    assert said == f"{sum(map(len, rows))} rows checked, 0 problems\n"
    assert all(row["witness"]["head"] == export["head"] for it in rows for row in it)
    assert any(row["witness"]["rates"] for row in rows[3])
    # A transaction that the book got meanwhile is noticed, too.
    more = copy.deepcopy(export)
    more["transactions"][-1]["amount"]["value"] = "-12345.67"
    assert run(tmp_path, more, answers)[0] == 1


def alterations(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each place of an answer that says a figure or of what it is, and something else for it."""
    last = path[-1] if path else None
    if isinstance(value, list):
        for place, it in enumerate(value[:2]):
            yield from alterations(it, (*path, place))
        if last in ("ids", "opening", "rates"):
            yield path, [*value, value[0] if value else generated.an_id(3, 999)]
            if value:
                yield path, value[1:]
    elif isinstance(value, dict):
        for name, it in value.items():
            yield from alterations(it, (*path, name))
    elif last == "value":
        yield path, str(Decimal(value) + Decimal(1).scaleb(int(Decimal(value).as_tuple()[2])))
        yield path, value.removeprefix("-") if value.startswith("-") else f"-{value}"
    elif last in ("currency", "base", "quote"):
        yield path, "USD" if value == "EUR" else "EUR"
    elif last in ("transactions", "days"):
        yield path, value + 1
    elif last in ("used_percent", "savings_rate_percent", "rate"):
        yield path, "0.1" if value is None else str(Decimal(value) + Decimal("0.1"))
    elif (
        last in ("account_id", "budget_id", "category_id", "group_id", "head", "rounding")
        or "witness" in path[:-1]
    ):
        yield path, generated.an_id(9, 9)


def altered(answer: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of the answer with another value in one place."""
    if not path:
        return value
    copied = list(answer) if isinstance(answer, list) else dict(answer)
    copied[path[0]] = altered(copied[path[0]], path[1:], value)
    return copied


def test_whatever_is_altered_is_found(asked: Any) -> None:
    program = loaded("check_figures")
    export, answers = asked
    book = program.Book(export)
    tried = 0
    for said in answers:
        answer = said["answer"]
        rows = answer if isinstance(answer, list) else answer["envelopes"]
        for row in rows[:: 1 + len(rows) // 5]:
            for path, value in alterations(row):
                changed = altered(row, path, value)
                assert program.found(book, said["verb"], said["request"], changed), (row, path)
                tried += 1
    assert tried > 900


def test_a_witness_that_was_asked_for_may_not_be_missing(asked: Any) -> None:
    program = loaded("check_figures")
    export, answers = asked
    row = {**answers[0]["answer"][0], "witness": None}
    book = program.Book(export)
    assert program.found(book, "reports.balances", {}, row) == []
    assert program.found(book, "reports.balances", {"witness": True}, row)


def test_the_program_says_what_is_wrong(asked: Any, tmp_path: pathlib.Path) -> None:
    export, answers = asked
    answer = altered(answers[0]["answer"], (1, "balance", "value"), "0.01")
    code, said = run(tmp_path, export, [{**answers[0], "answer": answer}])
    assert code == 1
    assert "reports.balances, row 1: `balance` is" in said
    assert run(tmp_path, export, [])[0] == 1
