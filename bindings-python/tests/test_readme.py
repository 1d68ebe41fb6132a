"""The README's examples run as they stand."""

from __future__ import annotations

import asyncio
import pathlib
import re
import shutil
import textwrap
from typing import Any

import fiscaflow
import pytest
from conftest import ROOT

README = ROOT / "bindings-python" / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
STATEMENT = ROOT / "fiscaflow-store/examples/quickstart/statements/raiffeisen-2017.csv"


def test_the_examples(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copy(STATEMENT, tmp_path)
    example, _, columns, errors, progress, copies, events, inbox, asynchronous = BLOCKS

    exec(compile(columns, "README.md", "exec"), {})
    assert capsys.readouterr().out == "[None, None, 'food']\n"

    # A second time brings nothing new, and the same figures.
    names: dict[str, Any] = {}
    for heading in ["31 new, 0 known", "0 new, 31 known"]:
        exec(compile(example, "README.md", "exec"), names)
        first, *lines = capsys.readouterr().out.splitlines()
        assert first == heading
        assert lines[0] == "2017-10-18 -27.54 EUR"
        assert lines[-2].startswith("2017-10 (no category) "), lines
        assert lines[-1].startswith("2017-10 Food "), lines

    book_id = names["HOME"]
    with fiscaflow.open("sqlite:home.db") as engine:
        home = engine.book(book_id, actor="anna")
        home.accounts.create(name="Giro")
        exec(compile(errors, "README.md", "exec"), {"fiscaflow": fiscaflow, "home": home})
        given = {"home": home, "content": STATEMENT.read_bytes()}
        exec(compile(progress, "README.md", "exec"), given)
        assert capsys.readouterr().out.splitlines()[-1] == "match 31 of 31 rows"
        told: list[Any] = []
        names = {"fiscaflow": fiscaflow, "engine": engine, "notify": lambda *it: told.append(it)}
        exec(compile(copies, "README.md", "exec"), names)
        assert capsys.readouterr().out.startswith("1 books, ")
        exec(compile(events, "README.md", "exec"), names)
        assert names["done"]["delivered"] == len(told) > 3
        names["it"] = {"book_id": book_id, "event": home.events.list()[0]}
        home.members.put(actor="fee-bot", role="member")
        exec(compile(inbox, "README.md", "exec"), names)
        assert "Fees" in [category["name"] for category in home.categories.list()]

    lines = asynchronous.splitlines(keepends=True)
    body = textwrap.indent("".join(lines), "    ")
    names = {"book_id": book_id}
    exec(compile(f"async def example():\n{body}    return page\n", "README.md", "exec"), names)
    assert len(asyncio.run(names["example"]())["items"]) == 31


def test_the_example_with_pandas(home: fiscaflow.Book, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed")
    home.imports.create(content=STATEMENT.read_bytes(), create_accounts=True)
    pytest.importorskip("matplotlib", reason="matplotlib is not installed").use("Agg")
    exec(compile(BLOCKS[1], "README.md", "exec"), {"fiscaflow": fiscaflow, "home": home})
    assert "-847.06" in capsys.readouterr().out
