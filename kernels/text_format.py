"""Numbers and tensors as the text that TensorFlow prints for them."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["number_text", "summary"]


_ESCAPES = str.maketrans(
    {chr(i): f"\\{i:03o}" for i in (*range(32), 127)}
    | {"\n": r"\n", "\r": r"\r", "\t": r"\t", '"': r"\"", "'": r"\'", "\\": r"\\"}
)


def number_text(value: Any) -> str:
    """One element as text: floats with as few digits as tell them apart in their type."""
    if isinstance(value, bytes):
        return f'"{value.decode("utf-8", "surrogateescape").translate(_ESCAPES)}"'
    if isinstance(value, (bool, np.bool_)):
        return "1" if value else "0"
    if isinstance(value, (complex, np.complexfloating)):
        return f"({number_text(value.real)},{number_text(value.imag)})"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    return _float_text(value)


def _float_text(value: Any) -> str:
    double = isinstance(value, np.float64)
    exact = float(value)
    text = f"{exact:.{15 if double else 6}g}"
    same = float(text) == exact if double else np.float32(text) == np.float32(exact)
    return text if same or exact != exact else f"{exact:.{17 if double else 9}g}"


def summary(array: Any, summarize: int) -> str:
    """A tensor as text: nested brackets, at most `summarize` elements from each end of a dimension.

    Args:
        array: a NumPy array or scalar; object arrays hold bytes.
        summarize: -1 for all elements.

    Returns:
        The text; bytes of strings that are not UTF-8 are surrogates in it.
    """
    array = np.array(array, dtype=object) if isinstance(array, bytes) else np.asarray(array)
    return _nested(array, array.ndim, summarize)


def _nested(array: Any, rank: int, summarize: int) -> str:
    if not array.ndim:
        return number_text(array[()])
    size = len(array)
    if summarize < 0 or size <= 2 * summarize:
        parts = [_nested(array[i, ...], rank, summarize) for i in range(size)]
    else:
        parts = [_nested(array[i, ...], rank, summarize) for i in range(summarize)]
        parts.append("...")
        parts += [_nested(array[i, ...], rank, summarize) for i in range(size - summarize, size)]
    if array.ndim == 1:
        return f"[{' '.join(parts)}]"
    between = "\n" * (array.ndim - 1) + " " * (rank - array.ndim + 1)
    return f"[{between.join(parts)}]"
