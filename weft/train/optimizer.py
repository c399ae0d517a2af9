"""What all optimizers share: gradients, slots, and the operation that applies the updates."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..graph.convert import convert_to_tensor
from ..graph.default_graph import get_default_graph
from ..graph.dtypes import bfloat16, complex64, complex128, float16, float32, float64
from ..graph.elements import Operation, Tensor
from ..graph.gradients import gradients
from ..graph.graph_keys import GraphKeys
from ..graph.indexed_slices import IndexedSlices
from ..graph.opdef import get_op
from ..initializers import Zeros
from ..partitioned_variables import PartitionedVariable
from ..variable_functions import trainable_variables
from ..variable_scope import variable_scope
from ..variables import Variable

__all__ = ["Optimizer", "deduplicate", "group_ops"]

Gradient = Tensor | IndexedSlices
GradientsAndVariables = Sequence[tuple[Gradient | None, Variable]]

_TYPES = (float16, bfloat16, float32, float64, complex64, complex128)


def group_ops(operations: Iterable[Operation | Tensor], name: str | None) -> Operation:
    """An operation that runs after all the given ones."""
    with get_default_graph().control_dependencies(operations):
        return get_op("NoOp")(name=name)  # type: ignore[no-any-return]


def deduplicate(values: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
    """The rows of a sparse gradient with those of equal index summed, and the distinct indices."""
    unique, positions = get_op("Unique")(indices)
    count = get_op("GatherV2")(get_op("Shape")(unique), 0, 0)
    return get_op("UnsortedSegmentSum")(values, positions, count), unique


class Optimizer:
    """Base of the optimizers: computes gradients and applies them to variables.

    A subclass says which slots a variable has (`_create_slots`), prepares its numbers (`_prepare`), and updates one
    variable from a dense (`_resource_apply_dense`) or sparse (`_resource_apply_sparse`) gradient.

    Args:
        use_locking: accepted for TensorFlow's sake; updates are never torn.
        name: name of the update operation and, by default, of the slots.
        use_own_namescope_for_non_slot_vars: puts variables that belong to no other variable under `name`.
    """

    GATE_NONE = 0
    GATE_OP = 1
    GATE_GRAPH = 2

    def __init__(
        self, use_locking: bool, name: str, use_own_namescope_for_non_slot_vars: bool = False
    ) -> None:
        if not name:
            raise ValueError("An optimizer needs a name.")
        self._use_locking = use_locking
        self._name = name
        self._own_scope = use_own_namescope_for_non_slot_vars
        self._slots: dict[str, dict[Variable, Variable]] = {}
        self._non_slots: dict[tuple[str, Any], Variable] = {}
        self._numbers: dict[str, Tensor] = {}

    def get_name(self) -> str:
        return self._name

    def minimize(
        self,
        loss: Tensor,
        global_step: Variable | None = None,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        name: str | None = None,
        grad_loss: Tensor | None = None,
    ) -> Operation:
        """An operation that takes one step towards a smaller `loss`.

        Args:
            loss: what to minimize.
            global_step: a variable that is increased by one after the updates.
            var_list: variables to change; all trainable ones by default.
            gate_gradients, aggregation_method: accepted for TensorFlow's sake; results do not depend on them.
            colocate_gradients_with_ops: puts gradients on the devices of the ops that they belong to.
            name: name of the operation.
            grad_loss: gradient that comes in at `loss`; one by default.

        Raises:
            ValueError: `loss` depends on none of the variables.
        """
        pairs = self.compute_gradients(
            loss,
            var_list,
            gate_gradients,
            aggregation_method,
            colocate_gradients_with_ops,
            grad_loss,
        )
        if all(grad is None for grad, _ in pairs):
            raise ValueError(
                "No gradients provided for any variable: the loss "
                f"{getattr(loss, 'name', loss)} depends on none of {[v.name for _, v in pairs]}, "
                "or only through ops without a gradient."
            )
        return self.apply_gradients(pairs, global_step, name)

    def compute_gradients(
        self,
        loss: Tensor,
        var_list: Any = None,
        gate_gradients: int = GATE_OP,
        aggregation_method: int | None = None,
        colocate_gradients_with_ops: bool = False,
        grad_loss: Tensor | None = None,
    ) -> list[tuple[Any, Any]]:
        """The gradient of `loss` by each variable; arguments as for `minimize`.

        Returns:
            Pairs of gradient (a tensor, `IndexedSlices` or None) and variable.

        Raises:
            TypeError: the loss or a variable is not of a floating type, or what should be a variable is none.
            ValueError: there is no variable.
        """
        if callable(loss):
            loss = loss()
        if gate_gradients not in (self.GATE_NONE, self.GATE_OP, self.GATE_GRAPH):
            raise ValueError(
                f"gate_gradients must be GATE_NONE, GATE_OP or GATE_GRAPH, got {gate_gradients}."
            )
        self._check_types([loss, *([] if grad_loss is None else [grad_loss])])
        variables = trainable_variables() if var_list is None else _flattened(var_list)
        if not variables:
            raise ValueError("No variables to optimize: the graph has no trainable ones.")
        for variable in variables:
            if not isinstance(variable, (Variable, Tensor)):
                raise TypeError(f"An optimizer changes variables, got {variable!r}.")
        grads = gradients(
            loss,
            variables,
            grad_ys=grad_loss,
            gate_gradients=gate_gradients == self.GATE_OP,
            aggregation_method=aggregation_method,
            colocate_gradients_with_ops=colocate_gradients_with_ops,
        )
        pairs = list(zip(grads, variables, strict=True))
        self._check_types([v for g, v in pairs if g is not None])
        return pairs

    def apply_gradients(
        self,
        grads_and_vars: Iterable[tuple[Any, Any]],
        global_step: Variable | None = None,
        name: str | None = None,
    ) -> Operation:
        """An operation that updates variables from gradients.

        Args:
            grads_and_vars: pairs as `compute_gradients` gives them, perhaps with changed gradients.
            global_step: a variable that is increased by one after the updates.
            name: name of the operation.

        Raises:
            TypeError: a gradient is no tensor, or what should be a variable is none.
            ValueError: no pair has a gradient.
        """
        pairs = [(_checked_gradient(g, v), v) for g, v in grads_and_vars]
        updated = [(g, v) for g, v in pairs if g is not None]
        if not updated:
            raise ValueError(f"No gradients provided for any variable: {[str(v.name) for _, v in pairs]}.")
        graph = get_default_graph()
        with graph.control_dependencies(None):
            self._create_slots([v for _, v in updated])
        with graph.name_scope(name or self._name) as scope:
            self._prepare()
            updates = [self._update(grad, variable) for grad, variable in updated]
            if global_step is None:
                operation = self._finish(updates, scope)
            else:
                with graph.control_dependencies([self._finish(updates, "update")]):
                    operation = _count(global_step, scope)
        if operation not in graph.get_collection_ref(GraphKeys.TRAIN_OP):
            graph.add_to_collection(GraphKeys.TRAIN_OP, operation)
        return operation

    def _update(self, grad: Gradient, variable: Variable) -> Any:
        graph = get_default_graph()
        with graph.name_scope(f"update_{variable.op.name}"), graph.colocate_with(variable.op):
            update = self._apply(grad, variable)
            if variable.constraint is None:
                return update
            with graph.control_dependencies([update]):
                return variable.assign(variable.constraint(variable.value()), read_value=False)

    def _apply(self, grad: Gradient, variable: Variable) -> Any:
        if isinstance(grad, IndexedSlices):
            return self._resource_apply_sparse_duplicate_indices(grad.values, variable, grad.indices)
        return self._resource_apply_dense(grad, variable)

    def _create_slots(self, var_list: Sequence[Variable]) -> None:
        """Makes the slots of all the variables."""

    def _prepare(self) -> None:
        """Makes the tensors that all updates use."""

    def _resource_apply_dense(self, grad: Tensor, handle: Variable) -> Any:
        """An operation that updates a variable from a gradient of its shape."""
        return self._apply_dense(grad, handle)

    def _resource_apply_sparse(self, grad: Tensor, handle: Variable, indices: Tensor) -> Any:
        """An operation that updates the rows `indices`, all different, of a variable."""
        return self._apply_sparse(IndexedSlices(grad, indices), handle)

    def _resource_apply_sparse_duplicate_indices(
        self, grad: Tensor, handle: Variable, indices: Tensor
    ) -> Any:
        """An operation that updates the rows `indices`, where one may come several times."""
        values, unique = deduplicate(grad, indices)
        return self._resource_apply_sparse(values, handle, unique)

    def _apply_dense(self, grad: Tensor, var: Variable) -> Any:
        raise TypeError(f"{type(self).__name__} does not say how to apply a gradient.")

    def _apply_sparse(self, grad: IndexedSlices, var: Variable) -> Any:
        raise TypeError(f"{type(self).__name__} does not say how to apply a sparse gradient to {var.name}.")

    def _finish(self, update_ops: Sequence[Any], name_scope: str) -> Operation:
        """The operation that runs all updates."""
        return group_ops(update_ops, name_scope)

    def get_slot(self, var: Variable, name: str) -> Variable | None:
        """The slot of that name that goes with a variable, or None."""
        return self._slots.get(name, {}).get(var)

    def get_slot_names(self) -> list[str]:
        """The names of the slots, in alphabetical order."""
        return sorted(self._slots)

    def variables(self) -> list[Variable]:
        """All variables that the optimizer has made in the default graph."""
        graph = get_default_graph()
        slots = [s for by_var in self._slots.values() for s in by_var.values() if s.graph is graph]
        others = [v for (_, owner), v in self._non_slots.items() if owner is graph]
        return sorted([*others, *slots], key=lambda v: v.name)

    def _zeros_slot(self, var: Variable, slot_name: str, op_name: str) -> Variable:
        """The slot of a variable; made of zeros where it is not there."""
        return self._initialized_slot(var, Zeros(), slot_name, op_name)

    def _initialized_slot(
        self, var: Variable, initializer: Callable[..., Tensor], slot_name: str, op_name: str
    ) -> Variable:
        """The slot of a variable; made by an initializer where it is not there."""
        slots = self._slots.setdefault(slot_name, {})
        if var not in slots:
            slots[var] = _make_slot(var, initializer, op_name)
        return slots[var]

    def _create_non_slot_variable(self, initial_value: Any, name: str, colocate_with: Variable) -> Variable:
        """A variable that belongs to the optimizer as a whole; made where it is not there."""
        graph = colocate_with.graph
        found = self._non_slots.get((name, graph))
        if found is None:
            with contextlib.ExitStack() as stack:
                if self._own_scope:
                    stack.enter_context(graph.name_scope(self._name))
                stack.enter_context(graph.colocate_with(colocate_with.op))
                found = Variable(initial_value, name=name, trainable=False)
            self._non_slots[name, graph] = found
        return found

    def _get_non_slot_variable(self, name: str, graph: Any = None) -> Variable:
        return self._non_slots[name, graph or get_default_graph()]

    def _set_number(self, name: str, value: Any) -> Tensor:
        """Makes the tensor of a number (a rate, a decay) that the updates use."""
        self._numbers[name] = convert_to_tensor(value() if callable(value) else value, name=name)
        return self._numbers[name]

    def _number(self, name: str, var: Variable) -> Tensor:
        """A number in the element type of a variable."""
        number = self._numbers[name]
        if number.dtype is var.dtype:
            return number
        return get_op("Cast")(number, DstT=var.dtype)  # type: ignore[no-any-return]

    def _check_types(self, tensors: Iterable[Any]) -> None:
        for tensor in tensors:
            found = convert_to_tensor(tensor) if not hasattr(tensor, "dtype") else tensor
            if found.dtype not in _TYPES:
                raise ValueError(f"Cannot optimize {found.name}: it is {found.dtype.name}, not floating.")


def _flattened(var_list: Any) -> list[Any]:
    if isinstance(var_list, (list, tuple, set, PartitionedVariable)):
        return [v for item in var_list for v in _flattened(item)]
    if isinstance(var_list, dict):
        return [v for item in var_list.values() for v in _flattened(item)]
    return [var_list]


def _checked_gradient(grad: Any, variable: Any) -> Gradient | None:
    if not isinstance(variable, Variable):
        raise TypeError(f"A gradient can be applied to a variable only, got {variable!r}.")
    if grad is None or isinstance(grad, IndexedSlices):
        return grad
    try:
        return convert_to_tensor(grad)
    except (TypeError, ValueError) as error:
        raise TypeError(f"The gradient of {variable.name} must be a tensor: {error}") from None


def _count(global_step: Variable, name: str) -> Operation:
    if not isinstance(global_step, Variable):
        raise TypeError(f"global_step must be a variable, got {global_step!r}.")
    with get_default_graph().colocate_with(global_step.op):
        one = convert_to_tensor(1, global_step.dtype, name="value")
        return get_op("AssignAddVariableOp")(global_step.handle, one, name=name)  # type: ignore[no-any-return]


def _make_slot(var: Variable, initializer: Callable[..., Tensor], op_name: str) -> Variable:
    """A variable of another's shape and type, named after it and living beside it."""
    graph = var.graph
    with variable_scope(None, f"{var.op.name}/{op_name}") as scope:
        name = scope.name
    shape = var.shape
    with graph.name_scope(None), graph.colocate_with(var.op):
        slot = Variable(lambda: initializer(list(shape.known()), var.dtype), trainable=False, name=f"{name}/")
    info = var._get_save_slice_info()
    if info is not None:
        full = f"{info.full_name}/{name.rpartition('/')[2]}"
        slot._set_save_slice_info(
            Variable.SaveSliceInfo(full, info.full_shape, info.var_offset, info.var_shape)
        )
    return slot
