"""Optimizers' updates of dense variables, each as one kernel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..registry import KernelContext, specialize

Update = Callable[..., Any] | None

_MOMENTUM = """
const T a = accum * momentum + grad;
new_accum = a;
new_var = var - a * lr;
"""

_ADAM = """
const T alpha = lr * sqrt(T(1) - beta2_power) / (T(1) - beta1_power);
const T mean = m + (grad - m) * (T(1) - beta1);
const T square = v + (grad * grad - v) * (T(1) - beta2);
new_m = mean;
new_v = square;
new_var = var - mean * alpha / (sqrt(square) + epsilon);
"""


def _kernel(c: KernelContext, inputs: str, outputs: str, body: str, name: str) -> Update:
    if c.in_types[0].name not in ("float32", "float64") or c.attrs["use_nesterov"]:
        return None
    declared = [", ".join(f"T {n}" for n in names.split()) for names in (inputs, outputs)]
    return c.xp.ElementwiseKernel(*declared, body, f"weft_{name}")  # type: ignore[no-any-return]


@specialize("ResourceApplyMomentum", on="cupy")
def _momentum(c: KernelContext, known: Mapping[int, Any]) -> Update:
    return _kernel(c, "var accum lr grad momentum", "new_var new_accum", _MOMENTUM, "momentum")


@specialize("ResourceApplyAdam", on="cupy")
def _adam(c: KernelContext, known: Mapping[int, Any]) -> Update:
    inputs = "var m v beta1_power beta2_power lr beta1 beta2 epsilon grad"
    return _kernel(c, inputs, "new_var new_m new_v", _ADAM, "adam")
