"""Tensor arrays of old graphs: arrays behind a handle that change in place, their uses put in order by a `flow`.

New graphs have lists instead (`tensor_list`), which are values.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ..elements import Operation, Tensor
from ..infer import InferContext, free, moves
from ..opdef import EFFECT, NoGradient, declare
from ..samples import built, floats, sample
from ..shapes import TensorShape

__all__ = [
    "TensorArrayCloseV3",
    "TensorArrayConcatV3",
    "TensorArrayGatherV3",
    "TensorArrayGradV3",
    "TensorArrayGradWithShape",
    "TensorArrayReadV3",
    "TensorArrayScatterV3",
    "TensorArraySizeV3",
    "TensorArraySplitV3",
    "TensorArrayV3",
    "TensorArrayWriteV3",
]

_NONE = NoGradient("it makes or asks about an array")
_SCALAR = TensorShape([])
_PAIR = TensorShape([2])

TensorArrayV3 = declare(
    "TensorArrayV3",
    inputs="size: int32",
    outputs="handle: resource, flow: float",
    attrs=(
        "dtype: type",
        "element_shape: shape = { unknown_rank: true }",
        "dynamic_size: bool = false",
        "clear_after_read: bool = true",
        "identical_element_shapes: bool = false",
        "tensor_array_name: string = ''",
    ),
    infer=lambda c: [_PAIR, _SCALAR],
    gradient=_NONE,
    cost=free,
    state=EFFECT,
    samples=lambda: [sample(np.int32(3), dtype="float32")],
    doc="A new array; it lives as long as the step.",
)


def _handle() -> Tensor:
    handle, flow = TensorArrayV3(np.int32(3), dtype="float32", element_shape=[2])
    with flow.graph.control_dependencies([TensorArrayScatterV3(handle, [0, 1, 2], floats(3, 2), flow)]):
        made: Tensor = flow.graph.create_op("Identity", [handle], {"T": handle.dtype}).outputs[0]
    return made


def _empty_handle() -> Tensor:
    made: Tensor = TensorArrayV3(np.int32(3), dtype="float32")[0]
    return made


_ARRAY = built(_handle)
_EMPTY = built(_empty_handle)
_FLOW = np.float32(0)


def _grad_shapes(c: InferContext) -> Sequence[TensorShape]:
    return [_PAIR, _SCALAR]


TensorArrayGradV3 = declare(
    "TensorArrayGradV3",
    inputs="handle: resource, flow_in: float",
    outputs="grad_handle: resource, flow_out: float",
    attrs="source: string",
    infer=_grad_shapes,
    gradient=_NONE,
    cost=free,
    state=EFFECT,
    samples=lambda: [sample(_ARRAY, _FLOW, source="gradients")],
    doc="The array of the gradients of an array; what is written to one place adds up.",
)

TensorArrayGradWithShape = declare(
    "TensorArrayGradWithShape",
    inputs="handle: resource, flow_in: float, shape_to_prepend: int32",
    outputs="grad_handle: resource, flow_out: float",
    attrs="source: string",
    infer=_grad_shapes,
    gradient=_NONE,
    cost=free,
    state=EFFECT,
    samples=lambda: [sample(_ARRAY, _FLOW, [4], source="gradients")],
    doc="The array of the gradients of an array, whose elements have further dimensions in front.",
)


def _source(name: str) -> str:
    """Name of the gradient computation that an op belongs to: the path up to its scope `gradients`."""
    parts = name.split("/")
    for i, part in enumerate(parts):
        if re.fullmatch(r"gradients(_\d+)?", part):
            return "/".join(parts[: i + 1])
    return parts[0] if len(parts) > 1 else "gradients"


def _gradient_array(op: Operation, flow: Tensor, grad: Tensor) -> tuple[Tensor, Tensor]:
    handle, flow = TensorArrayGradV3(op.inputs[0], flow, source=_source(grad.op.name))
    return handle, flow


def _after_writing(op: Operation, flow: Tensor) -> Tensor:
    """The gradient's flow, once the array itself is complete."""
    from .control import Identity

    graph = flow.graph
    with graph.control_dependencies([Identity(op.outputs[0])]):
        return Identity(flow)


def _write_grad(op: Operation, flow: Tensor) -> list[Tensor | None]:
    flow = _after_writing(op, flow)
    handle, ready = _gradient_array(op, flow, flow)
    return [None, None, TensorArrayReadV3(handle, op.inputs[1], ready, dtype=op.attrs["T"]), flow]


TensorArrayWriteV3 = declare(
    "TensorArrayWriteV3",
    inputs="handle: resource, index: int32, value: T, flow_in: float",
    outputs="flow_out: float",
    attrs="T: type",
    infer=lambda c: [c.rank("index", 0)],
    gradient=_write_grad,
    cost=free,
    state=EFFECT,
    samples=lambda: [sample(_EMPTY, np.int32(1), floats(2), _FLOW, grad=())],
    doc="Sets one element of an array.",
)


