"""The error classes that building and running graphs raise, as TensorFlow names them, and their codes."""

from __future__ import annotations

from .graph.errors import *  # noqa: F403
from .graph.errors import OpError, error_class
from .graph.errors import __all__ as _classes

OK = 0
CANCELLED = 1
UNKNOWN = 2
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
PERMISSION_DENIED = 7
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
ABORTED = 10
OUT_OF_RANGE = 11
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
DATA_LOSS = 15
UNAUTHENTICATED = 16

_CODES = tuple(name for name in dir() if name.isupper())

__all__ = [*_classes, *_CODES, "error_code_from_exception_type", "exception_type_from_error_code"]


def exception_type_from_error_code(error_code: int) -> type[OpError]:
    """The error class of a code.

    Args:
        error_code: one of the numbers above, OK excepted.

    Raises:
        KeyError: there is no such code.
    """
    if not CANCELLED <= error_code <= UNAUTHENTICATED:
        raise KeyError(error_code)
    return error_class(error_code)


def error_code_from_exception_type(cls: type[OpError]) -> int:
    """The code of an error class.

    Args:
        cls: the class.
    """
    return int(cls.code)
