"""The README's examples run as they stand."""

from __future__ import annotations

import asyncio
import pathlib
import re
import textwrap
from typing import Any

import fiscaflow
import pytest
from conftest import ROOT

README = ROOT / "bindings-python" / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text(encoding="utf-8"), re.M | re.S)
STATEMENT = """\
OFXHEADER:100
DATA:OFXSGML

<OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS><CURDEF>EUR
<BANKACCTFROM><BANKID>1<ACCTID>DE001<ACCTTYPE>CHECKING</BANKACCTFROM>
<BANKTRANLIST>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260302<TRNAMT>-3.20<FITID>a<NAME>COFFEE BAR</STMTTRN>
<STMTTRN><TRNTYPE>DEBIT<DTPOSTED>20260303<TRNAMT>-41.00<FITID>b<NAME>BOOKS</STMTTRN>
</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>
"""


def test_the_examples(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pathlib.Path("march.ofx").write_text(STATEMENT, encoding="ascii")
    example, errors, asynchronous = BLOCKS

    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert printed.startswith("2 new, 0 known\n2026-03-02 -3.20 EUR\n2026-03 ")

    book_id = names["book"]["id"]
    with fiscaflow.open("sqlite:home.db") as engine:
        home = engine.book(book_id, actor="anna")
        home.accounts.create(name="Giro")
        exec(compile(errors, "README.md", "exec"), {"fiscaflow": fiscaflow, "home": home})

    lines = asynchronous.splitlines(keepends=True)
    body = textwrap.indent("".join(lines), "    ")
    names = {"book_id": book_id}
    exec(compile(f"async def example():\n{body}    return page\n", "README.md", "exec"), names)
    assert len(asyncio.run(names["example"]())["items"]) == 2
