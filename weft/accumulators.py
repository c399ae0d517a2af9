"""Accumulators that live on devices, as objects: what synchronous training with several workers is made of."""

from __future__ import annotations

import contextlib
from typing import Any

from .graph.convert import convert_to_tensor
from .graph.default_graph import get_default_graph
from .graph.dtypes import DType, as_dtype, int32, int64
from .graph.elements import Operation, Tensor
from .graph.indexed_slices import IndexedSlices
from .graph.opdef import get_op
from .graph.shapes import TensorShape, as_shape

__all__ = ["ConditionalAccumulator", "ConditionalAccumulatorBase", "SparseConditionalAccumulator"]


class ConditionalAccumulatorBase:
    """What accumulators share.

    Args:
        dtype: element type of the gradients.
        shape: static shape of the gradients.
        accumulator_ref: the accumulator's handle.
    """

    _SET_STEP = "ResourceAccumulatorSetGlobalStep"
    _COUNT = "ResourceAccumulatorNumAccumulated"

    def __init__(self, dtype: Any, shape: Any, accumulator_ref: Tensor) -> None:
        self._dtype = as_dtype(dtype)
        self._shape = TensorShape(None) if shape is None else as_shape(shape)
        self._accumulator_ref = accumulator_ref

    @property
    def accumulator_ref(self) -> Tensor:
        """The resource tensor that names the accumulator."""
        return self._accumulator_ref

    @property
    def name(self) -> str:
        return self._accumulator_ref.op.name

    @property
    def dtype(self) -> DType:
        return self._dtype

    def _beside(self) -> contextlib.AbstractContextManager[None]:
        graph = get_default_graph()
        if graph is not self._accumulator_ref.graph:
            return contextlib.nullcontext()
        return graph.colocate_with(self._accumulator_ref.op, ignore_existing=True)

    def num_accumulated(self, name: str | None = None) -> Tensor:
        """How many gradients are in it, as an int32 scalar."""
        with self._beside():
            return get_op(self._COUNT)(self._accumulator_ref, name=name or f"{self.name}_NumAccumulated")  # type: ignore[no-any-return]

    def set_global_step(self, new_global_step: Any, name: str | None = None) -> Operation:
        """An operation that sets the step below which gradients are dropped.

        Args:
            new_global_step: int64 scalar.
            name: name of the operation.
        """
        step = _as_int64(new_global_step)
        with self._beside():
            return get_op(self._SET_STEP)(self._accumulator_ref, step, name=name)  # type: ignore[no-any-return]


class ConditionalAccumulator(ConditionalAccumulatorBase):
    """Adds up dense gradients of several workers; stale ones are dropped.

    Args:
        dtype: element type.
        shape: static shape; None for any.
        shared_name: name under which sessions share it, if another than `name`.
        name: name of the operation.
        reduction_type: "MEAN" or "SUM" of the gradients.
    """

    def __init__(
        self,
        dtype: Any,
        shape: Any = None,
        shared_name: str | None = None,
        name: str = "conditional_accumulator",
        reduction_type: str = "MEAN",
    ) -> None:
        known = TensorShape(None) if shape is None else as_shape(shape)
        handle = get_op("ResourceConditionalAccumulator")(
            dtype=as_dtype(dtype),
            shape=known,
            shared_name=shared_name or "",
            reduction_type=reduction_type,
            name=name,
        )
        super().__init__(dtype, known, handle)

    def apply_grad(self, grad: Any, local_step: Any = 0, name: str | None = None) -> Operation:
        """An operation that adds a gradient, unless `local_step` is below the accumulator's step.

        Args:
            grad: the gradient.
            local_step: the step that it was computed for.
            name: name of the operation.

        Raises:
            ValueError: the gradient's shape does not fit.
        """
        tensor = convert_to_tensor(grad, self._dtype)
        tensor.shape.assert_is_compatible_with(self._shape)
        step = _as_int64(local_step)
        with self._beside():
            return get_op("ResourceAccumulatorApplyGradient")(self._accumulator_ref, step, tensor, name=name)  # type: ignore[no-any-return]

    def take_grad(self, num_required: Any, name: str | None = None) -> Tensor:
        """Waits until there are so many gradients; their mean or sum. The accumulator starts again from none.

        Raises:
            InvalidArgumentError: when run, if `num_required` is not above zero.
        """
        required = convert_to_tensor(num_required, int32)
        with self._beside():
            made = get_op("ResourceAccumulatorTakeGradient")(
                self._accumulator_ref, required, dtype=self._dtype, name=name
            )
        made.set_shape(self._shape)
        return made  # type: ignore[no-any-return]


