"""Plays scenario files: each step through the method of its verb, as `scenarios/README.md` tells."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import fiscaflow

_NAME = re.compile(r"\$\{(\w+)\}")


class Engine(Protocol):
    """What the blocking engine and the one for asyncio have in common."""

    def books(self, *, actor: str) -> Any: ...
    def book(self, book_id: str, *, actor: str) -> Any: ...


async def play(
    engine: Engine, scenario: dict[str, Any], hear: Callable[[object], None] = lambda _: None
) -> None:
    """Plays a scenario's steps in their order; `hear` is called with each answer and error."""
    saved: dict[str, Any] = {}
    for number, step in enumerate(scenario["steps"], start=1):
        try:
            await _play_step(engine, step, saved, hear)
        except AssertionError as error:
            raise AssertionError(f"step {number}, {step['verb']}: {error}") from error


async def _play_step(
    engine: Engine, step: dict[str, Any], saved: dict[str, Any], hear: Callable[[object], None]
) -> None:
    step = {name: part if name == "save" else _fill(part, saved) for name, part in step.items()}
    call, args, request = _method(engine, step)
    try:
        inspect.signature(call).bind(*args, **request)
    except TypeError as error:
        # Python refuses the call itself, as the engine would.
        refusal = step.get("error", {}).get("code")
        assert refusal == "invalid_input", f"{error}, instead of {refusal}"
        return
    try:
        answer = call(*args, **request)
        if inspect.isawaitable(answer):
            answer = await answer
    except fiscaflow.FiscaFlowError as error:
        assert "error" in step, f"failed: {error}"
        hear([str(error), error.code, error.field])
        found = {name: getattr(error, name) for name in step["error"]}
        assert found == step["error"]
        return
    hear(answer)
    assert "error" not in step, f"succeeded instead of failing with {step['error']}"
    for name, path in step.get("save", {}).items():
        saved[name] = _at(answer, path)
    if "expect" in step:
        _compare(answer, _fill(step["expect"], saved), "answer")


def _method(
    engine: Engine, step: dict[str, Any]
) -> tuple[Callable[..., Any | Awaitable[Any]], list[str], dict[str, Any]]:
    noun, verb = step["verb"].split(".")
    context = {"actor": step["actor"], **step.get("context", {})}
    if noun != "books":
        target = getattr(engine.book(step["book"], **context), noun)
    elif "book" in step:
        target = engine.book(step["book"], **context)
    else:
        target = engine.books(**context)
    request = {_python_name(name): value for name, value in step.get("request", {}).items()}
    if "content" in step:
        request["content"] = step["content"].encode()
    return getattr(target, verb), [step["id"]] if "id" in step else [], request


def _python_name(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def _fill(value: Any, saved: dict[str, Any]) -> Any:
    """The value with what was saved in the place of its name."""
    if isinstance(value, str):
        if value.startswith("$") and value[1:] in saved:
            return saved[value[1:]]
        return _NAME.sub(lambda name: str(saved[name[1]]), value)
    if isinstance(value, list):
        return [_fill(part, saved) for part in value]
    if isinstance(value, dict):
        return {name: _fill(part, saved) for name, part in value.items()}
    return value


def _at(answer: Any, path: str) -> Any:
    """The part of an answer at a path of member names and list places."""
    for part in path.split("."):
        answer = answer[int(part)] if isinstance(answer, list) else answer[part]
    return answer


def _compare(found: Any, wanted: Any, path: str) -> None:
    """Fails unless an answer looks as it should."""
    if wanted == "<any>":
        assert found is not None, f"{path} is absent"
    elif isinstance(wanted, dict) and "<length>" in wanted:
        assert isinstance(found, list), f"{path} is no list: {found!r}"
        assert len(found) == wanted["<length>"], f"{path} has {len(found)} places"
    elif isinstance(wanted, dict) and "<contains>" in wanted:
        assert isinstance(found, list), f"{path} is no list: {found!r}"
        for part in wanted["<contains>"]:
            assert any(_looks_like(one, part) for one in found), f"{path} lacks {part!r}: {found!r}"
    elif isinstance(wanted, dict):
        assert isinstance(found, dict), f"{path} is no object: {found!r}"
        for name, part in wanted.items():
            _compare(found.get(name), part, f"{path}.{name}")
    elif isinstance(wanted, list):
        assert isinstance(found, list), f"{path} is no list: {found!r}"
        assert len(found) == len(wanted), f"{path} has {len(found)} places: {found!r}"
        for place, part in enumerate(wanted):
            _compare(found[place], part, f"{path}.{place}")
    else:
        # `True == 1` in Python, but not in JSON.
        same = found == wanted and isinstance(found, bool) == isinstance(wanted, bool)
        assert same, f"{path} is {found!r} instead of {wanted!r}"


def _looks_like(found: Any, wanted: Any) -> bool:
    try:
        _compare(found, wanted, "")
    except AssertionError:
        return False
    return True
