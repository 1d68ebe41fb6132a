"""The independent checker of `tools/`: what the engine answers passes, and nothing that was altered.

Each amount, count, percentage, id, currency and head of an answer is altered, one at a time.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import pathlib
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import fiscaflow
import generated
import pytest
from conftest import ROOT

PROGRAM = ROOT / "tools" / "check_figures.py"
FROM, TO = "2024-01-31", "2025-03-30"


def loaded() -> Any:
    spec = importlib.util.spec_from_file_location("check_figures", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
        requests: list[tuple[str, dict[str, Any]]] = [
            ("reports.balances", {}),
            ("reports.balances", {"account_id": account, "from": "2024-02-25", "to": "2024-03-05"}),
            ("reports.net_worth", {"from": FROM, "to": TO}),
            ("reports.spending", {}),
            ("reports.spending", {"account_id": account, "from": "2024-05"}),
            ("reports.cash_flow", {}),
            ("reports.top_payees", {"kind": "income", "from": FROM}),
            ("reports.top_payees", {}),
            ("budgets.state", {"date": "2024-07-16", "as_of": "2024-07-16", "witness": True}),
            ("budgets.history", {"budget_id": budget["id"], "from": FROM, "to": TO}),
            ("envelopes.state", {"month": "2024-09", "witness": True}),
        ]
        answers = []
        for verb, request in requests:
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
    assert any(row["witness"] for row in rows[-3]), "no budget has a witness"
    # A transaction that the book got meanwhile is noticed, too.
    more = copy.deepcopy(export)
    more["transactions"][-1]["amount"]["value"] = "-12345.67"
    assert run(tmp_path, more, answers)[0] == 1


def alterations(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Each place of an answer that says a figure or of what it is, and something else for it."""
    if isinstance(value, list):
        for place, it in enumerate(value):
            yield from alterations(it, (*path, place))
        if path and path[-1] in ("witness", "ids"):
            yield path, [*value, generated.an_id(3, 999)]
            if value:
                yield path, value[1:]
                yield path, [*value, value[0]]
    elif isinstance(value, dict):
        for name, it in value.items():
            yield from alterations(it, (*path, name))
    elif path[-1] == "value":
        yield path, str(Decimal(value) + Decimal(1).scaleb(Decimal(value).as_tuple().exponent))  # type: ignore[arg-type]
        yield path, value.removeprefix("-") if value.startswith("-") else f"-{value}"
    elif path[-1] == "currency":
        yield path, "USD" if value == "EUR" else "EUR"
    elif path[-1] in ("transactions", "days"):
        yield path, value + 1
    elif path[-1] in ("used_percent", "savings_rate_percent"):
        yield path, "0.1" if value is None else str(Decimal(value) + Decimal("0.1"))
    elif path[-1] in ("account_id", "budget_id", "head") or "witness" in path[-2:-1]:
        yield path, generated.an_id(9, 9)


def altered(answer: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of the answer with another value in one place."""
    if not path:
        return value
    copied = list(answer) if isinstance(answer, list) else dict(answer)
    copied[path[0]] = altered(copied[path[0]], path[1:], value)
    return copied


def test_whatever_is_altered_is_found(asked: Any) -> None:
    program = loaded()
    export, answers = asked
    book = program.Book(export)
    tried = 0
    for said in answers:
        answer = said["answer"]
        rows = answer if isinstance(answer, list) else answer["envelopes"]
        for row in rows[:40]:
            for path, value in alterations(row):
                changed = altered(row, path, value)
                assert program.found(book, said["verb"], said["request"], changed), (row, path)
                tried += 1
    assert tried > 1_000


def test_a_witness_in_full_is_checked(asked: Any) -> None:
    """Head, currency, rounding, rates and opening balances, where a witness names them."""
    program = loaded()
    export, answers = asked
    book = program.Book(export)
    row = answers[0]["answer"][0]
    own = {line.row["id"] for line in book.of([row["account_id"]], "", "9999")}
    witness = {
        "head": export["head"],
        "currency": row["balance"]["currency"],
        "rounding": "exact",
        "ids": sorted(own),
        "opening": [row["account_id"]],
        "rates": [],
    }
    assert program.found(book, "reports.balances", {}, {**row, "witness": witness}) == []
    for name, other in [
        ("head", "0" * 64),
        ("currency", "CHF"),
        ("rounding", "half_even"),
        ("ids", sorted(own)[1:]),
        ("opening", []),
        ("rates", [{"from": "USD", "to": "EUR", "date": "2024-01-02", "rate": "0.9"}]),
    ]:
        wrong = {**row, "witness": {**witness, name: other}}
        assert program.found(book, "reports.balances", {}, wrong), name


def test_the_program_says_what_is_wrong(asked: Any, tmp_path: pathlib.Path) -> None:
    export, answers = asked
    answer = altered(answers[0]["answer"], (1, "balance", "value"), "0.01")
    code, said = run(tmp_path, export, [{**answers[0], "answer": answer}])
    assert code == 1
    assert "reports.balances, row 1: `balance` is" in said
    assert run(tmp_path, export, [])[0] == 1
