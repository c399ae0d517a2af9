"""The common optimizers' updates of dense variables, over as few temporaries as they need.

Each does what its rule in `kernels/training_ops.py` does, in the same order, but into memory of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..registry import KernelContext, specialize

_add, _subtract, _multiply, _divide, _sqrt = np.add, np.subtract, np.multiply, np.divide, np.sqrt

Update = Callable[..., Any] | None


def _is_scalar(c: KernelContext) -> bool:
    """Whether the variable may be of shape (), for which NumPy gives scalars that cannot be written into."""
    handle = c.node.handle
    return handle is None or not handle.shape.rank


@specialize("ResourceApplyGradientDescent", on="numpy")
def _gradient_descent(c: KernelContext, known: Mapping[int, Any]) -> Update:
    if _is_scalar(c):
        return None

    def update(var: Any, alpha: Any, delta: Any) -> Any:
        step = _multiply(alpha, delta)
        return _subtract(var, step, step)

    return update


@specialize("ResourceApplyMomentum", on="numpy")
def _momentum(c: KernelContext, known: Mapping[int, Any]) -> Update:
    if _is_scalar(c) or c.attrs["use_nesterov"]:
        return None

    def update(var: Any, accum: Any, lr: Any, grad: Any, momentum: Any) -> Any:
        accum = _multiply(accum, momentum)
        _add(accum, grad, accum)
        step = _multiply(accum, lr)
        return _subtract(var, step, step), accum

    return update


@specialize("ResourceApplyAdam", on="numpy")
def _adam(c: KernelContext, known: Mapping[int, Any]) -> Update:
    if _is_scalar(c) or c.attrs["use_nesterov"]:
        return None

    def update(
        var: Any, m: Any, v: Any, beta1_power: Any, beta2_power: Any, lr: Any, beta1: Any, beta2: Any,
        epsilon: Any, grad: Any,
    ) -> Any:  # fmt: skip
        alpha = lr * _sqrt(1 - beta2_power) / (1 - beta1_power)
        mean = _subtract(grad, m)
        _multiply(mean, 1 - beta1, mean)
        _add(m, mean, mean)
        square = _multiply(grad, grad)
        _subtract(square, v, square)
        _multiply(square, 1 - beta2, square)
        _add(v, square, square)
        root = _sqrt(square)
        _add(root, epsilon, root)
        step = _multiply(mean, alpha)
        _divide(step, root, step)
        return _subtract(var, step, step), mean, square

    return update
