"""The error classes that weft raises, named and numbered as TensorFlow's are.

User mistakes and lost machines are never the same class: a bad feed is `InvalidArgumentError`, a dead
device is `UnavailableError`.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "AbortedError",
    "AlreadyExistsError",
    "CancelledError",
    "DataLossError",
    "DeadlineExceededError",
    "FailedPreconditionError",
    "InternalError",
    "InvalidArgumentError",
    "NotFoundError",
    "OpError",
    "OutOfRangeError",
    "PermissionDeniedError",
    "PlacementError",
    "ResourceExhaustedError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnimplementedError",
    "UnknownError",
    "error_class",
]


class OpError(Exception):
    """Base of all errors that running or building a graph can raise.

    Args:
        node: name of the op that failed, or None where no single op did.
        message: what went wrong, one sentence that names the rule and what came instead.
        device: full name of the device on which it failed, or "".
        source: `file:line` of the user's program where the op was made, or "".
    """

    code = 2

    def __init__(
        self, node: str | None = None, message: str = "", device: str = "", source: str = ""
    ) -> None:
        self.node = node
        self.message = message
        self.device = device
        self.source = source
        super().__init__(self._text())

    def _text(self) -> str:
        text = self.message
        if self.device:
            text += f" [on {self.device}]"
        if self.source:
            text += f" (made at {self.source})"
        return text

    def at(self, node: str | None = None, device: str = "", source: str = "") -> OpError:
        """The same error with the places that were still unknown filled in."""
        return type(self)(self.node or node, self.message, self.device or device, self.source or source)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.node, self.message, self.device, self.source)

    @property
    def error_code(self) -> int:
        return self.code


class CancelledError(OpError):
    """The step or wait was cancelled, usually because the session or a queue was closed."""

    code = 1


class UnknownError(OpError):
    """A failure of no known class: a Python exception in a user's function, for example."""

    code = 2


class InvalidArgumentError(OpError, ValueError):
    """A shape, type, value or name breaks a rule, whatever the state of the system."""

    code = 3


class DeadlineExceededError(OpError):
    """A wait took longer than the time that the caller allowed."""

    code = 4


class NotFoundError(OpError):
    """A file, variable, table key or checkpoint entry does not exist."""

    code = 5


class AlreadyExistsError(OpError):
    """What was to be created is already there."""

    code = 6


class PermissionDeniedError(OpError):
    """The caller may not do that."""

    code = 7


class ResourceExhaustedError(OpError):
    """Memory, disk or a cluster's resources do not suffice."""

    code = 8


class FailedPreconditionError(OpError):
    """The system is not in the state that the op needs: an uninitialized variable, for example."""

    code = 9


class AbortedError(OpError):
    """The step was given up because another part of it failed."""

    code = 10


class OutOfRangeError(OpError):
    """The end of an input was reached: a closed and empty queue, a finished data set."""

    code = 11


class UnimplementedError(OpError):
    """No kernel does this on the device asked for."""

    code = 12


class InternalError(OpError):
    """A rule that weft itself must keep is broken: a bug in weft."""

    code = 13


class UnavailableError(OpError):
    """A device, its process or its machine is gone."""

    code = 14


class DataLossError(OpError):
    """Stored data is corrupt or cut short."""

    code = 15


class UnauthenticatedError(OpError):
    """The caller gave no valid credentials."""

    code = 16


class PlacementError(InvalidArgumentError):
    """No placement meets the constraints; names the ops, the rule and what would help."""


_BY_CODE: dict[int, type[OpError]] = {
    cls.code: cls
    for cls in (
        CancelledError,
        UnknownError,
        InvalidArgumentError,
        DeadlineExceededError,
        NotFoundError,
        AlreadyExistsError,
        PermissionDeniedError,
        ResourceExhaustedError,
        FailedPreconditionError,
        AbortedError,
        OutOfRangeError,
        UnimplementedError,
        InternalError,
        UnavailableError,
        DataLossError,
        UnauthenticatedError,
    )
}


def error_class(code: int) -> type[OpError]:
    """The class for one of TensorFlow's status codes; `UnknownError` for any other number.

    Args:
        code: the code.
    """
    return _BY_CODE.get(code, UnknownError)
