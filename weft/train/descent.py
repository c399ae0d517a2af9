"""Gradient descent, with momentum, and with regularization by shrinkage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..variables import Variable
from .optimizer import Optimizer

__all__ = ["GradientDescentOptimizer", "MomentumOptimizer", "ProximalGradientDescentOptimizer"]


class GradientDescentOptimizer(Optimizer):
    """`variable -= learning_rate * gradient`.

    Args:
        learning_rate: a number, tensor, or function without arguments that gives one.
        use_locking: accepted for TensorFlow's sake.
        name: name of the update operation.
    """

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent") -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate

    def _prepare(self) -> None:
        self._set_number("learning_rate", self._learning_rate)

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        return get_op("ResourceApplyGradientDescent")(
            handle.handle, self._number("learning_rate", handle), grad, use_locking=self._use_locking
        )

    def _resource_apply_sparse_duplicate_indices(
        self, grad: Tensor, handle: Variable, indices: Tensor
    ) -> Any:
        delta = get_op("Mul")(grad, self._number("learning_rate", handle))
        return get_op("ResourceScatterSub")(handle.handle, indices, delta)


class ProximalGradientDescentOptimizer(Optimizer):
    """Gradient descent followed by shrinkage towards zero.

    Args:
        learning_rate: a number, tensor, or function without arguments that gives one.
        l1_regularization_strength, l2_regularization_strength: weights of the penalties, zero or positive.
        use_locking: accepted for TensorFlow's sake.
        name: name of the update operation.

    Source:
        Duchi and Singer, "Efficient Online and Batch Learning Using Forward Backward Splitting", 2009.
    """

    def __init__(
        self,
        learning_rate: Any,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "ProximalGradientDescent",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength

    def _prepare(self) -> None:
        self._set_number("learning_rate", self._learning_rate)
        self._set_number("l1_regularization_strength", self._l1)
        self._set_number("l2_regularization_strength", self._l2)

    def _args(self, var: Variable) -> list[Tensor]:
        names = ("learning_rate", "l1_regularization_strength", "l2_regularization_strength")
        return [var.handle, *(self._number(n, var) for n in names)]

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        return get_op("ResourceApplyProximalGradientDescent")(*self._args(handle), grad)

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor) -> Any:
        return get_op("ResourceSparseApplyProximalGradientDescent")(*self._args(handle), grad, indices)


class MomentumOptimizer(Optimizer):
    """Gradient descent along an accumulated gradient.

    `accumulation = momentum * accumulation + gradient; variable -= learning_rate * accumulation`.

    Args:
        learning_rate, momentum: numbers, tensors, or functions without arguments that give them.
        use_locking: accepted for TensorFlow's sake.
        name: name of the update operation and of the slots.
        use_nesterov: looks ahead by one step of the momentum.

    Source:
        Sutskever et al., "On the importance of initialization and momentum in deep learning", 2013.
    """

    def __init__(
        self,
        learning_rate: Any,
        momentum: Any,
        use_locking: bool = False,
        name: str = "Momentum",
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._momentum = momentum
        self._use_nesterov = use_nesterov

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:
            self._zeros_slot(var, "momentum", self._name)

    def _prepare(self) -> None:
        self._set_number("learning_rate", self._learning_rate)
        self._set_number("momentum", self._momentum)

    def _args(self, var: Variable) -> list[Any]:
        slot = self.get_slot(var, "momentum")
        assert slot is not None
        return [var.handle, slot.handle, self._number("learning_rate", var)]

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        return get_op("ResourceApplyMomentum")(
            *self._args(handle), grad, self._number("momentum", handle), use_nesterov=self._use_nesterov
        )

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor) -> Any:
        return get_op("ResourceSparseApplyMomentum")(
            *self._args(handle),
            grad,
            indices,
            self._number("momentum", handle),
            use_nesterov=self._use_nesterov,
        )
