"""Strings: joined, cut, changed, turned into numbers and back. Their tensors live on the host."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..infer import InferContext, per_input
from ..opdef import PURE, NoGradient, OpDecl, Sample, declare
from ..samples import floats, ints, sample
from ..shapes import TensorShape, broadcast_shapes
from .broadcasting import like_input

__all__ = [
    "AsString",
    "ReduceJoin",
    "RegexFullMatch",
    "RegexReplace",
    "StaticRegexFullMatch",
    "StaticRegexReplace",
    "StringFormat",
    "StringJoin",
    "StringLength",
    "StringLower",
    "StringSplit",
    "StringSplitV2",
    "StringStrip",
    "StringToNumber",
    "StringUpper",
    "Substr",
]

NO_GRADIENT = NoGradient("strings have no gradients")
COST = per_input(8.0)


def texts(*values: Any) -> np.ndarray[Any, Any]:
    """Strings as a tensor's value: an object array of bytes; nested lists for more dimensions."""
    return np.array(values if len(values) != 1 else values[0], dtype=object)


def _one(value: bytes) -> np.ndarray[Any, Any]:
    return np.array(value, dtype=object)


Infer = Callable[[InferContext], Sequence[TensorShape]]
Rows = Callable[[], Sequence[Sample]]


def _string_op(
    name: str, inputs: str, outputs: str, attrs: Any, infer: Infer, rows: Rows, doc: str, **more: Any
) -> OpDecl:
    return declare(
        name,
        inputs=inputs,
        outputs=outputs,
        attrs=attrs,
        infer=infer,
        gradient=NO_GRADIENT,
        cost=COST,
        state=PURE,
        samples=rows,
        doc=doc,
        **more,
    )


def _join_shape(c: InferContext) -> Sequence[TensorShape]:
    shape = TensorShape([])
    for given in c.shapes:
        if given.rank == 0:
            continue
        shape = given if shape.rank == 0 else c.merge(shape, given, "inputs must be scalars or of one shape")
    return [shape]


StringJoin = _string_op(
    "StringJoin",
    "inputs: N * string",
    "output: string",
    ("N: int >= 0", "separator: string = ''"),
    _join_shape,
    lambda: [
        sample([texts(b"a", b"b"), texts(b"c", b"")], separator="-"),
        sample([texts(b"a", b"b"), _one(b"/"), texts(b"x", b"y")]),
        sample([_one(b"a"), _one("é".encode())], separator=", "),
        sample([texts([]), _one(b"a")]),
    ],
    "Strings of several tensors put one behind the other, elementwise.",
)


def _reduce_join_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, axes = c.shape("inputs"), c.value("reduction_indices")
    if shape.dims is None:
        return [shape]
    if axes is None:
        return [TensorShape([None] * len(shape) if c.attr("keep_dims") else None)]
    rank, reduced = len(shape), set()
    for axis in axes.reshape(-1).tolist():
        if not -rank <= axis < rank:
            c.fail(f"reduction index {axis} is out of range for rank {rank}")
        if axis % rank in reduced:
            c.fail(f"reduction index {axis} is given twice")
        reduced.add(axis % rank)
    kept = c.attr("keep_dims")
    return [TensorShape((1 if i in reduced else d) for i, d in enumerate(shape) if kept or i not in reduced)]


_SQUARE = texts([[b"a", b"b"], [b"c", b"d"]])

ReduceJoin = _string_op(
    "ReduceJoin",
    "inputs: string, reduction_indices: int32",
    "output: string",
    ("keep_dims: bool = false", "separator: string = ''"),
    _reduce_join_shape,
    lambda: [
        sample(_SQUARE, [0, 1], separator="-"),
        sample(_SQUARE, [1, 0], keep_dims=True),
        sample(_SQUARE, np.int32(-1)),
        sample(_SQUARE, np.zeros(0, np.int32)),
    ],
    "Strings put one behind the other along dimensions, in the order in which these are named.",
    host_inputs=("reduction_indices",),
)


