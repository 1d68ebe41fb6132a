"""The exceptions, one class for each lane of errors.

A caller acts on the lane: it changes its request (`RejectedError`), tries again
(`UnavailableError`) or stops (`CorruptError`). `code` names the reason and never changes.
"""

from __future__ import annotations

from typing import ClassVar, Literal

__all__ = ["CorruptError", "FiscaFlowError", "RejectedError", "UnavailableError"]


class FiscaFlowError(Exception):
    """Whatever the engine answers instead of an answer; each such error is of a subclass."""

    lane: ClassVar[Literal["rejected", "unavailable", "corrupt"]]
    """What to do about it."""
    code: str
    """The reason, such as `split_sum`: stable across versions and languages."""
    message: str
    """The text for people."""
    field: str | None
    """The field of the request, or of the file's record, that is at fault."""
    line: int | None
    """The line of the file, counted from 1, that is at fault."""
    id: str | None
    """The object concerned."""

    def __init__(
        self,
        message: str,
        code: str,
        field: str | None = None,
        line: int | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(message, code, field, line, id)
        self.message = message
        self.code = code
        self.field = field
        self.line = line
        self.id = id

    def __str__(self) -> str:
        parts = [self.code]
        for name, value in (("field", self.field), ("line", self.line), ("id", self.id)):
            if value is not None:
                parts.append(f"{name} {value}")
        return f"{self.message} ({', '.join(parts)})"


class RejectedError(FiscaFlowError):
    """A domain answer: the same request will fail again, so change something."""

    lane = "rejected"


class UnavailableError(FiscaFlowError):
    """The store could not answer now: the same request may succeed later."""

    lane = "unavailable"


class CorruptError(FiscaFlowError):
    """What is stored contradicts itself: stop and look."""

    lane = "corrupt"
