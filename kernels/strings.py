"""Strings; declared in `graph/ops/strings.py`. All kernels take and give host arrays."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..graph.dtypes import DType
from .regex import compile_pattern, full_match, replace
from .registry import KernelContext, kernel
from .shaping import dims_of
from .text_format import summary


def strings(values: Iterable[Any], shape: tuple[int, ...]) -> Any:
    """An object array of that shape holding the values."""
    listed = list(values)
    out = np.empty(len(listed), dtype=object)
    out[:] = listed
    return out.reshape(shape)


def flat(x: Any) -> list[bytes]:
    """The strings of a tensor in order."""
    return [x] if isinstance(x, bytes) else np.asarray(x, dtype=object).reshape(-1).tolist()


def scalar(x: Any) -> bytes:
    """The string of a scalar tensor."""
    return flat(x)[0]


def each(function: Callable[[bytes], Any], x: Any) -> Any:
    """An object array with the function's result for each string."""
    return strings((function(s) for s in flat(x)), np.shape(x))


def as_bytes(value: str | bytes) -> bytes:
    """A string attribute as bytes."""
    return value if isinstance(value, bytes) else value.encode("utf-8")


@kernel("StringJoin", host=True)
def string_join(c: KernelContext, *inputs: Any) -> Any:
    separator = as_bytes(c.attrs["separator"])
    if not inputs:
        return strings([b""], ())
    arrays = np.broadcast_arrays(*(np.asarray(x, dtype=object) for x in inputs))
    joined = (separator.join(row) for row in zip(*(a.reshape(-1).tolist() for a in arrays), strict=True))
    return strings(joined, arrays[0].shape)


@kernel("ReduceJoin", host=True)
def reduce_join(c: KernelContext, inputs: Any, reduction_indices: Any) -> Any:
    rank, separator = np.ndim(inputs), as_bytes(c.attrs["separator"])
    axes = [a % rank for a in dims_of(reduction_indices)]
    if not axes:
        return inputs
    kept = [i for i in range(rank) if i not in axes]
    shape = np.shape(inputs)
    # The axis that is named first is joined first, so it runs fastest.
    moved = np.transpose(inputs, (*kept, *axes[::-1])).reshape((math.prod(shape[i] for i in kept), -1))
    out = tuple(1 if i in axes else d for i, d in enumerate(shape) if c.attrs["keep_dims"] or i not in axes)
    return strings((separator.join(row) for row in moved.tolist()), out)


def _sparse_rows(rows: list[list[bytes]]) -> tuple[Any, Any, Any]:
    """Rows of strings as a sparse matrix: indices, values, shape."""
    indices = [(i, j) for i, row in enumerate(rows) for j in range(len(row))]
    values = [s for row in rows for s in row]
    return (
        np.array(indices, dtype=np.int64).reshape((-1, 2)),
        strings(values, (len(values),)),
        np.array([len(rows), max(map(len, rows), default=0)], dtype=np.int64),
    )


@kernel("StringSplit", host=True)
def string_split(c: KernelContext, x: Any, delimiter: Any) -> Any:
    marks, skip = scalar(delimiter), c.attrs["skip_empty"]

    def cut(value: bytes) -> list[bytes]:
        if not value:
            return []
        if not marks:
            return [value[i : i + 1] for i in range(len(value))]
        parts = re.split(b"[" + re.escape(marks) + b"]", value)
        return [p for p in parts if p] if skip else parts

    return _sparse_rows([cut(s) for s in flat(x)])


@kernel("StringSplitV2", host=True)
def string_split_v2(c: KernelContext, x: Any, sep: Any) -> Any:
    mark, most = scalar(sep), c.attrs["maxsplit"]

    def cut(value: bytes) -> list[bytes]:
        if mark or most == 0:
            return value.split(mark, most) if mark else [value]
        parts = value.split(None, most)
        if most > 0 and len(parts) == most:
            # After so many cuts what is left is a part, even if nothing is left.
            parts.append(b"")
        return parts

    return _sparse_rows([cut(s) for s in flat(x)])


@kernel("Substr", host=True)
def substr(c: KernelContext, x: Any, pos: Any, length: Any) -> Any:
    values, starts, lengths = np.broadcast_arrays(np.asarray(x, dtype=object), pos, length)
    wide = c.attrs["unit"] == "UTF8_CHAR"

    def cut(value: bytes, start: int, size: int) -> bytes:
        whole: Any = value.decode("utf-8", "surrogateescape") if wide else value
        if not -len(whole) <= start <= len(whole):
            raise ValueError(f"pos {start} is out of range for string {value!r}")
        begin = start + len(whole) if start < 0 else start
        part = whole[begin : begin + size] if size >= 0 else whole[begin:]
        return part.encode("utf-8", "surrogateescape") if wide else part

    rows = zip(*(a.reshape(-1).tolist() for a in (values, starts, lengths)), strict=True)
    return strings((cut(*row) for row in rows), values.shape)


def _number_format(attrs: Any, dtype: DType) -> str:
    """The printf format that the attributes ask for."""
    fill, width, precision = attrs["fill"], attrs["width"], attrs["precision"]
    inexact = dtype.is_floating or dtype.is_complex
    if not inexact and (precision > -1 or attrs["scientific"] or attrs["shortest"]):
        raise ValueError(f"precision, scientific and shortest are for floating numbers, not for {dtype.name}")
    if attrs["scientific"] and attrs["shortest"]:
        raise ValueError("scientific and shortest cannot both be asked for")
    if fill not in ("", " ", "+", "-", "0", "#"):
        raise ValueError(f"fill must be one of ' ', '+', '-', '0', '#', got {fill!r}")
    text = f"%{fill}{width if width > -1 else ''}{f'.{precision}' if precision > -1 else ''}"
    if not inexact:
        return text + "d"
    return text + ("e" if attrs["scientific"] else "g" if attrs["shortest"] else "f")


