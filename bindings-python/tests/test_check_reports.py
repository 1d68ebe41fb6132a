"""The independent checker of reports: what the engine answers passes, and nothing that was altered."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
from typing import Any

import fiscaflow
import generated
import pytest
from conftest import ROOT
from test_check_figures import alterations, altered

REPORTS: list[dict[str, Any]] = [
    {"by": ["category"]},
    {"measure": "income", "by": ["account", "month"]},
    {"measure": "net", "by": ["quarter"], "currency": "EUR"},
    {"measure": "movement", "by": ["weekday", "account"], "currency": "JPY"},
    {"by": ["tag"], "span": {"kind": "last", "count": 3, "unit": "months"}},
    {"by": ["group", "payee"], "sort": "total", "limit": 2},
    {"by": ["week"], "span": {"kind": "days", "from": "2024-03-03", "to": "2024-05-02"}},
    {
        "by": ["group"],
        "span": {"kind": "this", "unit": "years"},
        "compare": "year_before",
        "currency": "USD",
    },
    {
        "by": ["month"],
        "span": {"kind": "last", "count": 6, "unit": "months"},
        "compare": "span_before",
    },
    {"by": ["year"], "filter": {"kind": "direction", "is": "in"}},
    {},
]


@pytest.fixture(scope="module")
def asked() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A book's export, and what it answers to each report."""
    with fiscaflow.open("memory:") as engine:
        made = engine.books(actor="anna").create(name="Home", currency="EUR")
        book: Any = engine.book(made["id"], actor="anna")
        book.exports.restore(content=json.dumps(generated.book(11, 150)))
        export = json.loads(book.exports.create(format="json")["content"])
        answers = []
        for report in REPORTS:
            request = {"report": report, "as_of": "2025-07-20", "max_age_days": 30, "witness": True}
            answer = book.reports.run(**request)
            assert answer["rows"], report
            answers.append({"verb": "reports.run", "request": request, "answer": answer})
        return export, answers


def run(folder: pathlib.Path, export: Any, answers: Any) -> tuple[int, str]:
    """The exit code of the program, and what it says."""
    paths = [folder / "export.json", folder / "answers.json"]
    for path, content in zip(paths, (export, answers), strict=True):
        path.write_text(json.dumps(content), encoding="utf-8")
    command = [sys.executable, "-S", "-E", str(ROOT / "tools/check_reports.py"), *map(str, paths)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    assert said.stderr == ""
    return said.returncode, said.stdout


def test_right_answers_pass(asked: Any, tmp_path: pathlib.Path) -> None:
    export, answers = asked
    code, said = run(tmp_path, export, answers)
    assert (code, said) == (0, f"{len(REPORTS)} reports checked, 0 problems\n"), said


def test_whatever_is_altered_is_found(asked: Any, tmp_path: pathlib.Path) -> None:
    """All at once in one run: each altered answer is told by its number."""
    export, answers = asked
    wrong = []
    for said in answers:
        answer = said["answer"]
        told = [(("rows", 0, *path), it) for path, it in alterations(answer["rows"][0])]
        told += [(("totals", 0, *path), it) for path, it in alterations(answer["totals"][0])]
        told.append((("head",), "0" * 64))
        report = said["request"]["report"]
        for path, it in told:
            # Not told anew: what rows by time are compared with, and with a condition, by which day.
            if "compare" in report and {"before"} & set(path) and report["by"] == ["month"]:
                continue
            wrong.append({**said, "answer": altered(answer, path, it), "altered": path})
    code, text = run(tmp_path, export, wrong)
    found = {int(line.split(",")[0].split()[1]) for line in text.splitlines()[:-1]}
    missed = [it["altered"] for place, it in enumerate(wrong) if place not in found]
    assert (code, missed) == (1, [])
    assert len(wrong) > 200
