"""Ops and sizes whose times tell how fast a device is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Case", "Host", "Var", "cases", "fused_cases"]

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Host:
    """An input that is known when the op is compiled: a shape, an axis."""

    value: Any


@dataclass(frozen=True)
class Var:
    """A variable of this shape in the place of a resource input."""

    shape: tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """An op at one size.

    Attributes:
        op: op type.
        inputs: shapes of float32 inputs, lists of them, arrays, `Host` values or `Var`s.
        attrs: attributes.
    """

    op: str
    inputs: tuple[Any, ...]
    attrs: dict[str, Any]


def _case(op: str, *inputs: Any, **attrs: Any) -> Case:
    return Case(op, inputs, attrs)


_SIZES = ((256,), (64, 256), (64, 4096), (256, 4096))

_UNARY = (
    "Relu", "Sigmoid", "Tanh", "Exp", "Square", "Neg", "Abs", "Floor", "Log", "Log1p", "Relu6", "Rsqrt", "Softplus",
    "Sqrt", "Elu", "Erf", "ZerosLike", "OnesLike", "Sin", "Reciprocal", "Softsign",
)  # fmt: skip

_BINARY = (
    "AddV2", "Mul", "Sub", "RealDiv", "ReluGrad", "SigmoidGrad", "TanhGrad", "Maximum", "Minimum", "SquaredDifference",
    "RsqrtGrad", "SqrtGrad", "Greater", "GreaterEqual", "Less", "Equal", "Pow", "Relu6Grad", "SoftplusGrad",
)  # fmt: skip


def cases() -> Iterator[Case]:
    """All cases, ops of one type next to each other; first those that most of a network's time goes into."""
    yield from _products()
    yield from _convolutions()
    for op in _UNARY[:6]:
        yield from (_case(op, s) for s in _SIZES)
    for op in _BINARY[:8]:
        yield from (_case(op, s, s) for s in _SIZES)
    yield from _joining()
    yield from _pools()
    yield from _norms()
    yield from _reductions()
    yield from _updates()
    for op in _UNARY[6:]:
        yield from (_case(op, s) for s in _SIZES)
    for op in _BINARY[8:]:
        yield from (_case(op, s, s) for s in _SIZES)
    yield from _random()


