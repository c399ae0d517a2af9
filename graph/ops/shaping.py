"""Shapes: asked for, and changed without touching the elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..constant_value import constant_value
from ..convert import convert_to_tensor
from ..dtypes import DType, int32
from ..elements import Operation, Tensor
from ..errors import InvalidArgumentError
from ..infer import InferContext, free, moves
from ..opdef import PURE, NoGradient, declare
from ..samples import bools, floats, ints, sample
from ..shapes import Dimension, TensorShape, broadcast_shapes

__all__ = [
    "BroadcastArgs",
    "BroadcastGradientArgs",
    "BroadcastTo",
    "ExpandDims",
    "InvertPermutation",
    "Rank",
    "Reshape",
    "Shape",
    "ShapeN",
    "Size",
    "Squeeze",
    "Transpose",
    "reduced_shape",
    "reshape_like",
    "shape_of",
]

_ABOUT_SHAPES = NoGradient("a shape does not change with the values")

Shape = declare(
    "Shape",
    inputs="input: T",
    outputs="output: out_type",
    attrs=("T: type", "out_type: indextype = DT_INT32"),
    infer=lambda c: [TensorShape([c.shape("input").rank])],
    gradient=_ABOUT_SHAPES,
    cost=free,
    state=PURE,
    samples=lambda: [
        sample(floats(2, 3)),
        sample(floats()),
        sample(floats(0, 3)),
        sample(ints(4), out_type="int64"),
        sample(np.array([[b"a", b"b"]], dtype=object)),
    ],
    doc="Shape of a tensor, as a 1-D tensor.",
)

ShapeN = declare(
    "ShapeN",
    inputs="input: N * T",
    outputs="output: N * out_type",
    attrs=("N: int >= 1", "T: type", "out_type: indextype = DT_INT32"),
    infer=lambda c: [TensorShape([s.rank]) for s in c.shapes],
    gradient=_ABOUT_SHAPES,
    cost=free,
    state=PURE,
    samples=lambda: [sample([floats(2, 3), floats()]), sample([ints(4)], out_type="int64")],
    doc="Shapes of several tensors.",
)

Size = declare(
    "Size",
    inputs="input: T",
    outputs="output: out_type",
    attrs=("T: type", "out_type: indextype = DT_INT32"),
    infer=lambda c: [TensorShape([])],
    gradient=_ABOUT_SHAPES,
    cost=free,
    state=PURE,
    samples=lambda: [sample(floats(2, 3)), sample(floats()), sample(floats(0, 3), out_type="int64")],
    doc="Number of elements of a tensor.",
)

Rank = declare(
    "Rank",
    inputs="input: T",
    outputs="output: int32",
    attrs="T: type",
    infer=lambda c: [TensorShape([])],
    gradient=_ABOUT_SHAPES,
    cost=free,
    state=PURE,
    samples=lambda: [sample(floats(2, 3)), sample(floats())],
    doc="Number of dimensions of a tensor.",
)


def shape_of(x: Tensor, dtype: DType = int32) -> Tensor:
    """The shape of `x` as a 1-D tensor: a constant where it is known, else a `Shape` op."""
    if x.shape.is_fully_defined():
        return convert_to_tensor(np.array(x.shape.known(), dtype=dtype.np))
    made: Tensor = Shape(x, out_type=dtype)
    return made


def reshape_like(x: Tensor, like: Tensor) -> Tensor:
    """`x` in the shape of `like`, which has as many elements."""
    if x.shape.is_fully_defined() and x.shape == like.shape:
        return x
    made: Tensor = Reshape(x, shape_of(like))
    return made


def _reshape_shape(c: InferContext) -> Sequence[TensorShape]:
    asked = c.value("shape")
    c.rank("shape", 1)
    if asked is None:
        return [_fill_in(c.value_as_shape("shape"), c.shape("tensor"))]
    dims = [int(d) for d in asked.reshape(-1)]
    if dims.count(-1) > 1 or any(d < -1 for d in dims):
        c.fail(f"shape {dims} may have one -1 and no other negative dimension")
    total = c.shape("tensor").num_elements()
    rest = int(np.prod([d for d in dims if d != -1], dtype=np.float64))
    if -1 not in dims:
        if total is not None and total != rest:
            c.fail(f"cannot reshape {total} elements to {dims}, which holds {rest}")
        return [TensorShape(dims)]
    if total is None:
        return [TensorShape(None if d == -1 else d for d in dims)]
    if rest == 0 or total % rest:
        c.fail(f"cannot reshape {total} elements to {dims}")
    return [TensorShape(total // rest if d == -1 else d for d in dims)]


def _fill_in(shape: TensorShape, given: TensorShape) -> TensorShape:
    """`shape` with its one unknown dimension computed, where the number of elements is known."""
    total = given.num_elements()
    if shape.dims is None or shape.dims.count(None) != 1 or not total:
        return shape
    rest = int(np.prod([d for d in shape.dims if d is not None], dtype=np.float64))
    if not rest or total % rest:
        return shape
    return TensorShape(total // rest if d is None else d for d in shape.dims)


Reshape = declare(
    "Reshape",
    inputs="tensor: T, shape: Tshape",
    outputs="output: T",
    attrs=("T: type", "Tshape: indextype = DT_INT32"),
    infer=_reshape_shape,
    gradient=lambda op, grad: [reshape_like(convert_to_tensor(grad), op.inputs[0]), None],
    cost=free,
    state=PURE,
    host_inputs=("shape",),
    samples=lambda: [
        sample(floats(2, 3), [3, 2]),
        sample(floats(2, 6), [-1, 3]),
        sample(floats(1, 1), np.zeros(0, np.int32)),
        sample(floats(), np.array([1, 1], np.int64)),
        sample(floats(0, 3), [3, 0]),
        sample(bools(2, 2), [-1]),
        sample(np.array([[b"a", b"b"]], dtype=object), [2]),
    ],
    doc="The same elements in another shape.",
)


def _reshape_back(op: Operation, grad: Any) -> list[Tensor | None]:
    return [reshape_like(convert_to_tensor(grad), op.inputs[0]), *([None] * (len(op.inputs) - 1))]


def _expand_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, axis = c.shape("input"), c.value("dim")
    if c.shape("dim").num_elements() not in (None, 1):
        c.fail("dim must hold one value")
    if shape.dims is None:
        return [TensorShape(None)]
    rank = len(shape)
    if axis is None:
        return [TensorShape([None] * (rank + 1))]
    at = int(axis.reshape(-1)[0])
    if not -rank - 1 <= at <= rank:
        c.fail(f"dim {at} is out of range for rank {rank}")
    at %= rank + 1
    return [TensorShape([*shape.dims[:at], 1, *shape.dims[at:]])]


ExpandDims = declare(
    "ExpandDims",
    inputs="input: T, dim: Tdim",
    outputs="output: T",
    attrs=("T: type", "Tdim: indextype = DT_INT32"),
    infer=_expand_shape,
    gradient=_reshape_back,
    cost=free,
    state=PURE,
    host_inputs=("dim",),
    samples=lambda: [
        sample(floats(2, 3), 1),
        sample(floats(2, 3), -1),
        sample(floats(), 0),
        sample(floats(2, 3), np.array([-3], np.int64)),
    ],
    doc="A tensor with a dimension of size 1 put in.",
)


def _squeeze_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, asked = c.shape("input"), c.attr("squeeze_dims")
    if shape.dims is None:
        return [TensorShape(None)]
    rank = len(shape)
    for axis in asked:
        if not -rank <= axis < rank:
            c.fail(f"squeeze_dims: {axis} is out of range for rank {rank}")
        if shape[axis] not in (None, 1):
            c.fail(f"cannot squeeze dimension {axis}: its size is {shape[axis]}, not 1")
    if asked:
        axes = {a % rank for a in asked}
        return [TensorShape(d for i, d in enumerate(shape.dims) if i not in axes)]
    if None in shape.dims:
        return [TensorShape(None)]
    return [TensorShape(d for d in shape.dims if d != 1)]


Squeeze = declare(
    "Squeeze",
    inputs="input: T",
    outputs="output: T",
    attrs=("T: type", "squeeze_dims: list(int) = []"),
    infer=_squeeze_shape,
    gradient=_reshape_back,
    cost=free,
    state=PURE,
    samples=lambda: [
        sample(floats(1, 2, 1, 3)),
        sample(floats(1, 2, 1, 3), squeeze_dims=[-2]),
        sample(floats(1, 1)),
        sample(floats()),
    ],
    doc="A tensor without its dimensions of size 1.",
)


def _transpose_shape(c: InferContext) -> Sequence[TensorShape]:
    shape, perm = c.shape("x"), c.value("perm")
    length = c.rank("perm", 1)[0]
    if perm is None:
        rank = shape.rank if length is None else length
        return [TensorShape(None if rank is None else [None] * rank)]
    order = [int(p) for p in perm]
    rank = len(order)
    if shape.rank not in (None, rank):
        c.fail(f"perm {order} must have one entry per dimension of x")
    if sorted(p % rank if -rank <= p < rank else rank for p in order) != list(range(rank)):
        c.fail(f"perm {order} is no permutation of {rank} dimensions")
    if shape.dims is None:
        return [TensorShape([None] * rank)]
    return [TensorShape(shape[p] for p in order)]


def _transpose_grad(op: Operation, grad: Any) -> list[Tensor | None]:
    perm = op.inputs[1]
    known = constant_value(perm)
    if known is not None:
        inverse: Any = np.argsort(known % max(len(known), 1)).astype(known.dtype)
    else:
        inverse = InvertPermutation(perm)
    return [Transpose(grad, inverse), None]


Transpose = declare(
    "Transpose",
    inputs="x: T, perm: Tperm",
    outputs="y: T",
    attrs=("T: type", "Tperm: indextype = DT_INT32"),
    infer=_transpose_shape,
    gradient=_transpose_grad,
    cost=moves,
    state=PURE,
    host_inputs=("perm",),
    samples=lambda: [
        sample(floats(2, 3), [1, 0]),
        sample(floats(2, 3, 4), [2, 0, 1]),
        sample(floats(2, 0, 4), np.array([1, 2, 0], np.int64)),
        sample(floats(), np.zeros(0, np.int32)),
        sample(floats(3), [0]),
        sample(ints(2, 3), [1, 0]),
        sample(np.array([[b"a", b"b"]], dtype=object), [1, 0]),
    ],
    doc="A tensor with its dimensions in another order.",
)

InvertPermutation = declare(
    "InvertPermutation",
    inputs="x: T",
    outputs="y: T",
    attrs="T: indextype = DT_INT32",
    infer=lambda c: [c.rank("x", 1)],
    gradient=NoGradient("it computes indices"),
    cost=moves,
    state=PURE,
    host_inputs=("x",),
    samples=lambda: [sample([2, 0, 1]), sample(np.array([0], np.int64)), sample(np.zeros(0, np.int32))],
    doc="The permutation that undoes another.",
)


def _broadcast_to_shape(c: InferContext) -> Sequence[TensorShape]:
    target, shape = c.value_as_shape("shape"), c.shape("input")
    if target.dims is not None and shape.dims is not None:
        if len(shape) > len(target):
            c.fail(f"cannot broadcast rank {len(shape)} to shape {target}")
        try:
            merged = broadcast_shapes(shape, target)
        except InvalidArgumentError:
            c.fail(f"cannot broadcast to {target}")
        for want, got in zip(target, merged, strict=True):
            if want is not None and got is not None and want != got:
                c.fail(f"cannot broadcast to {target}")
    return [target]


def _broadcast_to_grad(op: Operation, grad: Any) -> list[Tensor | None]:
    from .reduction import Sum

    x = op.inputs[0]
    if x.shape.is_fully_defined() and x.shape == op.outputs[0].shape:
        return [grad, None]
    shape = op.inputs[1]
    axes: Any = None
    if x.shape.is_fully_defined() and op.outputs[0].shape.is_fully_defined():
        axes = _summed_axes(x.shape.known(), op.outputs[0].shape.known())
    else:
        axes, _ = BroadcastGradientArgs(shape_of(x, shape.dtype), shape)
    return [reshape_like(Sum(grad, axes), x), None]


def _summed_axes(source: Sequence[int], target: Sequence[int]) -> np.ndarray[Any, Any]:
    missing = len(target) - len(source)
    padded = [None] * missing + list(source)
    axes = [
        i for i, (s, t) in enumerate(zip(padded, target, strict=True)) if s is None or (s == 1 and t != 1)
    ]
    return np.array(axes, np.int32)


BroadcastTo = declare(
    "BroadcastTo",
    inputs="input: T, shape: Tidx",
    outputs="output: T",
    attrs=("T: type", "Tidx: indextype = DT_INT32"),
    infer=_broadcast_to_shape,
    gradient=_broadcast_to_grad,
    cost=moves,
    state=PURE,
    host_inputs=("shape",),
    samples=lambda: [
        sample(floats(2, 1), [3, 2, 4]),
        sample(floats(), [2, 2]),
        sample(floats(2, 3), np.array([2, 3], np.int64)),
        sample(floats(1, 3), [0, 3]),
        sample(ints(1, 2), [2, 2]),
    ],
    doc="A tensor repeated to a larger shape, as NumPy broadcasts.",
)

BroadcastGradientArgs = declare(
    "BroadcastGradientArgs",
    inputs="s0: T, s1: T",
    outputs="r0: T, r1: T",
    attrs="T: indextype = DT_INT32",
    infer=lambda c: [TensorShape([None]), TensorShape([None])],
    gradient=NoGradient("it computes axes"),
    cost=free,
    state=PURE,
    host_inputs=("s0", "s1"),
    dynamic=True,
    samples=lambda: [sample([2, 3], [3]), sample([2, 1], [1, 4]), sample(np.zeros(0, np.int32), [2])],
    doc="The axes over which each operand of a broadcast must be summed.",
)


def _broadcast_args_shape(c: InferContext) -> Sequence[TensorShape]:
    lengths = [c.rank("s0", 1)[0], c.rank("s1", 1)[0]]
    shapes = [c.value_as_shape("s0"), c.value_as_shape("s1")]
    try:
        broadcast_shapes(*shapes)
    except InvalidArgumentError:
        c.fail(f"shapes {shapes[0]} and {shapes[1]} do not broadcast")
    known = [n for n in lengths if n is not None]
    return [TensorShape([max(known) if len(known) == 2 else None])]


BroadcastArgs = declare(
    "BroadcastArgs",
    inputs="s0: T, s1: T",
    outputs="r0: T",
    attrs="T: indextype = DT_INT32",
    infer=_broadcast_args_shape,
    gradient=NoGradient("it computes a shape"),
    cost=free,
    state=PURE,
    host_inputs=("s0", "s1"),
    samples=lambda: [
        sample([2, 3], [3]),
        sample([2, 1], [1, 4]),
        sample(np.zeros(0, np.int64), np.array([2])),
    ],
    doc="The shape that two shapes give together.",
)


def reduced_shape(x: Tensor, axes: Tensor) -> Tensor:
    """The shape that a reduction of `x` over `axes` has with its axes kept as ones, as a 1-D tensor."""
    known = constant_value(axes)
    if known is not None and x.shape.is_fully_defined():
        dims: list[Dimension] = x.shape.as_list()
        for axis in known.reshape(-1):
            dims[int(axis)] = 1
        return convert_to_tensor(dims, "int32")
    return _reduced_shape_op(x, axes, known)


def _reduced_shape_op(x: Tensor, axes: Tensor, known: np.ndarray[Any, Any] | None) -> Tensor:
    """`reduced_shape` computed by ops, from the shape that `x` has in the step."""
    from .math import AddV2, FloorMod, Mul

    shape, rank = Shape(x), x.shape.rank
    if known is not None and rank is not None:
        reduced = np.zeros(rank, np.int32)
        reduced[known.reshape(-1)] = 1
        kept: Tensor = AddV2(Mul(shape, 1 - reduced), reduced)
        return kept
    from .filling import Fill, Range
    from .partition import DynamicStitch

    flat = Reshape(axes, [-1])
    if axes.dtype is not int32:
        from .math import Cast

        flat = Cast(flat, DstT=int32)
    count = Rank(x)
    ones = Fill(Shape(flat), np.int32(1))
    made: Tensor = DynamicStitch([Range(0, count, 1), FloorMod(flat, count)], [shape, ones])
    return made