def _split_shape(c: InferContext) -> Sequence[TensorShape]:
    c.rank("input", 1)
    c.rank(1, 0)
    return [TensorShape([None, 2]), TensorShape([None]), TensorShape([2])]


StringSplit = _string_op(
    "StringSplit",
    "input: string, delimiter: string",
    "indices: int64, values: string, shape: int64",
    "skip_empty: bool = true",
    _split_shape,
    lambda: [
        sample(texts(b"a b", b"", b" c  d "), _one(b" ")),
        sample(texts(b"a,b;;c", b"x"), _one(b",;"), skip_empty=False),
        sample(texts([b"abc"]), _one(b"")),
        sample(texts([]), _one(b" ")),
    ],
    "Strings cut at any of the characters in `delimiter`, as a sparse matrix.",
    dynamic=True,
)

StringSplitV2 = _string_op(
    "StringSplitV2",
    "input: string, sep: string",
    "indices: int64, values: string, shape: int64",
    "maxsplit: int = -1",
    _split_shape,
    lambda: [
        sample(texts(b" a b  c ", b""), _one(b"")),
        sample(texts(b" a b  c ", b"d"), _one(b""), maxsplit=1),
        sample(texts(b"a<>b<><>c", b""), _one(b"<>")),
        sample(texts([b"a,b,,c"]), _one(b","), maxsplit=1),
    ],
    "Strings cut at a separator (white space, where it is empty), as a sparse matrix.",
    dynamic=True,
)


def _substr_shape(c: InferContext) -> Sequence[TensorShape]:
    place = c.merge(c.shape("pos"), c.shape("len"), "pos and len must be of one shape")
    return [broadcast_shapes(c.shape("input"), place)]


Substr = _string_op(
    "Substr",
    "input: string, pos: T, len: T",
    "output: string",
    ("T: indextype", "unit: {'BYTE', 'UTF8_CHAR'} = 'BYTE'"),
    _substr_shape,
    lambda: [
        sample(texts(b"hello", b"world"), np.array([1, -3], np.int32), np.array([2, 10], np.int32)),
        sample(texts(b"hello", b"world"), np.int64(5), np.int64(1)),
        sample(_one("héllo".encode()), np.int32(1), np.int32(2), unit="UTF8_CHAR"),
        sample(_one(b"hello"), np.array([[0], [1]], np.int32), np.array([[2], [1]], np.int32)),
    ],
    "Parts of strings.",
)

AsString = _string_op(
    "AsString",
    "input: T",
    "output: string",
    (
        "T: {float, double, int32, uint8, int16, int8, int64, bfloat16, uint16, half, uint32, uint64, "
        "complex64, complex128, bool, variant, string}",
        "precision: int = -1",
        "scientific: bool = false",
        "shortest: bool = false",
        "width: int = -1",
        "fill: string = ''",
    ),
    like_input,
    lambda: [
        sample(np.array([1.5, 2e10, np.nan, -np.inf], np.float32), grad=()),
        sample(np.array([1.5, 1e-7], np.float64), grad=(), scientific=True),
        sample(np.array([1.5, 1e-7], np.float16), grad=(), shortest=True),
        sample(np.array([1, -5], np.int32), width=5, fill="0"),
        sample(floats(2), grad=(), precision=2, width=8, fill="-"),
        sample(np.array([[True, False]])),
        sample(np.array([1 + 2j], np.complex64), grad=()),
        sample(ints(0)),
        sample(texts(b"a", b"b")),
    ],
    "Numbers as text.",
)

StringToNumber = _string_op(
    "StringToNumber",
    "string_tensor: string",
    "output: out_type",
    "out_type: {float, double, int32, int64, uint32, uint64} = DT_FLOAT",
    like_input,
    lambda: [
        sample(texts(b"1", b" 2.5 ", b"-3e-2", b"inf", b".5")),
        sample(texts(b"1", b" -22 "), out_type="int32"),
        sample(_one(b"9007199254740993"), out_type="int64"),
        sample(texts(b"0.1", b"1e300"), out_type="float64"),
    ],
    "Text as numbers.",
)


def _pattern_shape(c: InferContext) -> Sequence[TensorShape]:
    for position in range(1, len(c.shapes)):
        c.rank(position, 0)
    return like_input(c)


