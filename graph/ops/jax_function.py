"""Functions compiled ahead of time, in StableHLO: what a JAX function becomes in a graph.

The op is TensorFlow's XlaCallModule. What the function computes lies in its attributes as data, and so does its
derivative (`_vjp_module` and the like, which become `_module` and so on of the gradient's op); no Python code of the
function is left, so the op goes to other processes and into GraphDefs like any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..elements import Operation
from ..infer import CostContext, InferContext
from ..opdef import PURE, Cost, declare
from ..shapes import TensorShape

__all__ = ["XlaCallModule"]

_VJP = "_vjp"


def _infer(c: InferContext) -> Sequence[TensorShape]:
    shapes = c.attr("Sout")
    if len(shapes) != len(c.attr("Tout")):
        c.fail(f"Sout must have {len(c.attr('Tout'))} shapes, one per output, has {len(shapes)}")
    return list(shapes)


def _cost(c: CostContext) -> Cost:
    share = c.attrs.get("_flops_per_element")
    flops = float(share) if isinstance(share, float) else 1.0
    return Cost(max(flops * (c.in_elements or 1.0), 1.0), c.in_bytes + c.out_bytes)


def _gradient(op: Operation, *grads: Any) -> Sequence[Any]:
    attrs = derivative_attrs(op.attrs)
    if attrs is None:
        raise LookupError(
            f"{op.type} '{op.name}' has no gradient: it was made without one, or by a program that kept none "
            f"(made at {op.source}). jax_function has an argument `order`."
        )
    floating = [i for i, t in enumerate(op.inputs) if t.dtype.is_floating or t.dtype.is_complex]
    given = [g for g, t in zip(grads, op.outputs, strict=True) if t.dtype.is_floating or t.dtype.is_complex]
    found = XlaCallModule(
        [*op.inputs, *given],
        Tout=[op.inputs[i].dtype for i in floating],
        Sout=[op.inputs[i].shape for i in floating],
        **attrs,
    )
    by_input = dict(zip(floating, found, strict=True))
    return [by_input.get(i) for i in range(len(op.inputs))]


def derivative_attrs(attrs: Mapping[str, Any]) -> dict[str, Any] | None:
    """Attributes of the op that computes the derivative, but for its types and shapes; None without one."""
    if f"{_VJP}_module" not in attrs:
        return None
    kept = {k: attrs[k] for k in ("version", "platforms")}
    inner = {k.removeprefix(_VJP): v for k, v in attrs.items() if k.startswith(f"{_VJP}_")}
    return {**kept, "module": inner.pop("_module"), **inner}


XlaCallModule = declare(
    "XlaCallModule",
    inputs="args: Tin",
    outputs="output: Tout",
    attrs=(
        "version: int",
        "module: string",
        "Sout: list(shape) >= 0",
        "Tout: list(type) >= 0",
        "Tin: list(type) >= 0",
        "dim_args_spec: list(string) = []",
        "platforms: list(string) = []",
        "has_token_input_output: bool = false",
        "disabled_checks: list(string) = []",
        "use_shardy_partitioner: bool = false",
    ),
    infer=_infer,
    gradient=_gradient,
    cost=_cost,
    state=PURE,
    samples=list,
    doc="Results of a function in StableHLO.",
)
