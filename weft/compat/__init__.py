"""Helpers for text and bytes, and `compat.v1`, which is weft itself: `tf.compat`."""

from __future__ import annotations

import numbers
import os
from typing import Any

import numpy as np

from ..graph.dimension import Dimension, dimension_value
from ..graph.shapes import as_shape

__all__ = [
    "as_bytes",
    "as_str",
    "as_str_any",
    "as_text",
    "bytes_or_text_types",
    "complex_types",
    "dimension_at_index",
    "dimension_value",
    "forward_compatible",
    "integral_types",
    "path_to_str",
    "real_types",
    "v1",
]

bytes_or_text_types = (bytes, str)
integral_types = (numbers.Integral, np.integer)
real_types = (numbers.Real, np.integer, np.floating)
complex_types = (numbers.Complex, np.number)


def as_bytes(bytes_or_text: Any, encoding: str = "utf-8") -> bytes:
    """Text as bytes; bytes as they are.

    Args:
        bytes_or_text: text or bytes.
        encoding: how text is encoded.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(bytes_or_text, bytearray):
        return bytes(bytes_or_text)
    if isinstance(bytes_or_text, str):
        return bytes_or_text.encode(encoding)
    if isinstance(bytes_or_text, bytes):
        return bytes_or_text
    raise TypeError(f"Expected text or bytes, got {bytes_or_text!r}.")


def as_text(bytes_or_text: Any, encoding: str = "utf-8") -> str:
    """Bytes as text; text as it is.

    Args:
        bytes_or_text: text or bytes.
        encoding: how bytes are decoded.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(bytes_or_text, str):
        return bytes_or_text
    if isinstance(bytes_or_text, (bytes, bytearray)):
        return bytes(bytes_or_text).decode(encoding)
    raise TypeError(f"Expected text or bytes, got {bytes_or_text!r}.")


as_str = as_text


def as_str_any(value: Any, encoding: str = "utf-8") -> str:
    """Anything as text: bytes decoded, the rest as `str` gives it."""
    return as_text(value, encoding) if isinstance(value, (bytes, bytearray)) else str(value)


def dimension_at_index(shape: Any, index: int) -> Any:
    """One size of a shape, as a `Dimension`.

    Args:
        shape: a shape, which may be unknown.
        index: which of its sizes.
    """
    found = as_shape(shape)
    return Dimension(None) if found.rank is None else found[index]


def path_to_str(path: Any) -> Any:
    """A path object as text; anything else as it is.

    Args:
        path: a path.
    """
    return os.fspath(path) if hasattr(path, "__fspath__") else path


def forward_compatible(year: int, month: int, day: int) -> bool:
    """Whether programs from before a day need not be thought of: always true.

    Args:
        year, month, day: the day.
    """
    del year, month, day
    return True


def __getattr__(name: str) -> Any:
    if name == "v1":
        import weft

        return weft
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