RegexReplace = _string_op(
    "RegexReplace",
    "input: string, pattern: string, rewrite: string",
    "output: string",
    "replace_global: bool = true",
    _pattern_shape,
    lambda: [
        sample(texts(b"hello world", b"ab"), _one(rb"(\w+) (\w+)"), _one(rb"\2 \1 \0")),
        sample(texts(b"abxd", b""), _one(b"x*"), _one(b"-")),
        sample(texts([b"aaa"]), _one(b"a"), _one(b"b"), replace_global=False),
        sample(_one("héllo".encode()), _one(b"."), _one(rb"<\0>")),
        sample(texts(b"a1", b"b\n"), _one(rb"[[:alpha:]]\s*$"), _one(b"!")),
    ],
    "Strings with what matches a regular expression replaced.",
)

StaticRegexReplace = _string_op(
    "StaticRegexReplace",
    "input: string",
    "output: string",
    ("pattern: string", "rewrite: string", "replace_global: bool = true"),
    like_input,
    lambda: [sample(texts(b"a-b", b"c"), pattern="[a-b]", rewrite="x")],
    "`RegexReplace` with pattern and rewrite as attributes.",
)

RegexFullMatch = _string_op(
    "RegexFullMatch",
    "input: string, pattern: string",
    "output: bool",
    "",
    _pattern_shape,
    lambda: [
        sample(texts(b"abc", b"ab", b"abcd"), _one(b"a.c")),
        sample(_one(b"aaa"), _one(b"a|aaa")),
    ],
    "Whether all of a string matches a regular expression.",
)

StaticRegexFullMatch = _string_op(
    "StaticRegexFullMatch",
    "input: string",
    "output: bool",
    "pattern: string",
    like_input,
    lambda: [sample(texts(b"abc", b"ab"), pattern="a.c")],
    "`RegexFullMatch` with the pattern as attribute.",
)

StringLength = _string_op(
    "StringLength",
    "input: string",
    "output: int32",
    "unit: {'BYTE', 'UTF8_CHAR'} = 'BYTE'",
    like_input,
    lambda: [
        sample(texts(b"", b"abc", "hé".encode())),
        sample(texts(b"", "hé".encode()), unit="UTF8_CHAR"),
        sample(_one(b"abc")),
    ],
    "Lengths of strings, in bytes or characters.",
)

StringStrip = _string_op(
    "StringStrip",
    "input: string",
    "output: string",
    "",
    like_input,
    lambda: [sample(texts(b" \t a b\n", b"", b"c"))],
    "Strings without white space at both ends.",
)


def _case(name: str, doc: str) -> OpDecl:
    return _string_op(
        name,
        "input: string",
        "output: string",
        "encoding: string = ''",
        like_input,
        lambda: [sample(texts(b"aBc", "hÉé".encode())), sample(_one("hÉé".encode()), encoding="utf-8")],
        doc,
    )


StringLower = _case("StringLower", "Strings in lower case; only ASCII letters change without an encoding.")
StringUpper = _case("StringUpper", "Strings in upper case; only ASCII letters change without an encoding.")

StringFormat = _string_op(
    "StringFormat",
    "inputs: T",
    "output: string",
    (
        "T: list(type) >= 0",
        "template: string = '%s'",
        "placeholder: string = '%s'",
        "summarize: int = 3",
    ),
    lambda c: [TensorShape([])],
    lambda: [
        sample([ints(8), floats(2, 2, dtype=np.float64)], template="x {} y {}", placeholder="{}", grad=()),
        sample([texts(b"a", b"b")], template="%s"),
        sample([ints(8, 8)], template="%s", summarize=-1),
        sample([np.array([1e-7, 1e10]), ints(0)], template="{},{}", placeholder="{}", grad=()),
        sample([np.array(True), np.array([0.1, 1 / 3])], template="{}{}", placeholder="{}", grad=()),
        sample([ints(7, 7)], template="{}", placeholder="{}", summarize=2),
    ],
    "A text with tensors written into the places that a placeholder marks.",
)