class SparseConditionalAccumulator(ConditionalAccumulatorBase):
    """Adds up sparse gradients of several workers, row by row; stale ones are dropped.

    Args:
        dtype, shape, shared_name, name, reduction_type: as for `ConditionalAccumulator`; the mean of a row is over the
            gradients that have it.
    """

    _SET_STEP = "AccumulatorSetGlobalStep"
    _COUNT = "AccumulatorNumAccumulated"

    def __init__(
        self,
        dtype: Any,
        shape: Any = None,
        shared_name: str | None = None,
        name: str = "sparse_conditional_accumulator",
        reduction_type: str = "MEAN",
    ) -> None:
        known = TensorShape(None) if shape is None else as_shape(shape)
        handle = get_op("SparseConditionalAccumulator")(
            dtype=as_dtype(dtype),
            shape=known,
            shared_name=shared_name or "",
            reduction_type=reduction_type,
            name=name,
        )
        super().__init__(dtype, known, handle)

    def apply_indexed_slices_grad(
        self, grad: IndexedSlices, local_step: Any = 0, name: str | None = None
    ) -> Operation:
        """An operation that adds a sparse gradient; see `apply_grad`."""
        return self.apply_grad(grad.indices, grad.values, grad.dense_shape, local_step, name)

    def apply_grad(
        self,
        grad_indices: Any,
        grad_values: Any,
        grad_shape: Any = None,
        local_step: Any = 0,
        name: str | None = None,
    ) -> Operation:
        """An operation that adds a sparse gradient, unless `local_step` is below the accumulator's step.

        Args:
            grad_indices: indices of the rows, shape `(rows,)`.
            grad_values: the rows.
            grad_shape: shape of the whole gradient; None where it is not known.
            local_step: the step that it was computed for.
            name: name of the operation.
        """
        step = _as_int64(local_step)
        shape = _as_int64([] if grad_shape is None else grad_shape)
        with self._beside():
            return get_op("SparseAccumulatorApplyGradient")(  # type: ignore[no-any-return]
                self._accumulator_ref,
                step,
                _as_int64(grad_indices),
                convert_to_tensor(grad_values, self._dtype),
                shape,
                has_known_shape=grad_shape is not None,
                name=name,
            )

    def take_grad(self, num_required: Any, name: str | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Waits until there are so many gradients; indices, values and shape of their mean or sum."""
        required = convert_to_tensor(num_required, int32)
        with self._beside():
            indices, values, shape = get_op("SparseAccumulatorTakeGradient")(
                self._accumulator_ref, required, dtype=self._dtype, name=name
            )
        if self._shape.dims:
            values.set_shape(TensorShape([None]).concatenate(self._shape[1:]))
        return indices, values, shape

    def take_indexed_slices_grad(self, num_required: Any, name: str | None = None) -> IndexedSlices:
        """As `take_grad`, as `IndexedSlices`."""
        indices, values, shape = self.take_grad(num_required, name)
        return IndexedSlices(values, indices, shape)


def _as_int64(value: Any) -> Tensor:
    tensor = convert_to_tensor(value, None if hasattr(value, "dtype") else int64)
    return tensor if tensor.dtype == int64 else get_op("Cast")(tensor, DstT=int64)  # type: ignore[no-any-return]
