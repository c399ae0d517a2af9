"""Tensors as short text, as TensorFlow's `Print` and `Assert` write them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

__all__ = ["summarize"]


def summarize(value: Any, limit: int = 3) -> str:
    """The first elements of an array, innermost dimensions together: `[1 2 3][4 5...]`.

    Args:
        value: a host array.
        limit: how many elements to show; all where it is negative.
    """
    array = np.asarray(value)
    limit = array.size if limit < 0 else limit
    text = _element(array.dtype)
    if array.ndim == 0:
        return text(array.item() if array.dtype == object else array[()])
    words = (text(v) for v in array.reshape(-1)[:limit])
    shown = "".join(_rows(array.shape, words, _Left(min(limit, array.size)), inner=False))
    return shown + ("..." if array.size > limit else "")


class _Left:
    """How many elements may still be shown."""

    def __init__(self, count: int) -> None:
        self.count = count


def _rows(shape: tuple[int, ...], words: Iterator[str], left: _Left, inner: bool) -> Iterator[str]:
    if len(shape) == 1:
        for i in range(shape[0]):
            if not left.count:
                if inner:
                    yield "..."
                return
            left.count -= 1
            yield (" " if i else "") + next(words)
        return
    for _ in range(shape[0]):
        if not left.count:
            return
        yield "["
        yield from _rows(shape[1:], words, left, inner=True)
        yield "]"


def _element(dtype: np.dtype[Any]) -> Callable[[Any], str]:
    if dtype.kind == "O":
        return lambda v: v.decode("utf-8", "backslashreplace") if isinstance(v, bytes) else str(v)
    if dtype.kind == "c":
        return lambda v: f"({_real(v.real)},{_real(v.imag)})"
    if dtype == np.float64:
        return _real
    if dtype.kind in "iub":
        return lambda v: str(int(v))
    return lambda v: _shortest(float(v), 6, 9, np.float32)


def _real(value: Any) -> str:
    return _shortest(float(value), 15, 17, np.float64)


def _shortest(value: float, digits: int, exact: int, kind: Any) -> str:
    """As many digits as are always right, or, where those do not give the value back, as identify it."""
    text = f"{value:.{digits}g}"
    return text if value != value or kind(text) == kind(value) else f"{value:.{exact}g}"
