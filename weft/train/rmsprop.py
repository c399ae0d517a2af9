"""RMSProp, and follow-the-regularized-leader."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..graph.elements import Tensor
from ..graph.opdef import get_op
from ..initializers import Constant, Ones
from ..variables import Variable
from .optimizer import Optimizer

__all__ = ["FtrlOptimizer", "RMSPropOptimizer"]


class RMSPropOptimizer(Optimizer):
    """Steps divided by the root of a running mean of squared gradients.

    Args:
        learning_rate: a number, tensor, or function without arguments.
        decay: decay rate of the running mean.
        momentum: share of the last step that is taken again.
        epsilon: added to the mean of squares.
        use_locking: accepted for TensorFlow's sake.
        centered: divides by the gradient's variance instead of its uncentered second moment.
        name: name of the update operation and of the slots.

    Source:
        Hinton and Tieleman, lecture 6.5 of "Neural Networks for Machine Learning", 2012.
    """

    def __init__(
        self,
        learning_rate: Any,
        decay: Any = 0.9,
        momentum: Any = 0.0,
        epsilon: Any = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        name: str = "RMSProp",
    ) -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate
        self._decay = decay
        self._momentum = momentum
        self._epsilon = epsilon
        self._centered = centered

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:
            self._initialized_slot(var, Ones(), "rms", self._name)
            if self._centered:
                self._zeros_slot(var, "mg", self._name)
            self._zeros_slot(var, "momentum", self._name)

    def _prepare(self) -> None:
        self._set_number("learning_rate", self._learning_rate)
        self._set_number("decay", self._decay)
        self._set_number("momentum", self._momentum)
        self._set_number("epsilon", self._epsilon)

    def _args(self, var: Variable) -> list[Any]:
        names = ("mg", "rms", "momentum") if self._centered else ("rms", "momentum")
        slots = [self.get_slot(var, n) for n in names]
        handles = [var.handle, *(s.handle for s in slots if s is not None)]
        numbers = ("learning_rate", "decay", "momentum", "epsilon")
        return [*handles, *(self._number(n, var) for n in numbers)]

    @property
    def _rule(self) -> str:
        return "CenteredRMSProp" if self._centered else "RMSProp"

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        return get_op(f"ResourceApply{self._rule}")(*self._args(handle), grad)

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor) -> Any:
        return get_op(f"ResourceSparseApply{self._rule}")(*self._args(handle), grad, indices)


class FtrlOptimizer(Optimizer):
    """Follow the regularized leader: for linear models that are to become sparse.

    Args:
        learning_rate: a number, tensor, or function without arguments.
        learning_rate_power: how the rate falls with the sum of squared gradients; zero or negative, -0.5 in the
            paper.
        initial_accumulator_value: start of the sum of squared gradients, zero or positive.
        l1_regularization_strength, l2_regularization_strength: weights of the penalties, zero or positive.
        use_locking: accepted for TensorFlow's sake.
        name: name of the update operation and of the slots.
        accum_name, linear_name: names of the slots, if others.
        l2_shrinkage_regularization_strength: a penalty on the size of the variable itself.
        beta: added to the root in the denominator, as the paper's beta.

    Raises:
        ValueError: a number has the wrong sign.

    Source:
        McMahan et al., "Ad Click Prediction: a View from the Trenches", 2013.
    """

    def __init__(
        self,
        learning_rate: Any,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        use_locking: bool = False,
        name: str = "Ftrl",
        accum_name: str | None = None,
        linear_name: str | None = None,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float | None = None,
    ) -> None:
        super().__init__(use_locking, name)
        for what, value in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
            ("-learning_rate_power", -learning_rate_power),
        ):
            if value < 0.0:
                raise ValueError(f"{what} must be zero or positive, got {value}.")
        self._learning_rate = learning_rate
        self._learning_rate_power = learning_rate_power
        self._initial = initial_accumulator_value
        self._l1 = l1_regularization_strength
        self._l2 = l2_regularization_strength
        self._beta = 0.0 if beta is None else beta
        self._accum_name = accum_name
        self._linear_name = linear_name
        self._shrinkage = l2_shrinkage_regularization_strength

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        for var in var_list:
            self._initialized_slot(var, Constant(self._initial), "accum", self._accum_name or self._name)
            self._zeros_slot(var, "linear", self._linear_name or self._name)

    def _prepare(self) -> None:
        rate = self._set_number("learning_rate", self._learning_rate)
        self._set_number("l1_regularization_strength", self._l1)
        # The kernel has no beta; in the update it stands beside l2 as beta / (2 * learning rate).
        l2 = self._l2 if not self._beta else self._l2 + self._beta / (2.0 * rate)
        self._set_number("l2_regularization_strength", l2)
        self._set_number("l2_shrinkage_regularization_strength", self._shrinkage)
        self._set_number("learning_rate_power", self._learning_rate_power)

    def _handles(self, var: Variable) -> list[Tensor]:
        slots = [self.get_slot(var, n) for n in ("accum", "linear")]
        return [var.handle, *(s.handle for s in slots if s is not None)]

    def _tail(self, var: Variable) -> list[Tensor]:
        names = ["learning_rate", "l1_regularization_strength", "l2_regularization_strength"]
        if self._shrinkage > 0:
            names.append("l2_shrinkage_regularization_strength")
        return [self._number(n, var) for n in (*names, "learning_rate_power")]

    @property
    def _rule(self) -> str:
        return "FtrlV2" if self._shrinkage > 0 else "Ftrl"

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        return get_op(f"ResourceApply{self._rule}")(*self._handles(handle), grad, *self._tail(handle))

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor) -> Any:
        return get_op(f"ResourceSparseApply{self._rule}")(
            *self._handles(handle), grad, indices, *self._tail(handle)
        )
