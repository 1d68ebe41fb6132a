"""What the tests share: the repository's golden files, and engines to play on."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import fiscaflow
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "scenarios"


def golden(name: str) -> Any:
    """A golden list beside the scenarios."""
    return json.loads((SCENARIOS / name).read_text(encoding="utf-8"))


@pytest.fixture
def engine() -> Iterator[fiscaflow.Engine]:
    """An engine whose books are gone after the test."""
    with fiscaflow.open("memory:") as engine:
        yield engine


@pytest.fixture
def home(engine: fiscaflow.Engine) -> fiscaflow.Book:
    """A book of Anna's in euros."""
    book = engine.books(actor="anna").create(name="Home", currency="EUR")
    return engine.book(book["id"], actor="anna")