@kernel("AsString", host=True)
def as_string(c: KernelContext, x: Any) -> Any:
    dtype, shape = c.in_types[0], np.shape(x)
    if dtype.kind == "s":
        return x
    if dtype.is_bool:
        return strings((b"true" if v else b"false" for v in np.ravel(x)), shape)
    form = _number_format(c.attrs, dtype)
    values = np.ravel(x)
    if dtype.is_complex:
        both = f"({form},{form})"
        return strings(((both % (v.real, v.imag)).encode() for v in values.tolist()), shape)
    listed = values.astype(np.float64).tolist() if dtype.is_floating else values.tolist()
    return strings(((form % v).encode() for v in listed), shape)


_DECIMAL = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity|nan)", re.IGNORECASE)
_HEX = re.compile(rb"[+-]?0[xX][0-9a-fA-F]+")
_WHOLE = re.compile(rb"[+-]?\d+")


@kernel("StringToNumber", host=True)
def string_to_number(c: KernelContext, x: Any) -> Any:
    dtype = c.out_types[0]
    read = _read_integer if dtype.is_integer else _read_float
    with np.errstate(over="ignore"):
        values = [read(s.strip(), dtype) for s in flat(x)]
        return np.array(values, dtype=dtype.np).reshape(np.shape(x))


def _refuse(text: bytes) -> ValueError:
    return ValueError(f"cannot convert string to number: {text.decode('utf-8', 'backslashreplace')!r}")


def _read_float(text: bytes, dtype: DType) -> float:
    if _DECIMAL.fullmatch(text):
        return float(text)
    if _HEX.fullmatch(text):
        return float(int(text, 16))
    raise _refuse(text)


def _read_integer(text: bytes, dtype: DType) -> int:
    value = int(text) if _WHOLE.fullmatch(text) else None
    if value is None or not int(dtype.min) <= value <= int(dtype.max):
        raise _refuse(text)
    return value


@kernel("RegexReplace", host=True)
def regex_replace(c: KernelContext, x: Any, pattern: Any, rewrite: Any) -> Any:
    return _replaced(c, x, scalar(pattern), scalar(rewrite))


@kernel("StaticRegexReplace", host=True)
def static_regex_replace(c: KernelContext, x: Any) -> Any:
    return _replaced(c, x, as_bytes(c.attrs["pattern"]), as_bytes(c.attrs["rewrite"]))


def _replaced(c: KernelContext, x: Any, pattern: bytes, rewrite: bytes) -> Any:
    compiled, everywhere = compile_pattern(pattern), c.attrs["replace_global"]
    return each(lambda s: replace(compiled, rewrite, s, everywhere), x)


@kernel("RegexFullMatch", host=True)
def regex_full_match(c: KernelContext, x: Any, pattern: Any) -> Any:
    compiled = compile_pattern(scalar(pattern))
    return np.array([full_match(compiled, s) for s in flat(x)], dtype=np.bool_).reshape(np.shape(x))


@kernel("StaticRegexFullMatch", host=True)
def static_regex_full_match(c: KernelContext, x: Any) -> Any:
    compiled = compile_pattern(as_bytes(c.attrs["pattern"]))
    return np.array([full_match(compiled, s) for s in flat(x)], dtype=np.bool_).reshape(np.shape(x))


@kernel("StringLength", host=True)
def string_length(c: KernelContext, x: Any) -> Any:
    wide = c.attrs["unit"] == "UTF8_CHAR"
    # A byte that continues a character is 10xxxxxx.
    sizes = [sum((b & 0xC0) != 0x80 for b in s) if wide else len(s) for s in flat(x)]
    return np.array(sizes, dtype=np.int32).reshape(np.shape(x))


@kernel("StringStrip", host=True)
def string_strip(c: KernelContext, x: Any) -> Any:
    return each(bytes.strip, x)


def _cased(c: KernelContext, x: Any, narrow: Callable[[bytes], bytes], wide: Callable[[str], str]) -> Any:
    encoding = c.attrs["encoding"]
    if not encoding:
        return each(narrow, x)
    if encoding != "utf-8":
        raise ValueError(f"encoding must be '' or 'utf-8', got {encoding!r}")
    return each(lambda s: wide(s.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape"), x)


@kernel("StringLower", host=True)
def string_lower(c: KernelContext, x: Any) -> Any:
    return _cased(c, x, bytes.lower, str.lower)


@kernel("StringUpper", host=True)
def string_upper(c: KernelContext, x: Any) -> Any:
    return _cased(c, x, bytes.upper, str.upper)


@kernel("StringFormat", host=True)
def string_format(c: KernelContext, *inputs: Any) -> Any:
    pieces = c.attrs["template"].split(c.attrs["placeholder"])
    if len(pieces) != len(inputs) + 1:
        raise ValueError(f"the template has {len(pieces) - 1} placeholders for {len(inputs)} inputs")
    parts = [pieces[0]]
    for value, piece in zip(inputs, pieces[1:], strict=True):
        parts += [summary(value, c.attrs["summarize"]), piece]
    return strings(["".join(parts).encode("utf-8", "surrogateescape")], ())
