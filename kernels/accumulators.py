"""Accumulators of gradients; declared in `graph/ops/accumulators.py`.

A gradient that was computed for an earlier step than the accumulator's is dropped. Taking waits for as many as are
asked for; those that wait are served in the order in which they came.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph.errors import CancelledError, InvalidArgumentError
from ..graph.shapes import TensorShape
from .queues import make_resource, resource_of
from .registry import KernelContext, kernel

__all__ = ["DenseAccumulator", "SparseAccumulator"]

_LOOK = 0.1
"""Seconds between looks at whether a waiting step was given up."""


class _Accumulator:
    """What dense and sparse accumulators share.

    Args:
        name: for messages.
        dtype: element type of the gradients, as NumPy's.
        shape: static shape of the gradients.
        mean: whether the mean comes out, not the sum.
    """

    def __init__(self, name: str, dtype: Any, shape: TensorShape, mean: bool) -> None:
        self.name, self.dtype, self.shape, self.mean = name, dtype, shape, mean
        self.step = 0
        self.count = 0
        self._changed = threading.Condition()
        self._takers: deque[object] = deque()
        self._shut = False

    def _add(self, gradient: Any) -> None:
        raise TypeError("a subclass says how gradients add up")

    def _result(self) -> Any:
        raise TypeError("a subclass says what comes out")

    def apply(self, local_step: int, gradient: Any) -> None:
        with self._changed:
            if local_step < self.step:
                return
            self._add(gradient)
            self.count += 1
            self._changed.notify_all()

    def take(self, required: int, cancelled: Callable[[], bool]) -> Any:
        """Waits for gradients and takes their mean or sum.

        Raises:
            CancelledError: the step was given up meanwhile.
        """
        if required <= 0:
            raise InvalidArgumentError(None, f"Argument num_required must be positive, got {required}")
        ticket = object()
        with self._changed:
            self._takers.append(ticket)
            try:
                while self._takers[0] is not ticket or self.count < required:
                    if self._shut or cancelled():
                        raise CancelledError(None, f"TakeGrad operation was cancelled on '{self.name}'")
                    self._changed.wait(_LOOK)
                result = self._result()
                self.count = 0
                self.step += 1
                return result
            finally:
                self._takers.remove(ticket)
                self._changed.notify_all()

    def set_step(self, step: int) -> None:
        with self._changed:
            self.step = step

    def shut_down(self) -> None:
        with self._changed:
            self._shut = True
            self._changed.notify_all()


class DenseAccumulator(_Accumulator):
    """Adds up arrays of one shape."""

    _sum: Any = None

    def _add(self, gradient: Any) -> None:
        shape = TensorShape(gradient.shape)
        if not shape.is_compatible_with(self.shape):
            raise InvalidArgumentError(None, f"Shape mismatch: expected {self.shape}, got {shape}")
        if not self.count:
            self._sum = np.array(gradient)
            return
        if self._sum.shape != gradient.shape:
            raise InvalidArgumentError(
                None, f"Shape mismatch: expected {TensorShape(self._sum.shape)}, got {shape}"
            )
        self._sum = np.add(self._sum, gradient)

    def _result(self) -> Any:
        total, self._sum = self._sum, None
        return np.divide(total, self.dtype.type(self.count)).astype(self.dtype) if self.mean else total


class SparseAccumulator(_Accumulator):
    """Adds up rows by index; the mean of a row is over the gradients that have it."""

    def __init__(self, name: str, dtype: Any, shape: TensorShape, mean: bool) -> None:
        super().__init__(name, dtype, shape, mean)
        self._rows: dict[int, list[Any]] = {}
        self._dense: Any = None

    def _add(self, gradient: Any) -> None:
        indices, values, dense = gradient
        if indices.ndim != 1 or values.ndim < 1 or len(indices) != len(values):
            raise InvalidArgumentError(
                None,
                f"Number of indices and of rows must be the same, got shapes {TensorShape(indices.shape)} and "
                f"{TensorShape(values.shape)}",
            )
        self._check(values, dense)
        if not self.count:
            self._rows.clear()
            self._dense = None
        own: dict[int, Any] = {}
        for index, row in zip(indices.tolist(), values, strict=True):
            own[index] = row + own[index] if index in own else np.array(row)
        for index, row in own.items():
            if index in self._rows:
                self._rows[index][0] = self._rows[index][0] + row
                self._rows[index][1] += 1
            else:
                self._rows[index] = [row, 1]
        if dense is not None:
            self._dense = np.array(dense, np.int64)
        elif self._dense is None:
            largest = max(own, default=-1) + 1
            self._dense = np.array([largest, *values.shape[1:]], np.int64)

    def _check(self, values: Any, dense: Any) -> None:
        dims = self.shape.dims
        inner = TensorShape(values.shape[1:])
        if dims and not inner.is_compatible_with(TensorShape(dims[1:])):
            raise InvalidArgumentError(None, f"Shape mismatch: expected rows of {self.shape}, got {inner}")
        if dense is not None and dims and not TensorShape(dense.tolist()).is_compatible_with(self.shape):
            raise InvalidArgumentError(
                None,
                f"Shape mismatch: expected shape should be {self.shape}, got {TensorShape(dense.tolist())}",
            )

    def _result(self) -> Any:
        order = sorted(self._rows)
        rows = [self._rows[i] for i in order]
        values = [(r / self.dtype.type(n)).astype(self.dtype) if self.mean else r for r, n in rows]
        dims = self.shape.dims
        full = dims is not None and len(dims) > 0 and self.shape.is_fully_defined()
        dense = np.array(dims, np.int64) if full else self._dense
        inner = tuple(self._dense[1:].tolist())
        stacked = np.stack(values) if values else np.zeros((0, *inner), self.dtype)
        self._rows = {}
        return np.array(order, np.int64), stacked, dense


def _make(c: KernelContext, cls: Any) -> Any:
    a = c.attrs
    return make_resource(
        c, "accumulator", lambda n: cls(n, a["dtype"].np, a["shape"], a["reduction_type"] == "MEAN")
    )


@kernel("ResourceConditionalAccumulator", host=True)
def dense_accumulator(c: KernelContext) -> Any:
    return _make(c, DenseAccumulator)


@kernel("SparseConditionalAccumulator", host=True)
def sparse_accumulator(c: KernelContext) -> Any:
    return _make(c, SparseAccumulator)


@kernel("ResourceAccumulatorApplyGradient", host=True)
def apply_gradient(c: KernelContext, handle: Any, local_step: Any, gradient: Any) -> None:
    resource_of(c, handle).apply(int(local_step), np.asarray(gradient))


@kernel("SparseAccumulatorApplyGradient", host=True)
def apply_sparse(
    c: KernelContext, handle: Any, local_step: Any, indices: Any, values: Any, shape: Any
) -> None:
    dense = np.asarray(shape) if c.attrs["has_known_shape"] else None
    resource_of(c, handle).apply(int(local_step), (np.asarray(indices), np.asarray(values), dense))


@kernel("ResourceAccumulatorTakeGradient", host=True)
def take_gradient(c: KernelContext, handle: Any, required: Any) -> Any:
    return resource_of(c, handle).take(int(required), c.runtime.cancelled)


@kernel("SparseAccumulatorTakeGradient", host=True)
def take_sparse(c: KernelContext, handle: Any, required: Any) -> Sequence[Any]:
    made: Sequence[Any] = resource_of(c, handle).take(int(required), c.runtime.cancelled)
    return made


@kernel("ResourceAccumulatorSetGlobalStep", "AccumulatorSetGlobalStep", host=True)
def set_global_step(c: KernelContext, handle: Any, step: Any) -> None:
    resource_of(c, handle).set_step(int(step))


@kernel("ResourceAccumulatorNumAccumulated", "AccumulatorNumAccumulated", host=True)
def num_accumulated(c: KernelContext, handle: Any) -> Any:
    return np.int32(resource_of(c, handle).count)