def _joining() -> Iterator[Case]:
    for s in _SIZES[1:]:
        yield _case("AddN", [s, s])
        yield _case("AddN", [s, s, s, s])
        yield _case("AddN", [s] * 8)
    for s in _SIZES[1:]:
        yield _case("BiasAdd", s, s[1:])
    for s in _SIZES[1:]:
        yield _case("ConcatV2", [s, s], Host(np.int32(1)))
        yield _case("ConcatV2", [s, s, s, s], Host(np.int32(1)))
    for s in _SIZES[1:]:
        yield _case("Pack", [s, s, s, s], axis=1)
    for s in ((16, 64), (64, 256), (64, 1024)):
        yield _case("Unpack", (16, *s), num=16, axis=0)
        yield _case("Unpack", (s[0], 16, s[1]), num=16, axis=1)
    for s in _SIZES[1:]:
        yield _case("Split", Host(np.int32(1)), s, num_split=4)
    for s in _SIZES[1:]:
        half = s[1] // 2
        yield _case("SplitV", s, Host(np.array([half, half], np.int32)), Host(np.int32(1)), num_split=2)
    for s in _SIZES[1:]:
        begin, size = np.zeros(2, np.int32), np.array([s[0], s[1] // 2], np.int32)
        yield _case("Slice", s, Host(begin), Host(size))
    for s in _SIZES[1:]:
        yield _case(
            "StridedSlice", s, Host(np.array([0, 1], np.int32)), Host(np.array([s[0], s[1]], np.int32)),
            Host(np.array([1, 1], np.int32)),
        )  # fmt: skip
    for s in _SIZES[1:]:
        yield _case("Pad", s, Host(np.array([[0, 0], [2, 2]], np.int32)))
    for s in _SIZES[1:]:
        yield _case("Transpose", s, Host(np.array([1, 0], np.int32)))
    for s in _SIZES[1:]:
        yield _case("Tile", s, Host(np.array([1, 2], np.int32)))
    for s in _SIZES[1:]:
        yield _case("BroadcastTo", s[1:], Host(np.array(s, np.int32)))
    for s in _SIZES[1:]:
        yield _case("SelectV2", np.arange(int(np.prod(s))).reshape(s) % 3 == 0, s, s)
    for s in _SIZES[1:]:
        yield _case("GatherV2", s, np.arange(s[0], dtype=np.int32), Host(np.int32(0)))
    for s in _SIZES[1:]:
        yield _case("Cast", s, DstT=np.float64)
    for rows in (64, 1024):
        yield _case("OneHot", np.arange(rows), Host(np.int32(256)), np.float32(1), np.float32(0))
    for s in _SIZES[1:]:
        yield _case("Fill", Host(np.array(s, np.int32)), np.float32(1))
    for row, column in ((64, 256), (4096, 64)):
        yield _case("Reshape", (row, column), Host(np.array([column, row], np.int32)))
        yield _case("ExpandDims", (row, column), Host(np.int32(1)))
        yield _case("Squeeze", (row, 1, column), squeeze_dims=[1])
    for s in ((64,), (64, 256)):
        yield _case("Identity", s)


def _reductions() -> Iterator[Case]:
    for op in ("Sum", "Mean", "Max"):
        for s in _SIZES[1:]:
            yield _case(op, s, Host(np.array([0], np.int32)))
            yield _case(op, s, Host(np.array([1], np.int32)))
    for s in _SIZES[1:]:
        yield _case("BiasAddGrad", s)
        yield _case("BiasAddGrad", (s[0] * s[1] // 64, 64))
    for op in ("ArgMax",):
        yield from (_case(op, s, Host(np.int32(1))) for s in _SIZES[1:])
    for op in ("Softmax", "LogSoftmax"):
        yield from (_case(op, s) for s in ((64, 16), (64, 1024), (1024, 1024)))
    for rows, columns in ((64, 16), (64, 1024), (1024, 1024)):
        yield _case(
            "SparseSoftmaxCrossEntropyWithLogits", (rows, columns), np.arange(rows, dtype=np.int64) % columns
        )
    for rows, columns in ((64, 16), (64, 1024), (1024, 1024)):
        yield _case("SoftmaxCrossEntropyWithLogits", (rows, columns), (rows, columns))


def _updates() -> Iterator[Case]:
    one = np.float32(0.01)
    for s in ((64,), (64, 256), (512, 1024), (2048, 1024)):
        yield _case("ResourceApplyGradientDescent", Var(s), one, s)
    for s in ((64,), (64, 256), (512, 1024), (2048, 1024)):
        yield _case("ResourceApplyMomentum", Var(s), Var(s), one, s, one)
    for s in ((64,), (64, 256), (512, 1024), (2048, 1024)):
        yield _case("ResourceApplyAdam", Var(s), Var(s), Var(s), one, one, one, one, one, one, s)
    for op in ("AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"):
        yield from (_case(op, Var(s), s) for s in ((64,), (64, 256), (512, 1024)))


def _random() -> Iterator[Case]:
    for op in ("RandomUniform", "RandomStandardNormal", "TruncatedNormal"):
        for s in ((64,), (64, 64), (64, 512)):
            yield _case(op, Host(np.array(s, np.int32)), dtype=np.float32, seed=1, seed2=2)


def _products() -> Iterator[Case]:
    sizes = (
        (8, 8, 8), (64, 64, 64), (128, 128, 64), (64, 512, 1024), (512, 512, 512), (2, 2048, 1000), (1024, 1024, 256),
        (128, 10, 64),
    )  # fmt: skip
    for m, k, n in sizes:
        yield _case("MatMul", (m, k), (k, n))
    # What gradients are made of.
    for m, k, n in sizes[2:6]:
        yield _case("MatMul", (m, k), (n, k), transpose_b=True)
        yield _case("MatMul", (k, m), (k, n), transpose_a=True)
    for b, m, k, n in ((8, 16, 16, 16), (8, 64, 64, 64), (16, 128, 64, 128)):
        yield _case("BatchMatMulV2", (b, m, k), (b, k, n))


_LAYERS: tuple[tuple[int, int, int, int, int, int, int], ...] = (
    # Batch, height and width, channels in, kernel height and width, channels out, stride.
    (32, 8, 4, 3, 3, 8, 1),
    (128, 8, 1, 5, 5, 16, 1),
    (128, 4, 16, 5, 5, 32, 1),
    (2, 147, 32, 3, 3, 32, 1),
    (2, 73, 64, 1, 1, 80, 1),
    (2, 71, 80, 3, 3, 96, 1),
    (2, 35, 64, 5, 5, 64, 1),
    (2, 35, 96, 3, 3, 96, 1),
    (2, 17, 768, 1, 1, 192, 1),
    (2, 17, 128, 1, 7, 128, 1),
    (2, 17, 192, 3, 3, 192, 2),
    (2, 8, 1280, 1, 1, 384, 1),
    (2, 8, 448, 3, 3, 384, 1),
)


def _convolutions() -> Iterator[Case]:
    for op in ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"):
        for n, size, c, kh, kw, out, stride in _LAYERS:
            attrs = {"strides": [1, stride, stride, 1], "padding": "SAME"}
            small = -(-size // stride)
            x, w, y = (n, size, size, c), (kh, kw, c, out), (n, small, small, out)
            if op == "Conv2D":
                yield _case(op, x, w, **attrs)
            elif op == "Conv2DBackpropInput":
                yield _case(op, Host(np.array(x, np.int32)), w, y, **attrs)
            else:
                yield _case(op, x, Host(np.array(w, np.int32)), y, **attrs)
    for n, size, c in ((16, 14, 32), (4, 56, 64)):
        attrs = {"strides": [1, 1, 1, 1], "padding": "SAME"}
        yield _case("DepthwiseConv2dNative", (n, size, size, c), (3, 3, c, 1), **attrs)


_POOLED: tuple[tuple[int, int, int, int, int, str], ...] = (
    # Batch, height and width, channels, window, stride, padding.
    (128, 4, 32, 2, 2, "VALID"),
    (128, 8, 16, 2, 2, "VALID"),
    (2, 35, 288, 3, 2, "VALID"),
    (2, 71, 192, 3, 2, "VALID"),
    (2, 147, 64, 3, 2, "VALID"),
)

_AVERAGED: tuple[tuple[int, int, int, int, int, str], ...] = (
    (128, 8, 16, 2, 2, "VALID"),
    (2, 8, 1280, 3, 1, "SAME"),
    (2, 17, 768, 3, 1, "SAME"),
    (2, 35, 192, 3, 1, "SAME"),
)


def _pools() -> Iterator[Case]:
    for gradient in (False, True):
        for n, size, c, window, stride, padding in _POOLED:
            attrs = _window(window, stride, padding)
            x, y = (n, size, size, c), (n, *[_pooled(size, window, stride, padding)] * 2, c)
            yield _case("MaxPoolGrad", x, y, y, **attrs) if gradient else _case("MaxPool", x, **attrs)
    for gradient in (False, True):
        for n, size, c, window, stride, padding in _AVERAGED:
            attrs = _window(window, stride, padding)
            x, y = (n, size, size, c), (n, *[_pooled(size, window, stride, padding)] * 2, c)
            shape = Host(np.array(x, np.int32))
            yield _case("AvgPoolGrad", shape, y, **attrs) if gradient else _case("AvgPool", x, **attrs)


def _window(window: int, stride: int, padding: str) -> dict[str, Any]:
    return {"ksize": [1, window, window, 1], "strides": [1, stride, stride, 1], "padding": padding}


def _pooled(size: int, window: int, stride: int, padding: str) -> int:
    return -(-size // stride) if padding == "SAME" else (size - window) // stride + 1


def _norms() -> Iterator[Case]:
    sizes = ((128, 8, 8, 16), (2, 8, 8, 384), (2, 17, 17, 192), (2, 35, 35, 96), (2, 147, 147, 32))
    for s in sizes:
        c = s[-1:]
        yield _case("FusedBatchNormV3", s, c, c, c, c, is_training=True)
    for s in sizes:
        c = s[-1:]
        yield _case("FusedBatchNormGradV3", s, s, c, c, c, c, is_training=True)


def fused_cases() -> Sequence[Case]:
    """A few cases for backends whose compiler takes long for each: what everything else is estimated from."""
    attrs = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    large = (2048, 4096)
    made = [
        *(_case("AddV2", s, s) for s in ((256,), (512, 4096), large)),
        *(_case("Tanh", s) for s in ((256,), (512, 4096), large)),
        *(_case("Sum", s, Host(np.array([1], np.int32))) for s in ((256, 16), (512, 4096))),
        *(_case("MatMul", (m, m), (m, m)) for m in (16, 512, 2048)),
    ]
    for op in ("Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"):
        for n, size, c, kh, kw, out, _ in (_LAYERS[3], _LAYERS[7]):
            x, w, y = (n, size, size, c), (kh, kw, c, out), (n, size, size, out)
            given = {
                "Conv2D": (x, w),
                "Conv2DBackpropInput": (Host(np.array(x, np.int32)), w, y),
                "Conv2DBackpropFilter": (x, Host(np.array(w, np.int32)), y),
            }[op]
            made.append(_case(op, *given, **attrs))
    return made
