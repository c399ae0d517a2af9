"""Adam and its relatives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..graph.default_graph import get_default_graph
from ..graph.elements import Operation, Tensor
from ..graph.opdef import get_op
from ..variables import Variable
from .optimizer import Optimizer, group_ops

__all__ = ["AdamOptimizer", "AdamWOptimizer", "LAMBOptimizer"]


class AdamOptimizer(Optimizer):
    """Steps scaled by running estimates of the gradient's mean and uncentered variance.

    Args:
        learning_rate: step size; a number, tensor, or function without arguments.
        beta1, beta2: decay rates of the two estimates.
        epsilon: added to the root of the second estimate, before its correction for the first steps.
        use_locking: accepted for TensorFlow's sake.
        name: name of the update operation and of the slots.
        use_own_namescope_for_non_slot_vars: puts the powers of the decay rates under `name`.

    Source:
        Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2014.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adam",
        use_own_namescope_for_non_slot_vars: bool = False,
    ) -> None:
        super().__init__(use_locking, name, use_own_namescope_for_non_slot_vars)
        self._lr = learning_rate
        self._beta1 = beta1
        self._beta2 = beta2
        self._epsilon = epsilon

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        first = min(var_list, key=lambda v: v.name)
        for name, value in (("beta1_power", self._beta1), ("beta2_power", self._beta2)):
            self._create_non_slot_variable(value() if callable(value) else value, name, first)
        for var in var_list:
            self._zeros_slot(var, "m", self._name)
            self._zeros_slot(var, "v", self._name)

    def _prepare(self) -> None:
        self._set_number("learning_rate", self._lr)
        self._set_number("beta1", self._beta1)
        self._set_number("beta2", self._beta2)
        self._set_number("epsilon", self._epsilon)
        for name in ("beta1_power", "beta2_power"):
            self._numbers[name] = self._get_non_slot_variable(name).value()

    def _moments(self, var: Variable) -> tuple[Variable, Variable]:
        m, v = self.get_slot(var, "m"), self.get_slot(var, "v")
        assert m is not None and v is not None
        return m, v

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        m, v = self._moments(handle)
        names = ("beta1_power", "beta2_power", "learning_rate", "beta1", "beta2", "epsilon")
        numbers = [self._number(n, handle) for n in names]
        return get_op("ResourceApplyAdam")(handle.handle, m.handle, v.handle, *numbers, grad)

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor) -> Any:
        """All rows move, as the estimates of all of them decay; only those of `indices` get new gradient."""
        graph = get_default_graph()
        m, v = self._moments(handle)
        b1, b2 = self._number("beta1", handle), self._number("beta2", handle)
        power1, power2 = self._number("beta1_power", handle), self._number("beta2_power", handle)
        rate = self._number("learning_rate", handle) * get_op("Sqrt")(1.0 - power2) / (1.0 - power1)
        new_m = _decayed_with_rows(m, b1, grad * (1.0 - b1), indices)
        new_v = _decayed_with_rows(v, b2, grad * grad * (1.0 - b2), indices)
        delta = rate * new_m / (get_op("Sqrt")(new_v) + self._number("epsilon", handle))
        update = get_op("AssignSubVariableOp")(handle.handle, delta)
        with graph.control_dependencies([update]):
            return get_op("NoOp")()

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Operation:
        graph = get_default_graph()
        powers = []
        for beta in ("beta1", "beta2"):
            power = self._get_non_slot_variable(f"{beta}_power")
            with graph.colocate_with(power.op):
                new = get_op("Mul")(self._numbers[f"{beta}_power"], self._number(beta, power))
                powers.append(get_op("AssignVariableOp")(power.handle, new))
        return group_ops([*update_ops, *powers], name_scope)


def _decayed_with_rows(slot: Variable, decay: Tensor, rows: Tensor, indices: Tensor) -> Tensor:
    """The slot's value after it is multiplied by `decay` and `rows` are added to the rows `indices`."""
    graph = get_default_graph()
    write = get_op("AssignVariableOp")(slot.handle, slot.value() * decay)
    with graph.control_dependencies([write]):
        scatter = get_op("ResourceScatterAdd")(slot.handle, indices, rows)
    with graph.control_dependencies([scatter]):
        return slot.read_value()


class AdamWOptimizer(AdamOptimizer):
    """Adam with weight decay that does not go through the estimates.

    Args:
        weight_decay: share of each variable that a step takes away, not multiplied by the learning rate.
        learning_rate, beta1, beta2, epsilon, use_locking, name: as for `AdamOptimizer`.

    Source:
        Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2017.
    """

    def __init__(
        self,
        weight_decay: Any,
        learning_rate: Any = 0.001,
        beta1: Any = 0.9,
        beta2: Any = 0.999,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "AdamW",
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon, use_locking, name)
        self._weight_decay = weight_decay
        self._decayed: set[Variable] | None = None

    def minimize(self, loss: Tensor, *args: Any, decay_var_list: Any = None, **keywords: Any) -> Operation:
        """As `Optimizer.minimize`; `decay_var_list` are the variables that decay, all by default."""
        self._decayed = None if decay_var_list is None else set(decay_var_list)
        return super().minimize(loss, *args, **keywords)

    def apply_gradients(self, *args: Any, decay_var_list: Any = None, **keywords: Any) -> Operation:
        """As `Optimizer.apply_gradients`; `decay_var_list` are the variables that decay, all by default."""
        if decay_var_list is not None:
            self._decayed = set(decay_var_list)
        return super().apply_gradients(*args, **keywords)

    def _prepare(self) -> None:
        super()._prepare()
        self._set_number("weight_decay", self._weight_decay)

    def _decay(self, var: Variable) -> list[Any]:
        if self._decayed is not None and var not in self._decayed:
            return []
        amount = self._number("weight_decay", var) * var.value()
        return [get_op("AssignSubVariableOp")(var.handle, amount)]

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        with get_default_graph().control_dependencies(self._decay(handle)):
            return super()._resource_apply_dense(grad, handle)

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor) -> Any:
        with get_default_graph().control_dependencies(self._decay(handle)):
            return super()._resource_apply_sparse(grad, handle, indices)


