"""What a caller of `Session.run` asks for, flattened to tensors and operations and put together again."""

from __future__ import annotations

import collections
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..graph.elements import Operation, Tensor
from ..graph.graph import Graph
from ..graph.indexed_slices import IndexedSlices

__all__ = ["FetchMapper", "IndexedSlicesValue", "fetch_key"]

IndexedSlicesValue = collections.namedtuple("IndexedSlicesValue", ["values", "indices", "dense_shape"])
"""A fetched `IndexedSlices`: arrays in the place of tensors."""

Rebuild = Callable[[Sequence[Any]], Any]


class FetchMapper:
    """Flattens a structure of fetches: tensors, operations, names, variables, nested in lists, tuples, dicts.

    Attributes:
        tensors: the tensors asked for, each once.
        operations: the operations that must run, each once.

    Raises:
        TypeError: something in the structure cannot be fetched; the message says what.
        ValueError: it is not in the session's graph.
    """

    def __init__(self, graph: Graph, fetches: Any) -> None:
        self._graph = graph
        self._index: dict[Tensor, int] = {}
        self._operations: dict[Operation, None] = {}
        self._rebuild = self._visit(fetches)

    @property
    def tensors(self) -> list[Tensor]:
        return list(self._index)

    @property
    def operations(self) -> list[Operation]:
        return list(self._operations)

    def rebuild(self, values: Sequence[Any]) -> Any:
        """The structure with every tensor replaced by its value, every operation by None."""
        return self._rebuild(values)

    def _visit(self, item: Any) -> Rebuild:
        if item is None:
            raise TypeError("Fetch argument None has invalid type NoneType: fetch tensors or operations.")
        if isinstance(item, Mapping):
            keys, parts = list(item), [self._visit(v) for v in item.values()]
            kind = type(item) if isinstance(item, (dict, collections.OrderedDict)) else dict
            return lambda values: kind(zip(keys, (p(values) for p in parts), strict=True))
        if isinstance(item, (list, tuple)):
            return self._sequence(item)
        if isinstance(item, IndexedSlices):
            return self._composite(
                [item.values, item.indices, item.dense_shape], lambda parts: IndexedSlicesValue(*parts)
            )
        components = getattr(item, "_fetch_components", None)
        if components is not None:
            return self._composite(*components())
        return self._element(item)

    def _sequence(self, items: Sequence[Any]) -> Rebuild:
        parts = [self._visit(v) for v in items]
        if hasattr(items, "_fields"):
            return lambda values: type(items)(*(p(values) for p in parts))
        kind = tuple if isinstance(items, tuple) else list
        return lambda values: kind(p(values) for p in parts)

    def _composite(self, parts: Sequence[Any], build: Callable[[list[Any]], Any]) -> Rebuild:
        visits = [None if p is None else self._visit(p) for p in parts]
        return lambda values: build([None if v is None else v(values) for v in visits])

    def _element(self, item: Any) -> Rebuild:
        try:
            element = self._graph.as_graph_element(item)
        except TypeError as error:
            raise TypeError(
                f"Fetch argument {item!r} has invalid type {type(item).__name__}, must be a string, "
                f"Tensor, Operation or Variable. ({error})"
            ) from None
        except (ValueError, KeyError) as error:
            text = error.args[0] if error.args else error
            raise ValueError(f"Fetch argument {item!r} cannot be interpreted as a Tensor. ({text})") from None
        if isinstance(element, Operation):
            self._operations[element] = None
            return lambda values: None
        if element.dtype.kind == "r":
            raise TypeError(f"Fetch argument {item!r} is a resource handle, which has no value to fetch.")
        at = self._index.setdefault(element, len(self._index))
        return lambda values: values[at]


def fetch_key(fetches: Any) -> Any:
    """Something hashable that is equal for equal fetches; lists, tuples and dicts may nest."""
    if isinstance(fetches, list):
        return ("list", *map(fetch_key, fetches))
    if isinstance(fetches, tuple):
        return (type(fetches), *map(fetch_key, fetches))
    if isinstance(fetches, Mapping):
        return (type(fetches), *((k, fetch_key(v)) for k, v in fetches.items()))
    return fetches
