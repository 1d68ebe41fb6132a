"""The zone of the machine changes nothing: what Python is answered by every scenario is the same,
byte for byte, in a process in Kiritimati and in one in St. John's.

Ids, hashes and instants are fresh each time: they are told by the order in which they come, so that
the same ones stand in the same places.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys

import fiscaflow
import pytest
import scenario
from conftest import SCENARIOS

ZONES = "Pacific/Kiritimati", "America/St_Johns"
FRESH = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b[0-9a-f]{64}\b"
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z"
    r"|(?<=<DTSERVER>)\d+"
)


def numbered(text: str, names: dict[str, str]) -> str:
    return FRESH.sub(lambda it: names.setdefault(it[0], f"<{len(names)}>"), text)


def answers() -> str:
    """What the engine says to every step of every scenario, a line each."""
    said = []
    for path in sorted(SCENARIOS.glob("*.json")):
        whole = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(whole, dict) or "steps" not in whole:
            continue
        names: dict[str, str] = {}
        heard: list[object] = []
        with fiscaflow.open("memory:") as engine:
            asyncio.run(scenario.play(engine, whole, heard.append))
        for answer in heard:
            text = json.dumps(answer, ensure_ascii=False, default=str)
            said.append(f"{path.stem} {numbered(text, names)}")
    return "\n".join(said)


@pytest.mark.skipif("FISCAFLOW_DEEP" not in os.environ, reason="the deep tier runs it")
def test_answers_are_the_same_in_every_zone(tmp_path: pathlib.Path) -> None:
    for _ in range(2):
        day = datetime.datetime.now(datetime.timezone.utc).date()
        others = []
        for zone in ZONES:
            path = tmp_path / zone.replace("/", "-")
            command = [sys.executable, __file__, str(path)]
            others.append((path, subprocess.Popen(command, env={**os.environ, "TZ": zone})))
        assert all(other.wait() == 0 for _, other in others)
        first, second = (path.read_text(encoding="utf-8").splitlines() for path, _ in others)
        # Where the day changed meanwhile, what is told as of today is told of two days.
        if datetime.datetime.now(datetime.timezone.utc).date() == day:
            break
    differ = [pair for pair in zip(first, second, strict=False) if pair[0] != pair[1]]
    assert differ == [] and len(first) == len(second)
    assert len(first) > 400, f"only {len(first)} answers"


if __name__ == "__main__":
    pathlib.Path(sys.argv[1]).write_text(answers(), encoding="utf-8")
