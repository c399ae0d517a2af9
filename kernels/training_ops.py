"""The updates that optimizers make; declared in `graph/ops/training_ops.py`.

A rule is a function from the old values of its variables and its other inputs, by name, to the new values. The
sparse form of an op applies the same function to the rows that the indices name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..graph.opdef import get_op
from ..graph.ops.training_ops import RULES
from .indexing import check_range, take
from .registry import KernelContext, kernel
from .updates import scattered, stable_order

Rule = Callable[..., tuple[Any, ...]]

_RULES: dict[str, Rule] = {}


def rule(name: str) -> Callable[[Rule], Rule]:
    """Registers the decorated function as update rule of that name."""

    def register(function: Rule) -> Rule:
        _RULES[name] = function
        return function

    return register


def _shrunk(xp: Any, x: Any, rate: Any, l1: Any, l2: Any) -> Any:
    """`x` moved towards zero by `rate * l1`, then scaled down by l2."""
    return xp.sign(x) * xp.maximum(xp.abs(x) - rate * l1, 0) / (1 + l2 * rate)


@rule("GradientDescent")
def gradient_descent(c: KernelContext, var: Any, alpha: Any, delta: Any) -> tuple[Any, ...]:
    return (var - alpha * delta,)


@rule("ProximalGradientDescent")
def proximal_gradient_descent(
    c: KernelContext, var: Any, alpha: Any, l1: Any, l2: Any, delta: Any
) -> tuple[Any, ...]:
    return (_shrunk(c.xp, var - alpha * delta, alpha, l1, l2),)


@rule("Adadelta")
def adadelta(
    c: KernelContext, var: Any, accum: Any, accum_update: Any, lr: Any, rho: Any, epsilon: Any, grad: Any
) -> tuple[Any, ...]:
    sqrt = c.xp.sqrt
    accum = accum * rho + grad * grad * (1 - rho)
    update = sqrt(accum_update + epsilon) / sqrt(accum + epsilon) * grad
    return var - update * lr, accum, accum_update * rho + update * update * (1 - rho)


@rule("Adagrad")
def adagrad(c: KernelContext, var: Any, accum: Any, lr: Any, grad: Any) -> tuple[Any, ...]:
    if c.attrs["update_slots"]:
        accum = accum + grad * grad
    return var - grad * lr / c.xp.sqrt(accum), accum


@rule("AdagradV2")
def adagrad_v2(c: KernelContext, var: Any, accum: Any, lr: Any, epsilon: Any, grad: Any) -> tuple[Any, ...]:
    if c.attrs["update_slots"]:
        accum = accum + grad * grad
    return var - grad * lr / (c.xp.sqrt(accum) + epsilon), accum


@rule("ProximalAdagrad")
def proximal_adagrad(
    c: KernelContext, var: Any, accum: Any, lr: Any, l1: Any, l2: Any, grad: Any
) -> tuple[Any, ...]:
    accum = accum + grad * grad
    rate = lr / c.xp.sqrt(accum)
    return _shrunk(c.xp, var - grad * rate, rate, l1, l2), accum


@rule("AdagradDA")
def adagrad_da(
    c: KernelContext,
    var: Any,
    gradient_accumulator: Any,
    gradient_squared_accumulator: Any,
    grad: Any,
    lr: Any,
    l1: Any,
    l2: Any,
    global_step: Any,
) -> tuple[Any, ...]:
    xp = c.xp
    total = gradient_accumulator + grad
    squares = gradient_squared_accumulator + grad * grad
    step = xp.asarray(global_step).astype(var.dtype)
    kept = xp.sign(total) * xp.maximum(xp.abs(total) - l1 * step, 0)
    return -lr * kept / (l2 * step * lr + xp.sqrt(squares)), total, squares


def _ftrl(
    c: KernelContext, var: Any, accum: Any, linear: Any, grad: Any, lr: Any, l1: Any, l2: Any, lr_power: Any,
    shrinkage: Any,
) -> tuple[Any, ...]:  # fmt: skip
    xp = c.xp
    new_accum = accum + grad * grad
    powered, before = xp.power(new_accum, -lr_power), xp.power(accum, -lr_power)
    pull = grad if shrinkage is None else grad + 2 * shrinkage * var
    if c.attrs["multiply_linear_by_lr"]:
        linear = linear + pull * lr - (powered - before) * var
        l1, scale = l1 * lr, powered + 2 * l2 * lr
    else:
        linear = linear + pull - (powered - before) / lr * var
        scale = powered / lr + 2 * l2
    shrunk = (l1 * xp.sign(linear) - linear) / scale
    return xp.where(xp.abs(linear) > l1, shrunk, xp.zeros_like(shrunk)), new_accum, linear


@rule("Ftrl")
def ftrl(
    c: KernelContext, var: Any, accum: Any, linear: Any, grad: Any, lr: Any, l1: Any, l2: Any, lr_power: Any
) -> tuple[Any, ...]:
    return _ftrl(c, var, accum, linear, grad, lr, l1, l2, lr_power, None)


@rule("FtrlV2")
def ftrl_v2(
    c: KernelContext, var: Any, accum: Any, linear: Any, grad: Any, lr: Any, l1: Any, l2: Any,
    l2_shrinkage: Any, lr_power: Any,
) -> tuple[Any, ...]:  # fmt: skip
    return _ftrl(c, var, accum, linear, grad, lr, l1, l2, lr_power, l2_shrinkage)


@rule("Momentum")
def momentum(c: KernelContext, var: Any, accum: Any, lr: Any, grad: Any, momentum: Any) -> tuple[Any, ...]:
    accum = accum * momentum + grad
    if c.attrs["use_nesterov"]:
        return var - (grad * lr + accum * momentum * lr), accum
    return var - accum * lr, accum


@rule("KerasMomentum")
def keras_momentum(
    c: KernelContext, var: Any, accum: Any, lr: Any, grad: Any, momentum: Any
) -> tuple[Any, ...]:
    accum = accum * momentum - grad * lr
    if c.attrs["use_nesterov"]:
        return var + accum * momentum - grad * lr, accum
    return var + accum, accum


@rule("Adam")
def adam(
    c: KernelContext, var: Any, m: Any, v: Any, beta1_power: Any, beta2_power: Any, lr: Any, beta1: Any,
    beta2: Any, epsilon: Any, grad: Any,
) -> tuple[Any, ...]:  # fmt: skip
    sqrt = c.xp.sqrt
    alpha = lr * sqrt(1 - beta2_power) / (1 - beta1_power)
    m = m + (grad - m) * (1 - beta1)
    v = v + (grad * grad - v) * (1 - beta2)
    ahead = grad * (1 - beta1) + beta1 * m if c.attrs["use_nesterov"] else m
    return var - ahead * alpha / (sqrt(v) + epsilon), m, v


@rule("AdamWithAmsgrad")
def adam_with_amsgrad(
    c: KernelContext, var: Any, m: Any, v: Any, vhat: Any, beta1_power: Any, beta2_power: Any, lr: Any,
    beta1: Any, beta2: Any, epsilon: Any, grad: Any,
) -> tuple[Any, ...]:  # fmt: skip
    sqrt = c.xp.sqrt
    alpha = lr * sqrt(1 - beta2_power) / (1 - beta1_power)
    m = m + (grad - m) * (1 - beta1)
    v = v + (grad * grad - v) * (1 - beta2)
    vhat = c.xp.maximum(vhat, v)
    return var - m * alpha / (sqrt(vhat) + epsilon), m, v, vhat


@rule("AdaMax")
def ada_max(
    c: KernelContext, var: Any, m: Any, v: Any, beta1_power: Any, lr: Any, beta1: Any, beta2: Any,
    epsilon: Any, grad: Any,
) -> tuple[Any, ...]:  # fmt: skip
    m = m + (grad - m) * (1 - beta1)
    v = c.xp.maximum(beta2 * v, c.xp.abs(grad))
    return var - lr / (1 - beta1_power) * (m / (v + epsilon)), m, v


@rule("RMSProp")
def rms_prop(
    c: KernelContext, var: Any, ms: Any, mom: Any, lr: Any, rho: Any, momentum: Any, epsilon: Any, grad: Any
) -> tuple[Any, ...]:
    ms = ms + (grad * grad - ms) * (1 - rho)
    mom = mom * momentum + grad * lr / c.xp.sqrt(ms + epsilon)
    return var - mom, ms, mom


@rule("CenteredRMSProp")
def centered_rms_prop(
    c: KernelContext, var: Any, mg: Any, ms: Any, mom: Any, lr: Any, rho: Any, momentum: Any, epsilon: Any,
    grad: Any,
) -> tuple[Any, ...]:  # fmt: skip
    ms = ms + (grad * grad - ms) * (1 - rho)
    mg = mg + (grad - mg) * (1 - rho)
    mom = mom * momentum + grad * lr / c.xp.sqrt(ms - mg * mg + epsilon)
    return var - mom, mg, ms, mom


@rule("AddSign")
def add_sign(
    c: KernelContext, var: Any, m: Any, lr: Any, alpha: Any, sign_decay: Any, beta: Any, grad: Any
) -> tuple[Any, ...]:
    m = m * beta + grad * (1 - beta)
    agreement = c.xp.sign(grad) * c.xp.sign(m)
    return var - lr * (alpha + sign_decay * agreement) * grad, m


@rule("PowerSign")
def power_sign(
    c: KernelContext, var: Any, m: Any, lr: Any, logbase: Any, sign_decay: Any, beta: Any, grad: Any
) -> tuple[Any, ...]:
    m = m * beta + grad * (1 - beta)
    agreement = c.xp.sign(grad) * c.xp.sign(m)
    return var - lr * c.xp.exp(logbase * sign_decay * agreement) * grad, m


class SparseUpdate:
    """A rule for the rows of its variables that indices name.

    Args:
        op_type: the sparse op.
        slots: names of the variables.
        order: names of the dense rule's arguments.
        update: the rule.
    """

    def __init__(self, op_type: str, slots: Sequence[str], order: Sequence[str], update: Rule) -> None:
        self.op_type = op_type
        self.slots = slots
        self.order = ["grad" if n == "delta" else n for n in order]
        self.update = update
        self.given = [a.name for a in get_op(op_type).inputs]

    def named(self, inputs: Sequence[Any]) -> dict[str, Any]:
        """The op's inputs by name."""
        return dict(zip(self.given, inputs, strict=True))

    def step(
        self, c: KernelContext, values: dict[str, Any], old: Sequence[Any], indices: Any, grad: Any
    ) -> Any:
        """The variables, which nobody else holds, with the rows `indices`, which must differ, changed by `grad`."""
        rows = {s: take(c, o, indices, 0) for s, o in zip(self.slots, old, strict=True)}
        rows["grad"] = grad
        new = self.update(c, *(rows[n] if n in rows else values[n] for n in self.order))
        return [scattered(c, o, (indices,), n, "update", fresh=True) for o, n in zip(old, new, strict=True)]

    def result(self, new: Sequence[Any]) -> Any:
        return tuple(new) if len(new) > 1 else new[0]

    def __call__(self, c: KernelContext, *inputs: Any) -> Any:
        values = self.named(inputs)
        check_range(c, values["indices"], values["var"].shape[0])
        return self.result(self.changed(c, values, [values[s].copy() for s in self.slots]))

    def changed(self, c: KernelContext, values: dict[str, Any], own: Sequence[Any]) -> Sequence[Any]:
        """The variables in `own`, which nobody else holds, changed by the op's other inputs."""
        indices, grad = values["indices"], values["grad"]
        for chosen in _rounds(c, indices):
            own = self.step(c, values, own, indices[chosen], grad[chosen])
        return own


