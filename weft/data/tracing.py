"""Python functions of elements as bodies of the graph's library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..graph.convert import convert_to_tensor
from ..graph.elements import Tensor
from ..graph.func_graph import FuncGraph
from .structure import DatasetSpec, TensorSpec, flat, mapped, packed

__all__ = ["Traced", "trace_function"]


class Traced:
    """A function of elements.

    Attributes:
        body: its body.
        spec: the form of its results.
    """

    def __init__(self, body: FuncGraph, spec: Any) -> None:
        self.body = body
        self.spec = spec

    @property
    def name(self) -> str:
        return self.body.name

    @property
    def captured(self) -> list[Tensor]:
        """Tensors of the graph around it that it uses, in the order of its arguments."""
        return list(self.body.captures)


def trace_function(label: str, function: Callable[..., Any], specs: Sequence[Any]) -> Traced:
    """A Python function as a body.

    Args:
        label: wished name.
        function: called with one argument for each of `specs`.
        specs: forms of the arguments. One that is a plain tuple is given as several arguments.

    Raises:
        ValueError: the function changes variables.
        TypeError: a result cannot be made a tensor.
    """
    from .dataset import Dataset, VariantDataset

    body = FuncGraph(label)
    arguments: list[Any] = []
    for spec in specs:
        leaves = [body.add_argument(s.dtype, s.shape, f"arg{len(body.inputs)}") for s in flat(spec)]
        made = [
            VariantDataset(t, s.element) if isinstance(s, DatasetSpec) else t
            for t, s in zip(leaves, flat(spec), strict=True)
        ]
        value = packed(spec, made)
        arguments.extend(value if type(value) is tuple else [value])
    with body.as_default():
        returned = function(*arguments)
        results, leaves = [], []
        for value in flat(returned):
            if isinstance(value, Dataset):
                leaves.append(DatasetSpec(value.element_spec))
                results.append(value._variant())
                continue
            tensor = convert_to_tensor(value)
            if tensor.graph is not body:
                tensor = body.capture(tensor)
            leaves.append(TensorSpec(tensor.dtype, tensor.shape))
            results.append(tensor)
    body.outputs = results
    body.structured_outputs = returned
    if body.traits().writes:
        raise ValueError(f"A function of a dataset cannot change variables: {function!r}")
    body.capture_all(body.captures)
    return Traced(body, packed(mapped(lambda _: None, returned), leaves))
