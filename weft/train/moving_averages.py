"""Moving averages of variables, kept in variables of their own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..graph.convert import convert_to_tensor
from ..graph.default_graph import get_default_graph, name_scope
from ..graph.dtypes import bfloat16, float16, float32, float64
from ..graph.elements import Operation, Tensor
from ..graph.graph_keys import GraphKeys
from ..graph.opdef import get_op
from ..initializers import Zeros
from ..variable_functions import moving_average_variables, trainable_variables
from ..variable_scope import variable_scope
from ..variables import Variable
from .optimizer import group_ops

__all__ = ["ExponentialMovingAverage", "assign_moving_average"]

_TYPES = (float16, bfloat16, float32, float64)


def assign_moving_average(
    variable: Any, value: Any, decay: Any, zero_debias: bool = True, name: str | None = None
) -> Any:
    """Moves a variable towards a value: `variable = decay * variable + (1 - decay) * value`.

    Args:
        variable: the average.
        value: what is averaged, of the variable's shape.
        decay: share of the old average that is kept.
        zero_debias: takes it that the variable starts at zero, and corrects for that in the first steps.
        name: name scope of the ops.

    Returns:
        The variable's new value.

    Source:
        The correction: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2014.
    """
    graph = get_default_graph()
    with name_scope(name, "AssignMovingAvg"):
        with graph.colocate_with(variable.op):
            keep = 1.0 - convert_to_tensor(decay, name="decay")
            if keep.dtype is not variable.dtype:
                keep = get_op("Cast")(keep, DstT=variable.dtype)
            value = convert_to_tensor(value, variable.dtype)
            if zero_debias:
                delta = _debiased_delta(variable, value, keep)
            else:
                delta = (variable.value() - value) * keep
            write = variable.assign_sub(delta, read_value=False)
        with graph.control_dependencies([write]):
            return variable.read_value()


def _debiased_delta(variable: Any, value: Tensor, keep: Tensor) -> Tensor:
    """What to subtract from the average, with its start at zero corrected for."""
    graph = get_default_graph()
    with variable_scope(f"{variable.op.name}", auxiliary_name_scope=False) as scope:
        prefix = scope.name
    with graph.name_scope(None), graph.colocate_with(variable.op):
        shape = list(variable.shape.known())
        biased = Variable(lambda: Zeros()(shape, variable.dtype), trainable=False, name=f"{prefix}/biased")
        steps = Variable(lambda: Zeros()([], variable.dtype), trainable=False, name=f"{prefix}/local_step")
    new_biased = biased.assign_sub((biased.value() - value) * keep)
    count = steps.assign_add(1.0)
    return variable.value() - new_biased / (1.0 - get_op("Pow")(1.0 - keep, count))


class ExponentialMovingAverage:
    """Keeps averages of variables in which older values count ever less.

    Args:
        decay: share of the old average that each `apply` keeps; close to one.
        num_updates: step count; at the beginning the decay is no more than `(1 + steps) / (10 + steps)`, so that
            averages move faster.
        zero_debias: starts averages of tensors unbiased by their start at zero.
        name: name of the averages' variables.
    """

    def __init__(
        self,
        decay: Any,
        num_updates: Any = None,
        zero_debias: bool = False,
        name: str = "ExponentialMovingAverage",
    ) -> None:
        self._decay = decay
        self._num_updates = num_updates
        self._zero_debias = zero_debias
        self._name = name
        self._averages: dict[Any, Variable] = {}

    @property
    def name(self) -> str:
        return self._name

    def apply(self, var_list: Iterable[Any] | None = None) -> Operation:
        """An operation that updates the averages.

        Args:
            var_list: variables or tensors of floating type; the trainable variables by default.

        Raises:
            TypeError: one is not of a floating type.
        """
        listed = trainable_variables() if var_list is None else list(var_list)
        graph = get_default_graph()
        for var in listed:
            if var.dtype not in _TYPES:
                raise TypeError(f"Cannot average {var.name}: it is {var.dtype.name}, not floating.")
            if var not in self._averages:
                self._averages[var] = self._make(var)
        with graph.name_scope(self._name) as scope:
            decay = self._current_decay()
            updates = []
            for var in listed:
                debias = self._zero_debias and not isinstance(var, Variable)
                updates.append(assign_moving_average(self._averages[var], var, decay, debias))
            return group_ops(updates, scope)

    def _make(self, var: Any) -> Variable:
        graph = get_default_graph()
        with variable_scope(None, f"{var.op.name}/{self._name}") as scope:
            name = scope.name
        with graph.name_scope(None), graph.colocate_with(var.op), graph.control_dependencies(None):
            if isinstance(var, Variable):
                average = Variable(var.initialized_value(), trainable=False, name=f"{name}/")
                graph.add_to_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, var)
            else:
                shape = list(var.shape.known())
                average = Variable(lambda: Zeros()(shape, var.dtype), trainable=False, name=f"{name}/")
        return average

    def _current_decay(self) -> Tensor:
        decay = convert_to_tensor(self._decay, name="decay")
        if self._num_updates is None:
            return decay
        steps = get_op("Cast")(convert_to_tensor(self._num_updates), DstT=decay.dtype)
        return get_op("Minimum")(decay, (1.0 + steps) / (10.0 + steps))  # type: ignore[no-any-return]

    def average(self, var: Any) -> Variable | None:
        """The variable that holds the average of `var`; None where none is kept."""
        return self._averages.get(var)

    def average_name(self, var: Any) -> str:
        """The name of the average of `var`, whether or not one is kept already."""
        kept = self._averages.get(var)
        return kept.op.name if kept is not None else f"{var.op.name}/{self._name}"

    def variables_to_restore(self, moving_avg_variables: Iterable[Any] | None = None) -> dict[str, Any]:
        """A map from names in a checkpoint to variables that puts the averages in the variables' places.

        Args:
            moving_avg_variables: variables that have averages in the checkpoint; by default those that averages
                were ever kept of, and the trainable ones.

        Returns:
            All global variables; those with an average by the average's name. For `Saver(var_list=...)`.
        """
        if moving_avg_variables is None:
            moving = {*trainable_variables(), *moving_average_variables()}
        else:
            moving = set(moving_avg_variables)
        found = {self.average_name(v): v for v in sorted(moving, key=lambda v: v.name)}
        for var in get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES):
            if var not in moving and var.op.name not in found:
                found[var.op.name] = var
        return found
