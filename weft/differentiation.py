"""Second derivatives, and ops that are declared to have no gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .array import stack
from .graph.convert import convert_to_tensor
from .graph.default_graph import name_scope
from .graph.elements import Tensor
from .graph.gradient_registry import register_gradient
from .graph.gradients import gradients
from .graph.opdef import NoGradient as _NoGradient
from .shaping import reshape

__all__ = ["NoGradient", "NotDifferentiable", "hessians", "no_gradient"]


def NotDifferentiable(op_type: str) -> None:
    """Says that ops which ask for the gradient of that name have none.

    Args:
        op_type: the name, as `Graph.gradient_override_map` gives it.

    Raises:
        KeyError: a gradient is registered under the name already.
    """
    register_gradient(op_type, _NoGradient("it was declared to be not differentiable"))


NoGradient = no_gradient = NotDifferentiable


def hessians(
    ys: Any,
    xs: Any,
    name: str = "hessians",
    colocate_gradients_with_ops: bool = False,
    gate_gradients: bool = False,
    aggregation_method: int | None = None,
) -> list[Tensor]:
    """Second derivatives of the sum of `ys` with respect to each of `xs`.

    Args:
        ys: tensors.
        xs: tensors whose shapes are known.
        name: name scope of the ops.
        colocate_gradients_with_ops, gate_gradients, aggregation_method: as for `gradients`.

    Returns:
        For each `x` of shape `s` a tensor of shape `s + s`.

    Raises:
        ValueError: the shape of an `x` is not known.

    Source:
        `tf.hessians`.
    """
    many: Sequence[Any] = xs if isinstance(xs, (list, tuple)) else [xs]
    keywords = {
        "colocate_gradients_with_ops": colocate_gradients_with_ops,
        "gate_gradients": gate_gradients,
        "aggregation_method": aggregation_method,
    }
    found = []
    with name_scope(name):
        first = gradients(ys, list(many), **keywords)
        for x, slope in zip(many, first, strict=True):
            shape = convert_to_tensor(x).shape
            if not shape.is_fully_defined():
                raise ValueError(f"hessians: the shape of {x.name} must be known, got {shape}.")
            dims = shape.as_list()
            size = shape.num_elements()
            flat = reshape(slope, [-1])
            rows = [_row(flat[i], x, keywords) for i in range(size)]
            found.append(reshape(stack(rows), dims + dims))
    return found


def _row(slope: Tensor, x: Any, keywords: dict[str, Any]) -> Tensor:
    from .filling import zeros_like

    (row,) = gradients(slope, [x], **keywords)
    return zeros_like(convert_to_tensor(x)) if row is None else convert_to_tensor(row)