def _read_grad(op: Operation, grad: Tensor) -> list[Tensor | None]:
    handle, flow = _gradient_array(op, op.inputs[2], grad)
    return [None, None, TensorArrayWriteV3(handle, op.inputs[1], grad, flow)]


TensorArrayReadV3 = declare(
    "TensorArrayReadV3",
    inputs="handle: resource, index: int32, flow_in: float",
    outputs="value: dtype",
    attrs="dtype: type",
    infer=lambda c: [TensorShape(None)],
    gradient=_read_grad,
    cost=free,
    state=EFFECT,
    samples=lambda: [sample(_ARRAY, np.int32(1), _FLOW, dtype="float32", grad=())],
    doc="One element of an array.",
)


def _gather_shape(c: InferContext) -> Sequence[TensorShape]:
    return [c.rank("indices", 1).concatenate(c.attr("element_shape"))]


def _gather_grad(op: Operation, grad: Tensor) -> list[Tensor | None]:
    handle, flow = _gradient_array(op, op.inputs[2], grad)
    return [None, None, TensorArrayScatterV3(handle, op.inputs[1], grad, flow)]


TensorArrayGatherV3 = declare(
    "TensorArrayGatherV3",
    inputs="handle: resource, indices: int32, flow_in: float",
    outputs="value: dtype",
    attrs=("dtype: type", "element_shape: shape = { unknown_rank: true }"),
    infer=_gather_shape,
    gradient=_gather_grad,
    cost=moves,
    state=EFFECT,
    samples=lambda: [sample(_ARRAY, [2, 0], _FLOW, dtype="float32", grad=())],
    doc="Some elements of an array as the rows of a tensor.",
)


def _scatter_grad(op: Operation, flow: Tensor) -> list[Tensor | None]:
    flow = _after_writing(op, flow)
    handle, ready = _gradient_array(op, flow, flow)
    rows = TensorArrayGatherV3(handle, op.inputs[1], ready, dtype=op.attrs["T"])
    return [None, None, rows, flow]


TensorArrayScatterV3 = declare(
    "TensorArrayScatterV3",
    inputs="handle: resource, indices: int32, value: T, flow_in: float",
    outputs="flow_out: float",
    attrs="T: type",
    infer=lambda c: [_SCALAR],
    gradient=_scatter_grad,
    cost=moves,
    state=EFFECT,
    samples=lambda: [sample(_EMPTY, [2, 0], floats(2, 2), _FLOW, grad=())],
    doc="Sets some elements of an array to the rows of a tensor.",
)

TensorArraySizeV3 = declare(
    "TensorArraySizeV3",
    inputs="handle: resource, flow_in: float",
    outputs="size: int32",
    attrs=(),
    infer=lambda c: [_SCALAR],
    gradient=_NONE,
    cost=free,
    state=EFFECT,
    samples=lambda: [sample(_ARRAY, _FLOW)],
    doc="How many elements an array has.",
)


def _concat_shape(c: InferContext) -> Sequence[TensorShape]:
    return [TensorShape([None]).concatenate(c.attr("element_shape_except0")), TensorShape([None])]


def _concat_grad(op: Operation, grad: Tensor, _: object) -> list[Tensor | None]:
    handle, flow = _gradient_array(op, op.inputs[1], grad)
    return [None, TensorArraySplitV3(handle, grad, op.outputs[1], flow)]


TensorArrayConcatV3 = declare(
    "TensorArrayConcatV3",
    inputs="handle: resource, flow_in: float",
    outputs="value: dtype, lengths: int64",
    attrs=("dtype: type", "element_shape_except0: shape = { unknown_rank: true }"),
    infer=_concat_shape,
    gradient=_concat_grad,
    cost=moves,
    state=EFFECT,
    samples=lambda: [sample(_ARRAY, _FLOW, dtype="float32", grad=())],
    doc="The elements of an array joined along their first dimension, and how long each is.",
)


def _split_grad(op: Operation, flow: Tensor) -> list[Tensor | None]:
    flow = _after_writing(op, flow)
    handle, ready = _gradient_array(op, flow, flow)
    whole, _ = TensorArrayConcatV3(handle, ready, dtype=op.attrs["T"])
    return [None, whole, None, flow]


TensorArraySplitV3 = declare(
    "TensorArraySplitV3",
    inputs="handle: resource, value: T, lengths: int64, flow_in: float",
    outputs="flow_out: float",
    attrs="T: type",
    infer=lambda c: [_SCALAR],
    gradient=_split_grad,
    cost=moves,
    state=EFFECT,
    samples=lambda: [sample(_EMPTY, floats(6), np.array([2, 2, 2]), _FLOW, grad=())],
    doc="Sets the elements of an array to parts of a tensor.",
)

TensorArrayCloseV3 = declare(
    "TensorArrayCloseV3",
    inputs="handle: resource",
    outputs="",
    attrs=(),
    infer=lambda c: [],
    gradient=_NONE,
    cost=free,
    state=EFFECT,
    samples=lambda: [sample(_ARRAY)],
    doc="Drops the elements of an array.",
)