def _rounds(c: KernelContext, indices: Any) -> list[Any]:
    """Positions of the indices in rounds in which no index comes twice; the rows of a round change together."""
    order = stable_order(c, indices)
    ordered = indices[order]
    if not bool((ordered[1:] == ordered[:-1]).any()):
        return [slice(None)]
    nth = occurrence(c, indices)
    return [c.xp.nonzero(nth == i)[0] for i in range(int(nth.max()) + 1)]


def occurrence(c: KernelContext, indices: Any) -> Any:
    """How many equal ones come before each index."""
    xp = c.xp
    order = stable_order(c, indices)
    ordered = indices[order]
    first = xp.searchsorted(ordered, ordered, side="left")
    places = xp.arange(len(indices)) - first
    return scattered(c, xp.zeros(len(indices), places.dtype), (order,), places, "update", fresh=True)


SPARSE_UPDATES: list[SparseUpdate] = []

_DENSE_ONLY = frozenset(("GradientDescent", "Adam", "AdamWithAmsgrad", "AdaMax", "AddSign", "PowerSign"))


def _register(name: str, update: Rule) -> None:
    """Kernels of the dense and, where there is one, the sparse op of a rule."""
    slots, dense = RULES[name]

    @kernel(f"ResourceApply{name}")
    def apply(c: KernelContext, *inputs: Any) -> Any:
        new = update(c, *inputs)
        return new if len(new) > 1 else new[0]

    if name in _DENSE_ONLY:
        return
    sparse = SparseUpdate(f"ResourceSparseApply{name}", slots, [*slots, *dense.split()], update)
    SPARSE_UPDATES.append(sparse)
    kernel(sparse.op_type)(sparse)


for _name, _update in _RULES.items():
    _register(_name, _update)
