"""The common optimizers' updates of dense variables, a block at a time.

Each does what its rule in `kernels/training_ops.py` does, in the same order, element by element; a block's
temporaries stay in the cache, so that memory is read and written once. The same function updates in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..registry import KernelContext, specialize
from .inplace import Updater, same_shapes, updates_in_place

_add, _subtract, _multiply, _divide, _sqrt = np.add, np.subtract, np.multiply, np.divide, np.sqrt

_BLOCK = 1 << 16
"""Elements of a block: a few arrays of that size fit into a second-level cache."""

Block = Callable[[Sequence[Any], Sequence[Any], Any, Any, Any], None]
"""Updates a block: (new, old, gradient, two temporaries); `new` may be `old`."""


def _gradient_descent(c: KernelContext, alpha: Any) -> Block:
    def block(new: Sequence[Any], old: Sequence[Any], grad: Any, t: Any, _: Any) -> None:
        _multiply(alpha, grad, t)
        _subtract(old[0], t, new[0])

    return block


def _momentum(c: KernelContext, lr: Any, momentum: Any) -> Block:
    nesterov = c.attrs["use_nesterov"]

    def block(new: Sequence[Any], old: Sequence[Any], grad: Any, t: Any, u: Any) -> None:
        accum = new[1]
        _multiply(old[1], momentum, accum)
        _add(accum, grad, accum)
        if nesterov:
            _multiply(grad, lr, t)
            _multiply(accum, momentum, u)
            _multiply(u, lr, u)
            _add(t, u, t)
        else:
            _multiply(accum, lr, t)
        _subtract(old[0], t, new[0])

    return block


def _adam(
    c: KernelContext, beta1_power: Any, beta2_power: Any, lr: Any, beta1: Any, beta2: Any, epsilon: Any
) -> Block:
    alpha = lr * _sqrt(1 - beta2_power) / (1 - beta1_power)
    rest1, rest2, nesterov = 1 - beta1, 1 - beta2, c.attrs["use_nesterov"]

    def block(new: Sequence[Any], old: Sequence[Any], grad: Any, t: Any, u: Any) -> None:
        _, mean, square = new
        _subtract(grad, old[1], t)
        _multiply(t, rest1, t)
        _add(old[1], t, mean)
        _multiply(grad, grad, t)
        _subtract(t, old[2], t)
        _multiply(t, rest2, t)
        _add(old[2], t, square)
        _sqrt(square, u)
        _add(u, epsilon, u)
        ahead = mean
        if nesterov:
            _multiply(grad, rest1, t)
            ahead = _add(t, beta1 * mean, t)
        _multiply(ahead, alpha, t)
        _divide(t, u, t)
        _subtract(old[0], t, new[0])

    return block


def _rms_prop(c: KernelContext, lr: Any, rho: Any, momentum: Any, epsilon: Any) -> Block:
    rest = 1 - rho

    def block(new: Sequence[Any], old: Sequence[Any], grad: Any, t: Any, u: Any) -> None:
        _, square, step = new
        _multiply(grad, grad, t)
        _subtract(t, old[1], t)
        _multiply(t, rest, t)
        _add(old[1], t, square)
        _add(square, epsilon, t)
        _sqrt(t, t)
        _multiply(grad, lr, u)
        _divide(u, t, u)
        _multiply(old[2], momentum, step)
        _add(step, u, step)
        _subtract(old[0], step, new[0])

    return block


def _adagrad(c: KernelContext, lr: Any) -> Block:
    slots = c.attrs["update_slots"]

    def block(new: Sequence[Any], old: Sequence[Any], grad: Any, t: Any, u: Any) -> None:
        if slots:
            _multiply(grad, grad, t)
            _add(old[1], t, new[1])
        elif new[1] is not old[1]:
            new[1][...] = old[1]
        _sqrt(new[1], u)
        _multiply(grad, lr, t)
        _divide(t, u, t)
        _subtract(old[0], t, new[0])

    return block


_RULES: dict[str, tuple[int, int, Callable[..., Block]]] = {
    "ResourceApplyGradientDescent": (1, 2, _gradient_descent),
    "ResourceApplyMomentum": (2, 3, _momentum),
    "ResourceApplyAdam": (3, 9, _adam),
    "ResourceApplyRMSProp": (3, 7, _rms_prop),
    "ResourceApplyAdagrad": (2, 3, _adagrad),
}
"""For each op: how many variables it has, position of the gradient, and its rule over the scalars."""


def _run(block: Block, new: Sequence[Any], old: Sequence[Any], grad: Any) -> None:
    size = grad.size
    if size <= _BLOCK:
        block(new, old, grad, np.empty_like(new[0]), np.empty_like(new[0]))
        return
    flat_new = [v.reshape(-1) for v in new]
    flat_old = flat_new if new is old else [np.ascontiguousarray(v).reshape(-1) for v in old]
    flat_grad = np.ascontiguousarray(grad).reshape(-1)
    t, u = (np.empty(_BLOCK, new[0].dtype) for _ in range(2))
    for start in range(0, size, _BLOCK):
        part = slice(start, start + _BLOCK)
        parts = [v[part] for v in flat_new]
        before = parts if new is old else [v[part] for v in flat_old]
        count = len(parts[0])
        block(parts, before, flat_grad[part], t[:count], u[:count])


def _result(new: Sequence[Any]) -> Any:
    return tuple(new) if len(new) > 1 else new[0]


def _short_descent(var: Any, alpha: Any, delta: Any) -> Any:
    step = _multiply(alpha, delta)
    return _subtract(var, step, step)


@specialize(*_RULES, on="numpy")
def _fresh(c: KernelContext, known: Mapping[int, Any]) -> Callable[..., Any] | None:
    variables, at, rule = _RULES[c.node.op]
    handle = c.node.handle
    if handle is None or not handle.shape.rank:
        # NumPy gives scalars for arrays of shape (), and those cannot be written into.
        return None
    if rule is _gradient_descent and handle.shape.is_fully_defined() and handle.shape.num_elements() < _BLOCK:
        return _short_descent

    def update(*inputs: Any) -> Any:
        old, grad = inputs[:variables], inputs[at]
        same_shapes(c.node.op, old[0], (*old[1:], grad))
        new = [np.empty_like(v, order="C") for v in old]
        _run(rule(c, *inputs[variables:at], *inputs[at + 1 :]), new, old, grad)
        return _result(new)

    return update


@updates_in_place(*_RULES)
def _in_place(c: KernelContext) -> Updater:
    variables, at, rule = _RULES[c.node.op]

    def check(*inputs: Any) -> None:
        same_shapes(c.node.op, inputs[0], (*inputs[1:variables], inputs[at]))

    def update(*inputs: Any) -> Any:
        own = inputs[:variables]
        _run(rule(c, *inputs[variables:at], *inputs[at + 1 :]), own, own, inputs[at])
        return _result(own)

    return Updater(check, update)


@updates_in_place("AssignAddVariableOp", "AssignSubVariableOp")
def _assign(c: KernelContext) -> Updater:
    change = np.add if c.node.op == "AssignAddVariableOp" else np.subtract

    def check(value: Any, delta: Any) -> None:
        same_shapes(c.node.op, value, (delta,))

    return Updater(check, lambda value, delta: change(value, delta, value))
