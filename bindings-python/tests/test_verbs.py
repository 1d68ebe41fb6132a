"""The package has the engine's verbs and no others."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from types import ModuleType

import fiscaflow
import pytest
from conftest import golden
from fiscaflow import _book, aio

BOTH = pytest.mark.parametrize("module", [_book, aio], ids=["blocking", "asyncio"])
# What a handle has beside verbs.
HANDLES = {"with_"}


def methods(kind: type) -> dict[str, Callable[..., object]]:
    return {
        name: value
        for name, value in vars(kind).items()
        if not name.startswith("_") and name not in HANDLES and inspect.isfunction(value)
    }


def verbs(module: ModuleType) -> dict[str, inspect.Signature]:
    """Every verb by its name in the table."""
    found = {f"books.{name}": method for name, method in methods(module.Books).items()}
    found |= {f"books.{name}": method for name, method in methods(module.Book).items()}
    for noun, value in vars(module.Book).items():
        if isinstance(value, property):
            kind = inspect.signature(value.fget).return_annotation if value.fget else ""
            for name, method in methods(getattr(module, kind)).items():
                found[f"{noun}.{name}"] = method
    return {name: inspect.signature(method) for name, method in found.items()}


@BOTH
def test_the_verbs_are_those_of_the_engine(module: ModuleType) -> None:
    assert sorted(verbs(module)) == sorted(verb["name"] for verb in golden("verbs.json"))


@BOTH
def test_ids_requests_and_answers_fit_the_table(module: ModuleType) -> None:
    found = verbs(module)
    for verb in golden("verbs.json"):
        signature = found[verb["name"]]
        kinds = {name: parameter.kind for name, parameter in signature.parameters.items()}
        by_place = kinds.get("id") is inspect.Parameter.POSITIONAL_OR_KEYWORD
        assert by_place == verb["takes_id"], verb["name"]
        keywords = [name for name, kind in kinds.items() if kind is inspect.Parameter.KEYWORD_ONLY]
        assert bool(keywords) == (verb["request"] is not None), verb["name"]
        assert ("progress" in kinds) == verb["observed"], verb["name"]
        answer = verb["answer"] or "None"
        listed = answer.startswith("[")
        plain = "None" if answer == "None" else f"types.{answer.strip('[]')}"
        expected = f"Rows[{plain}]" if listed else plain
        assert signature.return_annotation == expected, verb["name"]


def test_both_flavours_are_alike() -> None:
    blocking, asynchronous = verbs(_book), verbs(aio)
    assert blocking == asynchronous


def test_what_is_exported_is_there() -> None:
    assert sorted(fiscaflow.__all__) == fiscaflow.__all__
    for name in fiscaflow.__all__:
        assert hasattr(fiscaflow, name)
    assert fiscaflow.__version__[0].isdigit()


@BOTH
def test_every_verb_describes_itself_and_its_arguments(module: ModuleType) -> None:
    for kind in vars(module).values():
        if inspect.isclass(kind) and kind.__module__ == module.__name__:
            for name, method in methods(kind).items():
                text = inspect.getdoc(method) or ""
                assert text, f"{kind.__name__}.{name}"
                for parameter in inspect.signature(method).parameters.values():
                    if parameter.kind is inspect.Parameter.KEYWORD_ONLY:
                        assert f"{parameter.name}: " in text, f"{kind.__name__}.{name}"
