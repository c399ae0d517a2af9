"""How a variable is changed: assignments and scatters, as methods that `Variable` inherits."""

from __future__ import annotations

import contextlib
from typing import Any

from .graph.convert import convert_to_tensor
from .graph.default_graph import get_default_graph
from .graph.dtypes import DType
from .graph.elements import Operation, Tensor
from .graph.indexed_slices import IndexedSlices
from .graph.opdef import get_op

__all__ = ["VariableUpdates", "beside"]


def beside(op: Operation) -> contextlib.AbstractContextManager[None]:
    """Puts the ops made inside on the device of `op`; in a function body, where `op` is not, anywhere."""
    graph = get_default_graph()
    if graph is not op.graph:
        return contextlib.nullcontext()
    return graph.colocate_with(op, ignore_existing=True)


class VariableUpdates:
    """Methods that write a variable; each gives the variable's value afterwards."""

    _handle: Tensor
    name: str
    op: Operation
    dtype: DType

    def assign(
        self, value: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Sets the variable.

        Args:
            value: the new value, of the variable's shape.
            use_locking: accepted for TensorFlow's sake; updates are never torn.
            name: name of what is returned.
            read_value: whether to return the new value rather than the operation.
        """
        return self._update("AssignVariableOp", "Assign", name, read_value, value=self._own_value(value))

    def assign_add(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Adds `delta` to the variable; arguments and result as for `assign`."""
        return self._update(
            "AssignAddVariableOp", "AssignAdd", name, read_value, value=self._own_value(delta)
        )

    def assign_sub(
        self, delta: Any, use_locking: bool = False, name: str | None = None, read_value: bool = True
    ) -> Any:
        """Subtracts `delta` from the variable; arguments and result as for `assign`."""
        return self._update(
            "AssignSubVariableOp", "AssignSub", name, read_value, value=self._own_value(delta)
        )

    def _own_value(self, value: Any) -> Tensor:
        return convert_to_tensor(value, self.dtype, name="value")

    def _update(self, op_type: str, default: str, name: str | None, read: bool = True, **inputs: Any) -> Any:
        """Adds an op that writes the variable; gives its value afterwards, or the op."""
        graph = get_default_graph()
        with graph.name_scope(name or default) as scope:
            inputs = {
                k: v if isinstance(v, Tensor) else convert_to_tensor(v, name=k) for k, v in inputs.items()
            }
            with beside(self.op):
                if not read:
                    return get_op(op_type)(self._handle, **inputs, name=scope)
                write = get_op(op_type)(self._handle, **inputs, name="write")
                with graph.control_dependencies(None), graph.control_dependencies([write]):
                    return get_op("ReadVariableOp")(self._handle, dtype=self.dtype, name=scope)

    def count_up_to(self, limit: int) -> Tensor:
        """Adds one to the variable and gives the value from before.

        Raises:
            OutOfRangeError: when run, if that would take it above `limit`.
        """
        with beside(self.op):
            return get_op("ResourceCountUpTo")(self._handle, limit=limit, T=self.dtype)  # type: ignore[no-any-return]

    def _scatter(self, kind: str, delta: IndexedSlices, name: str | None) -> Any:
        if not isinstance(delta, IndexedSlices):
            raise TypeError(f"Variable {self.name}: scatter takes IndexedSlices, got {delta!r}.")
        updates = convert_to_tensor(delta.values, self.dtype)
        indices = convert_to_tensor(delta.indices)
        return self._update(
            f"ResourceScatter{kind}", f"Scatter{kind}", name, indices=indices, updates=updates
        )

    def scatter_add(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Adds rows to the rows of the variable that the indices name."""
        return self._scatter("Add", sparse_delta, name)

    def scatter_sub(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Subtracts rows from the rows of the variable that the indices name."""
        return self._scatter("Sub", sparse_delta, name)

    def scatter_mul(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Multiplies rows of the variable by the given rows."""
        return self._scatter("Mul", sparse_delta, name)

    def scatter_div(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Divides rows of the variable by the given rows."""
        return self._scatter("Div", sparse_delta, name)

    def scatter_min(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Sets rows of the variable to the smaller of each element and the given one."""
        return self._scatter("Min", sparse_delta, name)

    def scatter_max(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Sets rows of the variable to the larger of each element and the given one."""
        return self._scatter("Max", sparse_delta, name)

    def scatter_update(
        self, sparse_delta: IndexedSlices, use_locking: bool = False, name: str | None = None
    ) -> Any:
        """Replaces rows of the variable by the given rows."""
        return self._scatter("Update", sparse_delta, name)

    def _scatter_nd(self, kind: str, indices: Any, updates: Any, name: str | None) -> Any:
        return self._update(
            f"ResourceScatterNd{kind}",
            f"ScatterNd{kind}",
            name,
            indices=convert_to_tensor(indices),
            updates=self._own_value(updates),
        )

    def scatter_nd_add(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Adds to the slices at the index tuples in the last dimension of `indices`."""
        return self._scatter_nd("Add", indices, updates, name)

    def scatter_nd_sub(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Subtracts from the slices at the index tuples in the last dimension of `indices`."""
        return self._scatter_nd("Sub", indices, updates, name)

    def scatter_nd_update(self, indices: Any, updates: Any, name: str | None = None) -> Any:
        """Replaces the slices at the index tuples in the last dimension of `indices`."""
        return self._scatter_nd("Update", indices, updates, name)