class LAMBOptimizer(Optimizer):
    """Adam's step, scaled per variable to the norm of the variable; made for large batches.

    Args:
        learning_rate: step size; a number, tensor, or function without arguments.
        weight_decay_rate: share of the variable that is added to its step before scaling.
        beta_1, beta_2: decay rates of the estimates of the gradient's mean and uncentered variance.
        epsilon: added to the root of the second estimate.
        exclude_from_weight_decay: regular expressions of names of variables that do not decay.
        exclude_from_layer_adaptation: the same for variables whose step is not scaled; by default as above.
        name: name of the update operation and of the slots.

    Source:
        You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", 2019.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay_rate: float = 0.0,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-6,
        exclude_from_weight_decay: Sequence[str] | None = None,
        exclude_from_layer_adaptation: Sequence[str] | None = None,
        name: str = "LAMB",
    ) -> None:
        super().__init__(False, name)
        self._lr = learning_rate
        self._weight_decay_rate = weight_decay_rate
        self._beta1 = beta_1
        self._beta2 = beta_2
        self._epsilon = epsilon
        self._undecayed = list(exclude_from_weight_decay or ())
        self._unscaled = (
            self._undecayed if exclude_from_layer_adaptation is None else list(exclude_from_layer_adaptation)
        )

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        first = min(var_list, key=lambda v: v.name)
        self._create_non_slot_variable(self._beta1, "beta1_power", first)
        self._create_non_slot_variable(self._beta2, "beta2_power", first)
        for var in var_list:
            self._zeros_slot(var, "m", self._name)
            self._zeros_slot(var, "v", self._name)

    def _prepare(self) -> None:
        self._set_number("learning_rate", self._lr)
        for name in ("beta1_power", "beta2_power"):
            self._numbers[name] = self._get_non_slot_variable(name).value()

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        m, v = self.get_slot(handle, "m"), self.get_slot(handle, "v")
        assert m is not None and v is not None
        value = handle.value()
        new_m = m.value() * self._beta1 + grad * (1.0 - self._beta1)
        new_v = v.value() * self._beta2 + get_op("Square")(grad) * (1.0 - self._beta2)
        corrected_m = new_m / (1.0 - self._number("beta1_power", handle))
        corrected_v = new_v / (1.0 - self._number("beta2_power", handle))
        step = corrected_m / (get_op("Sqrt")(corrected_v) + self._epsilon)
        if self._weight_decay_rate and not _matches(handle, self._undecayed):
            step = step + value * self._weight_decay_rate
        rate = self._number("learning_rate", handle)
        if not _matches(handle, self._unscaled):
            rate = rate * _trust_ratio(value, step)
        writes = [
            get_op("AssignVariableOp")(m.handle, new_m),
            get_op("AssignVariableOp")(v.handle, new_v),
            get_op("AssignSubVariableOp")(handle.handle, rate * step),
        ]
        return group_ops(writes, None)

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor) -> Any:
        dense = get_op("UnsortedSegmentSum")(grad, indices, int(handle.shape[0]))
        return self._resource_apply_dense(dense, handle)

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Operation:
        powers = []
        for name, beta in (("beta1_power", self._beta1), ("beta2_power", self._beta2)):
            power = self._get_non_slot_variable(name)
            with get_default_graph().colocate_with(power.op):
                powers.append(get_op("AssignVariableOp")(power.handle, self._numbers[name] * beta))
        return group_ops([*update_ops, *powers], name_scope)


def _matches(var: Variable, patterns: Sequence[str]) -> bool:
    return any(re.search(pattern, var.op.name) for pattern in patterns)


def _trust_ratio(value: Tensor, step: Tensor) -> Tensor:
    """Norm of the variable over the norm of its step; one where either is zero."""
    size, length = _norm(value), _norm(step)
    ones = get_op("OnesLike")(size)
    usable = get_op("LogicalAnd")(get_op("Greater")(size, 0.0), get_op("Greater")(length, 0.0))
    ratio = get_op("RealDiv")(size, get_op("SelectV2")(usable, length, ones))
    return get_op("SelectV2")(usable, ratio, ones)  # type: ignore[no-any-return]


def _norm(x: Tensor) -> Tensor:
    axes = list(range(x.shape.rank or 0))
    return get_op("Sqrt")(get_op("Sum")(get_op("Square")(x), axes))  # type: ignore[no-any-return]
