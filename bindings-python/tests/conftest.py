"""What the tests share: the repository's golden files, and engines to play on."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import fiscaflow
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "scenarios"


def loaded(name: str) -> Any:
    """A program of `tools`, as a module."""
    folder = str(ROOT / "tools")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
