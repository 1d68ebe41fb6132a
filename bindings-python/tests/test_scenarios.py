"""Every scenario, on every store, through the blocking methods and through those for asyncio."""

from __future__ import annotations

import asyncio
import json
import pathlib

import fiscaflow
import pytest
import scenario
from conftest import SCENARIOS
from fiscaflow import aio

SECRET_KEYS = "1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
GOLDEN = {"error-codes.json", "verbs.json"}
FILES = sorted(path for path in SCENARIOS.glob("*.json") if path.name not in GOLDEN)


@pytest.fixture(params=["memory:", "sqlite:"])
def url(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    """A fresh store of each kind."""
    kind: str = request.param
    return kind if kind == "memory:" else f"{kind}{tmp_path / 'books.db'}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_blocking(path: pathlib.Path, url: str) -> None:
    with fiscaflow.open(url, secret_keys=SECRET_KEYS) as engine:
        asyncio.run(scenario.play(engine, json.loads(path.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_asyncio(path: pathlib.Path, url: str) -> None:
    async def play() -> None:
        async with aio.open(url, secret_keys=SECRET_KEYS) as engine:
            await scenario.play(engine, json.loads(path.read_text(encoding="utf-8")))

    asyncio.run(play())


def test_there_are_scenarios() -> None:
    assert FILES, f"no scenario in {SCENARIOS}"
