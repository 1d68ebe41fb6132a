"""What hledger and beancount say of a journal that an export wrote."""

from __future__ import annotations

import csv
import datetime
import importlib
import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

import pytest


class Sum(NamedTuple):
    """What a program says of an account and a commodity in a period."""

    account: str
    first: datetime.date
    currency: str
    value: Decimal


def missing(reason: str) -> None:
    """Skips, and fails under continuous integration, where nobody reads what was skipped."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def hledger(journal: str, folder: pathlib.Path, *arguments: str) -> list[Sum]:
    """What its `balance` command says; the arguments tell of which accounts and periods."""
    return list(_tidy(hledger_text(journal, folder, "--layout", "tidy", *arguments)))


def hledger_text(journal: str, folder: pathlib.Path, *arguments: str) -> str:
    """The CSV of its `balance` command."""
    program = shutil.which("hledger")
    if program is None:
        missing("hledger is not installed")
    path = folder / "book.journal"
    path.write_text(journal, encoding="utf-8")
    # It reads files in the locale's charset, and a bare machine has no locale.
    said = subprocess.run(
        [str(program), "-f", str(path), "balance", "--flat", "-O", "csv", *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        check=False,
    )
    assert said.returncode == 0, said.stderr[:2_000]
    return said.stdout


def _tidy(text: str) -> Iterator[Sum]:
    for row in csv.DictReader(text.splitlines()):
        first = datetime.date.fromisoformat(row["start_date"])
        yield Sum(row["account"], first, row["commodity"], Decimal(row["value"]))


def beancount(journal: str, query: str) -> list[tuple[Any, ...]]:
    """The rows of a query in beancount's own language."""
    try:
        beanquery = importlib.import_module("beanquery")
        loader = importlib.import_module("beancount.loader")
    except ImportError:
        missing("beancount is not installed")
    entries, errors, options = loader.load_string(journal)
    assert not errors, errors[:5]
    connection = beanquery.connect("beancount:", entries=entries, errors=[], options=options)
    return list(connection.execute(query).fetchall())
