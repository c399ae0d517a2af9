"""What the gradients of branches, loops and calls share: bodies that differentiate other bodies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .constant_value import constant_value
from .convert import constant_from_array, convert_to_tensor
from .dtypes import DType
from .elements import Operation, Tensor
from .func_graph import FuncGraph, bodies_of
from .gradients import gradients
from .graph import Graph
from .opdef import NoGradient
from .shapes import TensorShape

__all__ = [
    "GradientBody",
    "bodies_run_by",
    "depends_on",
    "differentiate",
    "extend",
    "gradient_shape",
    "gradient_type",
    "is_differentiable",
    "zeros_for",
]

_SMALL_ELEMENTS = 64
"""Integers whose value is known are made again up to this number instead of being kept for the gradient."""


class GradientBody(FuncGraph):
    """A body that differentiates another one, the forward body, and uses what that computes.

    Args:
        name: wished name.
        forward: the forward body.
        outer_graph: the graph around.
    """

    def __init__(self, name: str, forward: FuncGraph, outer_graph: Graph) -> None:
        self.forward = forward
        super().__init__(name, outer_graph)

    def is_inside(self, graph: Graph) -> bool:
        return graph is self.forward or super().is_inside(graph)

    def capture(self, tensor: Tensor) -> Tensor:
        if tensor.graph is not self.forward:
            return super().capture(tensor)
        if tensor in self._copies:
            return self._copies[tensor]
        if tensor.op.type == "Const" and tensor.op.attrs["value"].size <= _SMALL_ELEMENTS:
            return self._copied(tensor)
        if tensor.dtype.is_integer or tensor.dtype.is_bool:
            value = constant_value(tensor)
            if value is not None and value.size <= _SMALL_ELEMENTS:
                return self._known(tensor, value)
        return self.from_forward(tensor)

    def _known(self, tensor: Tensor, value: np.ndarray[Any, Any]) -> Tensor:
        with self.as_default(), self.name_scope(None), self.control_dependencies(None), self.device(None):
            self._copies[tensor] = constant_from_array(value, tensor.dtype)
        return self._copies[tensor]

    def from_forward(self, tensor: Tensor) -> Tensor:
        """What stands here for a tensor of the forward body."""
        raise AssertionError(f"{self.name} does not say how it gets {tensor.name}")


def bodies_run_by(op: Operation) -> list[FuncGraph]:
    """The functions that an operation's attributes name."""
    return bodies_of(op.graph.functions, op.attrs)


def is_differentiable(tensor: Tensor) -> bool:
    """Whether gradients may flow to a tensor: numbers, a variable of numbers, a list of numbers."""
    dtype = tensor.dtype
    if dtype.kind in "rv":
        return tensor.handle_data is not None and _is_real(tensor.handle_data.dtype)
    return _is_real(dtype)


def _is_real(dtype: DType) -> bool:
    return dtype.is_floating or dtype.is_complex or dtype.kind == "v"


def depends_on(outputs: Iterable[Tensor], arguments: Sequence[Tensor]) -> set[int]:
    """Positions of the arguments that some outputs change with, along tensors that gradients flow through."""
    places = {t: i for i, t in enumerate(arguments)}
    found: set[int] = set()
    stack = [t for t in outputs if _carries(t)]
    seen = set(stack)
    while stack:
        tensor = stack.pop()
        if tensor in places:
            found.add(places[tensor])
            continue
        if isinstance(tensor.op.decl.gradient, NoGradient):
            continue
        for other in tensor.op.inputs:
            if other not in seen and _carries(other):
                seen.add(other)
                stack.append(other)
    return found


def _carries(tensor: Tensor) -> bool:
    return tensor.dtype.kind in "fcrv"


def differentiate(
    body: GradientBody, ys: Sequence[Tensor], grad_ys: Sequence[Tensor], xs: Sequence[Tensor]
) -> list[Tensor | None]:
    """Gradients of tensors of the forward body by others, as tensors of the body that differentiates it."""
    if not ys:
        return [None] * len(xs)
    with body.as_default():
        made = gradients(list(ys), list(xs), list(grad_ys))
        return [None if g is None else convert_to_tensor(g) for g in made]


def gradient_shape(tensor: Tensor) -> TensorShape:
    """Static shape of a tensor's gradient: of the variable's value for a handle."""
    if tensor.dtype.kind == "r" and tensor.handle_data is not None:
        return tensor.handle_data.shape
    return tensor.shape


def gradient_type(tensor: Tensor) -> DType:
    """Element type of a tensor's gradient: of the variable's value for a handle."""
    if tensor.dtype.kind == "r" and tensor.handle_data is not None:
        return tensor.handle_data.dtype
    return tensor.dtype


def zeros_for(tensor: Tensor) -> Tensor:
    """A gradient of nothing for a tensor: zeros of its shape, or a list of zeros; in the default graph."""
    from .ops.array import Fill, ZerosLike
    from .ops.state import ReadVariableOp
    from .ops.tensor_list import TensorListElementShape, TensorListLength, TensorListReserve

    made: Tensor
    if tensor.dtype.kind == "v":
        assert tensor.handle_data is not None
        made = TensorListReserve(
            TensorListElementShape(tensor, shape_type="int32"),
            TensorListLength(tensor),
            element_dtype=tensor.handle_data.dtype,
        )
        return made
    shape = gradient_shape(tensor)
    if shape.is_fully_defined():
        dtype = gradient_type(tensor)
        made = Fill(convert_to_tensor(list(shape.known()), "int32"), convert_to_tensor(0, dtype))
        return made
    if tensor.dtype.kind == "r":
        assert tensor.handle_data is not None
        tensor = ReadVariableOp(tensor, dtype=tensor.handle_data.dtype)
    made = ZerosLike(tensor)
    return made


def extend(op: Operation, inputs: Sequence[Tensor], outputs: Sequence[Tensor], attrs: dict[str, Any]) -> None:
    """Gives an operation that runs functions more inputs and outputs, in place.

    Args:
        op: the operation; its bodies have been changed already.
        inputs: further inputs, tensors of its graph.
        outputs: tensors of a body whose types, shapes and handles the further outputs have.
        attrs: attributes that change.
    """
    with op.graph._lock:
        op.attrs = {**op.attrs, **attrs}
        op.inputs = (*op.inputs, *inputs)
        count = len(op.outputs)
        op.outputs = (
            *op.outputs,
            *(Tensor(op, count + i, t.dtype, t.shape, t.handle_data) for i, t in enumerate(outputs)),
        )
        if isinstance(op.graph, FuncGraph):
            op.graph.edited()
