"""Optimizers that scale steps by the squared gradients seen so far: Adagrad, Adadelta, and relatives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.default_graph import get_default_graph
from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..initializers import Constant
from ..variables import Variable
from .optimizer import Optimizer

__all__ = ["AdadeltaOptimizer", "AdagradDAOptimizer", "AdagradOptimizer", "ProximalAdagradOptimizer"]


class AdagradOptimizer(Optimizer):
    """Steps divided by the root of the sum of squared gradients.

    Args:
        learning_rate: a number, tensor, or function without arguments.
        initial_accumulator_value: positive start of the sum.
        use_locking: accepted for TensorFlow's sake.
        name: name of the update operation and of the slots.

    Source:
        Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning", 2011.
    """

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        use_locking: bool = False,
        name: str = "Adagrad",
    ) -> None:
        if initial_accumulator_value <= 0.0:
            raise ValueError(f"initial_accumulator_value must be positive, got {initial_accumulator_value}.")
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial = initial_accumulator_value

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:
            self._initialized_slot(var, Constant(self._initial), "accumulator", self._name)

    def _prepare(self) -> None:
        self._set_number("learning_rate", self._learning_rate)

    def _args(self, var: Variable) -> list[Any]:
        slot = self.get_slot(var, "accumulator")
        assert slot is not None
        return [var.handle, slot.handle, self._number("learning_rate", var)]

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        return get_op("ResourceApplyAdagrad")(*self._args(handle), grad)

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor) -> Any:
        return get_op("ResourceSparseApplyAdagrad")(*self._args(handle), grad, indices)


class ProximalAdagradOptimizer(AdagradOptimizer):
    """Adagrad followed by shrinkage towards zero.

    Args:
        learning_rate, initial_accumulator_value, use_locking, name: as for `AdagradOptimizer`.
        l1_regularization_strength, l2_regularization_strength: weights of the penalties, zero or positive.

    Source:
        Duchi and Singer, "Efficient Online and Batch Learning Using Forward Backward Splitting", 2009.
    """

    def __init__(
        self,
        learning_rate: Any,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "ProximalAdagrad",
    ) -> None:
        super().__init__(learning_rate, initial_accumulator_value, use_locking, name)
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength

    def _prepare(self) -> None:
        super()._prepare()
        self._set_number("l1_regularization_strength", self._l1)
        self._set_number("l2_regularization_strength", self._l2)

    def _args(self, var: Variable) -> list[Any]:
        names = ("l1_regularization_strength", "l2_regularization_strength")
        return [*super()._args(var), *(self._number(n, var) for n in names)]

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        return get_op("ResourceApplyProximalAdagrad")(*self._args(handle), grad)

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor) -> Any:
        return get_op("ResourceSparseApplyProximalAdagrad")(*self._args(handle), grad, indices)


class AdagradDAOptimizer(Optimizer):
    """Adagrad with dual averaging: suited to linear models that are to become sparse.

    Args:
        learning_rate: a number, tensor, or function without arguments.
        global_step: the step count, a variable; counted up by whoever trains.
        initial_gradient_squared_accumulator_value: positive start of the sum of squared gradients.
        l1_regularization_strength, l2_regularization_strength: weights of the penalties, zero or positive.
        use_locking: accepted for TensorFlow's sake.
        name: name of the update operation and of the slots.

    Source:
        Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning", 2011.
    """

    def __init__(
        self,
        learning_rate: Any,
        global_step: Any,
        initial_gradient_squared_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "AdagradDA",
    ) -> None:
        if initial_gradient_squared_accumulator_value <= 0.0:
            raise ValueError(
                "initial_gradient_squared_accumulator_value must be positive, "
                f"got {initial_gradient_squared_accumulator_value}."
            )
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._initial = initial_gradient_squared_accumulator_value
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength
        self._global_step = global_step

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:
            self._zeros_slot(var, "gradient_accumulator", self._name)
            self._initialized_slot(var, Constant(self._initial), "gradient_squared_accumulator", self._name)

    def _prepare(self) -> None:
        self._set_number("learning_rate", self._learning_rate)
        self._set_number("l1_regularization_strength", self._l1)
        self._set_number("l2_regularization_strength", self._l2)

    def _slot_handles(self, var: Variable) -> list[Tensor]:
        slots = [self.get_slot(var, n) for n in ("gradient_accumulator", "gradient_squared_accumulator")]
        return [var.handle, *(s.handle for s in slots if s is not None)]

    def _tail(self, var: Variable) -> list[Any]:
        names = ("learning_rate", "l1_regularization_strength", "l2_regularization_strength")
        with get_default_graph().device(None):
            step = get_op("Cast")(self._global_step, DstT="int64")
        return [*(self._number(n, var) for n in names), get_op("AddV2")(step, 1)]

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        return get_op("ResourceApplyAdagradDA")(*self._slot_handles(handle), grad, *self._tail(handle))

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor) -> Any:
        return get_op("ResourceSparseApplyAdagradDA")(
            *self._slot_handles(handle), grad, indices, *self._tail(handle)
        )


class AdadeltaOptimizer(Optimizer):
    """Steps in the ratio of running sizes of past steps and of gradients.

    Args:
        learning_rate: factor on the step; the paper's form has 1.0.
        rho: decay rate of both running sizes.
        epsilon: conditions the division.
        use_locking: accepted for TensorFlow's sake.
        name: name of the update operation and of the slots.

    Source:
        Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012.
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: Any = 0.95,
        epsilon: Any = 1e-8,
        use_locking: bool = False,
        name: str = "Adadelta",
    ) -> None:
        super().__init__(use_locking, name)
        self._lr = learning_rate
        self._rho = rho
        self._epsilon = epsilon

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:
            self._zeros_slot(var, "accum", self._name)
            self._zeros_slot(var, "accum_update", self._name)

    def _prepare(self) -> None:
        self._set_number("lr", self._lr)
        self._set_number("rho", self._rho)
        self._set_number("epsilon", self._epsilon)

    def _args(self, var: Variable) -> list[Any]:
        slots = [self.get_slot(var, n) for n in ("accum", "accum_update")]
        handles = [var.handle, *(s.handle for s in slots if s is not None)]
        return [*handles, *(self._number(n, var) for n in ("lr", "rho", "epsilon"))]

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        return get_op("ResourceApplyAdadelta")(*self._args(handle), grad)

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor) -> Any:
        return get_op("ResourceSparseApplyAdadelta")(*self._args(handle), grad, indices)
