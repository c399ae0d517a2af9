"""Lists of tensors as values: what tensor arrays are made of, and what loops keep for their gradients.

A list is a tensor of type variant. It is never changed: an op that sets an element gives another list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..convert import convert_to_tensor
from ..elements import Operation, Tensor
from ..infer import InferContext, free, moves
from ..opdef import PURE, NoGradient, declare
from ..samples import built, floats, sample
from ..shapes import TensorShape

__all__ = [
    "EmptyTensorList",
    "TensorListConcatLists",
    "TensorListConcatV2",
    "TensorListElementShape",
    "TensorListFromTensor",
    "TensorListGather",
    "TensorListGetItem",
    "TensorListLength",
    "TensorListPopBack",
    "TensorListPushBack",
    "TensorListReserve",
    "TensorListResize",
    "TensorListScatterIntoExistingList",
    "TensorListScatterV2",
    "TensorListSetItem",
    "TensorListSplit",
    "TensorListStack",
    "list_shape",
]

_NEW = NoGradient("the list is new")
_NUMBER = NoGradient("it is no number that changes with the elements")
_SHAPE_TYPE = "shape_type: indextype"
_SCALAR = TensorShape([])


def list_shape(shape: TensorShape) -> Tensor:
    """A static shape as ops of lists take it: -1 for what is not known."""
    value = -1 if shape.rank is None else [-1 if d is None else int(d) for d in shape.as_list()]
    made: Tensor = convert_to_tensor(np.array(value, np.int32), name="element_shape")
    return made


def _element_shape(c: InferContext) -> TensorShape:
    value = c.value("element_shape")
    if value is not None:
        return TensorShape(None if value.ndim == 0 else (None if d < 0 else int(d) for d in value))
    if c.shape("element_shape").rank == 1:
        return c.value_as_shape("element_shape")
    return TensorShape(None)


def _tail_of(tensor: Tensor) -> Tensor:
    """Shape of the rows of a tensor, as a 1-D tensor; a constant where it is known."""
    from .array import Shape

    if tensor.shape.rank is not None and TensorShape(tensor.shape.as_list()[1:]).is_fully_defined():
        return list_shape(TensorShape(tensor.shape.as_list()[1:]))
    return Shape(tensor)[1:]


def _shape_of(tensor: Tensor) -> Tensor:
    from .array import Shape

    if tensor.shape.is_fully_defined():
        return list_shape(tensor.shape)
    return Shape(tensor)


def _zeros_of(tensor: Tensor) -> Tensor:
    from .array import Fill, ZerosLike

    if tensor.shape.is_fully_defined():
        zero = convert_to_tensor(0, tensor.dtype)
        return Fill(list_shape(tensor.shape), zero)
    return ZerosLike(tensor)


def _beside(op: Operation, build: Any, *inputs: Tensor) -> Tensor:
    """An op about a list, made in the list's own graph, so that a body's gradient is given the result alone."""
    with op.graph.as_default(), op.graph.control_dependencies(None):
        made: Tensor = build(*inputs)
        return made


EmptyTensorList = declare(
    "EmptyTensorList",
    inputs="element_shape: shape_type, max_num_elements: int32",
    outputs="handle: variant",
    attrs=("element_dtype: type", _SHAPE_TYPE),
    infer=lambda c: [_SCALAR],
    gradient=_NEW,
    cost=free,
    state=PURE,
    samples=lambda: [sample([2, 3], -1, element_dtype="float32")],
    doc="A list without elements.",
)

TensorListReserve = declare(
    "TensorListReserve",
    inputs="element_shape: shape_type, num_elements: int32",
    outputs="handle: variant",
    attrs=("element_dtype: type", _SHAPE_TYPE),
    infer=lambda c: [_SCALAR],
    gradient=_NEW,
    cost=free,
    state=PURE,
    samples=lambda: [sample([2], 3, element_dtype="float32")],
    doc="A list of elements that are not set yet; they read as zeros.",
)


def _from_tensor_grad(op: Operation, grad: Tensor) -> list[Tensor | None]:
    tensor = op.inputs[0]
    count = -1 if tensor.shape.rank is None or tensor.shape[0] is None else int(tensor.shape[0])
    made = TensorListStack(grad, _tail_of(tensor), element_dtype=tensor.dtype, num_elements=count)
    return [made, None]


TensorListFromTensor = declare(
    "TensorListFromTensor",
    inputs="tensor: element_dtype, element_shape: shape_type",
    outputs="output_handle: variant",
    attrs=("element_dtype: type", _SHAPE_TYPE),
    infer=lambda c: (c.rank_at_least("tensor", 1), [_SCALAR])[1],
    gradient=_from_tensor_grad,
    cost=moves,
    state=PURE,
    samples=lambda: [sample(floats(3, 2), [2])],
    doc="The rows of a tensor as a list.",
)


def _floats_list() -> Any:
    return built(lambda: TensorListFromTensor(floats(3, 2), [2]))


def _stack_shape(c: InferContext) -> Sequence[TensorShape]:
    count = c.attr("num_elements")
    return [TensorShape([None if count < 0 else count]).concatenate(_element_shape(c))]


TensorListStack = declare(
    "TensorListStack",
    inputs="input_handle: variant, element_shape: int32",
    outputs="tensor: element_dtype",
    attrs=("element_dtype: type", "num_elements: int = -1"),
    infer=_stack_shape,
    gradient=lambda op, grad: [TensorListFromTensor(grad, _tail_of(grad)), None],
    cost=moves,
    state=PURE,
    host_inputs=("element_shape",),
    samples=lambda: [
        sample(_floats_list(), [2], element_dtype="float32"),
        sample(_floats_list(), [-1], element_dtype="float32", num_elements=3),
    ],
    doc="The elements of a list as the rows of a tensor.",
)


def _get_item_grad(op: Operation, grad: Tensor) -> list[Tensor | None]:
    length = _beside(op, TensorListLength, op.inputs[0])
    zeros = TensorListReserve(_shape_of(grad), length, element_dtype=grad.dtype)
    return [TensorListSetItem(zeros, op.inputs[1], grad), None, None]


TensorListGetItem = declare(
    "TensorListGetItem",
    inputs="input_handle: variant, index: int32, element_shape: Tshape",
    outputs="item: element_dtype",
    attrs=("element_dtype: type", "Tshape: indextype = DT_INT32"),
    infer=lambda c: [_element_shape(c)],
    gradient=_get_item_grad,
    cost=free,
    state=PURE,
    host_inputs=("element_shape",),
    samples=lambda: [
        sample(_floats_list(), 1, [2], element_dtype="float32"),
        sample(
            built(lambda: TensorListReserve([2], 3, element_dtype="float32")), 1, [2], element_dtype="float32"
        ),
    ],
    doc="One element of a list.",
)


def _set_item_grad(op: Operation, grad: Tensor) -> list[Tensor | None]:
    index, item = op.inputs[1], op.inputs[2]
    rest = TensorListSetItem(grad, index, _zeros_of(item))
    return [rest, None, TensorListGetItem(grad, index, _shape_of(item), element_dtype=item.dtype)]


TensorListSetItem = declare(
    "TensorListSetItem",
    inputs="input_handle: variant, index: int32, item: element_dtype",
    outputs="output_handle: variant",
    attrs=("element_dtype: type", "resize_if_index_out_of_bounds: bool = false"),
    infer=lambda c: [_SCALAR],
    gradient=_set_item_grad,
    cost=free,
    state=PURE,
    samples=lambda: [
        sample(_floats_list(), 1, floats(2)),
        sample(_floats_list(), 5, floats(2), resize_if_index_out_of_bounds=True),
    ],
    doc="A list with another element in one place.",
)


def _push_back_grad(op: Operation, grad: Tensor) -> list[Tensor | None]:
    tensor = op.inputs[1]
    return list(TensorListPopBack(grad, _shape_of(tensor), element_dtype=tensor.dtype))


TensorListPushBack = declare(
    "TensorListPushBack",
    inputs="input_handle: variant, tensor: element_dtype",
    outputs="output_handle: variant",
    attrs="element_dtype: type",
    infer=lambda c: [_SCALAR],
    gradient=_push_back_grad,
    cost=free,
    state=PURE,
    samples=lambda: [sample(_floats_list(), floats(2))],
    doc="A list with one more element at its end.",
)


def _pop_back_grad(op: Operation, list_grad: Tensor | None, grad: Tensor) -> list[Tensor | None]:
    shape = _shape_of(op.outputs[1])
    if list_grad is None:
        list_grad = EmptyTensorList(shape, -1, element_dtype=op.outputs[1].dtype)
    return [TensorListPushBack(list_grad, grad), None]


TensorListPopBack = declare(
    "TensorListPopBack",
    inputs="input_handle: variant, element_shape: int32",
    outputs="output_handle: variant, tensor: element_dtype",
    attrs="element_dtype: type",
    infer=lambda c: [_SCALAR, _element_shape(c)],
    gradient=_pop_back_grad,
    cost=free,
    state=PURE,
    host_inputs=("element_shape",),
    samples=lambda: [sample(_floats_list(), [2], element_dtype="float32")],
    doc="A list without its last element, and that element.",
)

TensorListLength = declare(
    "TensorListLength",
    inputs="input_handle: variant",
    outputs="length: int32",
    attrs=(),
    infer=lambda c: [_SCALAR],
    gradient=_NUMBER,
    cost=free,
    state=PURE,
    samples=lambda: [sample(_floats_list())],
    doc="How many elements a list has.",
)

TensorListElementShape = declare(
    "TensorListElementShape",
    inputs="input_handle: variant",
    outputs="element_shape: shape_type",
    attrs=_SHAPE_TYPE,
    infer=lambda c: [TensorShape(None)],
    gradient=_NUMBER,
    cost=free,
    state=PURE,
    samples=lambda: [sample(_floats_list(), shape_type="int32")],
    doc="What is known of the shape of a list's elements: -1 for what is not.",
)


def _gather_shape(c: InferContext) -> Sequence[TensorShape]:
    return [c.rank("indices", 1).concatenate(_element_shape(c))]


def _gather_grad(op: Operation, grad: Tensor) -> list[Tensor | None]:
    length = _beside(op, TensorListLength, op.inputs[0])
    return [TensorListScatterV2(grad, op.inputs[1], _tail_of(grad), length), None, None]


TensorListGather = declare(
    "TensorListGather",
    inputs="input_handle: variant, indices: int32, element_shape: int32",
    outputs="values: element_dtype",
    attrs="element_dtype: type",
    infer=_gather_shape,
    gradient=_gather_grad,
    cost=moves,
    state=PURE,
    host_inputs=("element_shape",),
    samples=lambda: [sample(_floats_list(), [2, 0], [2], element_dtype="float32")],
    doc="Some elements of a list as the rows of a tensor.",
)


def _scatter_grad(op: Operation, grad: Tensor) -> list[Tensor | None]:
    tensor = op.inputs[0]
    rows = TensorListGather(grad, op.inputs[1], _tail_of(tensor), element_dtype=tensor.dtype)
    return [rows, *[None] * (len(op.inputs) - 1)]


TensorListScatterV2 = declare(
    "TensorListScatterV2",
    inputs="tensor: element_dtype, indices: int32, element_shape: shape_type, num_elements: int32",
    outputs="output_handle: variant",
    attrs=("element_dtype: type", _SHAPE_TYPE),
    infer=lambda c: [_SCALAR],
    gradient=_scatter_grad,
    cost=moves,
    state=PURE,
    samples=lambda: [sample(floats(2, 2), [2, 0], [2], 3), sample(floats(2, 2), [2, 0], [2], -1)],
    doc="The rows of a tensor as the elements of a list, in places of their own.",
)


def _scatter_into_grad(op: Operation, grad: Tensor) -> list[Tensor | None]:
    tensor, indices = op.inputs[1], op.inputs[2]
    rows = TensorListGather(grad, indices, _tail_of(tensor), element_dtype=tensor.dtype)
    return [TensorListScatterIntoExistingList(grad, _zeros_of(tensor), indices), rows, None]


TensorListScatterIntoExistingList = declare(
    "TensorListScatterIntoExistingList",
    inputs="input_handle: variant, tensor: element_dtype, indices: int32",
    outputs="output_handle: variant",
    attrs="element_dtype: type",
    infer=lambda c: [_SCALAR],
    gradient=_scatter_into_grad,
    cost=moves,
    state=PURE,
    samples=lambda: [sample(_floats_list(), floats(2, 2), [2, 0])],
    doc="A list with the rows of a tensor in some of its places.",
)


def _split_grad(op: Operation, grad: Tensor) -> list[Tensor | None]:
    from .array import ConcatV2

    tensor = op.inputs[0]
    shape = ConcatV2([[-1], _tail_of(tensor)], 0)
    whole, _ = TensorListConcatV2(grad, shape, op.inputs[2], element_dtype=tensor.dtype)
    return [whole, None, None]


TensorListSplit = declare(
    "TensorListSplit",
    inputs="tensor: element_dtype, element_shape: shape_type, lengths: int64",
    outputs="output_handle: variant",
    attrs=("element_dtype: type", _SHAPE_TYPE),
    infer=lambda c: (c.rank_at_least("tensor", 1), c.rank("lengths", 1), [_SCALAR])[2],
    gradient=_split_grad,
    cost=moves,
    state=PURE,
    samples=lambda: [sample(floats(5, 2), [-1, 2], np.array([2, 3]))],
    doc="Parts of a tensor along its first dimension as a list.",
)


def _concat_shape(c: InferContext) -> Sequence[TensorShape]:
    shape = _element_shape(c)
    whole = TensorShape(None) if shape.rank is None else TensorShape([None, *shape.as_list()[1:]])
    return [whole, TensorShape([None])]


def _concat_grad(op: Operation, grad: Tensor, _: Any) -> list[Tensor | None]:
    return [TensorListSplit(grad, op.inputs[1], op.outputs[1]), None, None]


TensorListConcatV2 = declare(
    "TensorListConcatV2",
    inputs="input_handle: variant, element_shape: shape_type, leading_dims: int64",
    outputs="tensor: element_dtype, lengths: int64",
    attrs=("element_dtype: type", _SHAPE_TYPE),
    infer=_concat_shape,
    gradient=_concat_grad,
    cost=moves,
    state=PURE,
    host_inputs=("element_shape", "leading_dims"),
    samples=lambda: [
        sample(_floats_list(), [-1], np.array([], np.int64), element_dtype="float32"),
        sample(_floats_list(), [2], np.array([2, 2, 2]), element_dtype="float32"),
    ],
    doc="The elements of a list joined along their first dimension, and how long each is.",
)

TensorListResize = declare(
    "TensorListResize",
    inputs="input_handle: variant, size: int32",
    outputs="output_handle: variant",
    attrs=(),
    infer=lambda c: [_SCALAR],
    gradient=lambda op, grad: [TensorListResize(grad, _beside(op, TensorListLength, op.inputs[0])), None],
    cost=free,
    state=PURE,
    samples=lambda: [sample(_floats_list(), 2), sample(_floats_list(), 5)],
    doc="A list of another length: cut off, or with elements that are not set.",
)

TensorListConcatLists = declare(
    "TensorListConcatLists",
    inputs="input_a: variant, input_b: variant",
    outputs="output: variant",
    attrs="element_dtype: type",
    infer=lambda c: [_SCALAR],
    gradient=NoGradient("the parts of a joined list are not told apart", zero=False),
    cost=free,
    state=PURE,
    samples=lambda: [sample(_floats_list(), _floats_list(), element_dtype="float32")],
    doc="One list behind another.",
)
