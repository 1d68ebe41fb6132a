"""The types hold: the package checks clean, and a type checker sees what the engine would refuse."""

from __future__ import annotations

import importlib.util
import pathlib
import subprocess
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("mypy") is None, reason="mypy is not installed"
)


def run(*command: str, cwd: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_installed_package_is_strict(tmp_path: pathlib.Path) -> None:
    run("mypy", "--strict", "-p", "fiscaflow", cwd=tmp_path)


def test_what_is_wrong_is_seen(tmp_path: pathlib.Path) -> None:
    """Each `type: ignore` in the file stands where an error must be: unused ones are errors."""
    run("mypy", "--strict", str(HERE / "typed_use.py"), cwd=tmp_path)


def test_the_stub_is_what_the_extension_is(tmp_path: pathlib.Path) -> None:
    run("mypy.stubtest", "fiscaflow._native", cwd=tmp_path)
