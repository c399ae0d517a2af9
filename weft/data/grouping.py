"""Elements gathered by keys, and all elements taken together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph import dtypes
from ..graph.convert import convert_to_tensor
from ..graph.elements import Tensor
from ..graph.ops.datasets import GroupByWindowDataset, ReduceDataset
from ..graph.shapes import TensorShape
from .dataset import Dataset
from .structure import DatasetSpec, TensorSpec, flat, packed, shapes_of, types_of
from .tracing import trace_function

__all__ = ["group_by_window", "reduced"]

_KEY = TensorSpec(dtypes.int64, TensorShape([]))


def group_by_window(
    dataset: Dataset,
    key_func: Callable[..., Any],
    reduce_func: Callable[..., Any],
    window_size: int | None,
    window_size_func: Callable[..., Any] | None,
) -> Dataset:
    """The dataset; see `Dataset.group_by_window`."""
    from ..casting import cast

    if (window_size is None) == (window_size_func is None):
        raise ValueError("Exactly one of window_size and window_size_func must be given.")
    size_func = window_size_func or (lambda _: window_size)

    def number(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: cast(convert_to_tensor(function(*args)), dtypes.int64)

    key = trace_function("Dataset_key", number(key_func), [dataset.element_spec])
    size = trace_function("Dataset_window_size", number(size_func), [_KEY])
    reduce = trace_function("Dataset_reduce_window", reduce_func, [_KEY, DatasetSpec(dataset.element_spec)])
    if not isinstance(reduce.spec, DatasetSpec):
        raise TypeError("`reduce_func` must return a Dataset.")
    spec = reduce.spec.element

    def build() -> Tensor:
        made: Tensor = GroupByWindowDataset(
            dataset._variant(),
            key.captured,
            reduce.captured,
            size.captured,
            key_func=key.name,
            reduce_func=reduce.name,
            window_size_func=size.name,
            output_types=types_of(spec),
            output_shapes=shapes_of(spec),
        )
        return made

    return Dataset(spec, build)


def reduced(dataset: Dataset, initial_state: Any, reduce_func: Callable[..., Any]) -> Any:
    """What is left; see `Dataset.reduce`."""
    state = [convert_to_tensor(v) for v in flat(initial_state)]
    spec = packed(initial_state, [TensorSpec(t.dtype, t.shape) for t in state])

    def step(*parts: Any) -> Any:
        count = len(state)
        given = packed(initial_state, parts[:count])
        element = packed(dataset.element_spec, parts[count:])
        return reduce_func(given, element)

    # All tensors are given one by one, so that state and element keep their own forms.
    flat_spec = (*flat(spec), *flat(dataset.element_spec))
    traced = trace_function("Dataset_reduce", step, [flat_spec])
    if types_of(traced.spec) != types_of(spec):
        raise TypeError(
            f"The element types for the new state must match the initial state. Expected {types_of(spec)}; got "
            f"{types_of(traced.spec)}."
        )
    made = ReduceDataset(
        dataset._variant(),
        state,
        traced.captured,
        f=traced.name,
        output_types=types_of(spec),
        output_shapes=shapes_of(traced.spec),
    )
    return packed(initial_state, list(made))
