"""What the layers of `contrib.layers` share: scopes, collections, what follows the arithmetic."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ...graph.default_graph import get_default_graph
from ...graph.elements import Tensor
from ...graph.graph_keys import GraphKeys
from ...initializers import Ones, Zeros
from ...variable_scope import variable_scope
from .initializers import xavier_initializer

__all__ = ["ONES", "WEIGHT_NAMES", "XAVIER", "ZEROS", "Function", "collected", "finished", "layer_scope"]

Function = Callable[..., Any]


XAVIER, ZEROS, ONES = xavier_initializer(), Zeros(), Ones()


def _keys(variables_collections: Any, name: str) -> Sequence[str]:
    """The collections asked for one variable of a layer."""
    if isinstance(variables_collections, Mapping):
        return list(variables_collections.get(name) or ())
    if isinstance(variables_collections, str):
        return [variables_collections]
    return list(variables_collections or ())


@contextlib.contextmanager
def layer_scope(
    scope: Any, default: str, inputs: Any, reuse: Any, names: Mapping[str, str], variables_collections: Any
) -> Iterator[Any]:
    """A variable scope in which the core layers' variables get contrib's names and collections."""

    def getter(getter: Function, name: str, *args: Any, **keywords: Any) -> Any:
        base, _, leaf = name.rpartition("/")
        leaf = names.get(leaf, leaf)
        asked = keywords.get("collections") or [GraphKeys.GLOBAL_VARIABLES]
        keywords["collections"] = [*asked, GraphKeys.MODEL_VARIABLES, *_keys(variables_collections, leaf)]
        return getter(f"{base}/{leaf}" if base else leaf, *args, **keywords)

    with variable_scope(scope, default, [inputs], reuse=reuse, custom_getter=getter) as entered:
        yield entered


def collected(outputs_collections: Any, scope: Any, outputs: Tensor) -> Tensor:
    if outputs_collections:
        get_default_graph().add_to_collections(outputs_collections, outputs)
    return outputs


def finished(
    outputs: Tensor, normalizer_fn: Function | None, normalizer_params: Any, activation_fn: Function | None
) -> Tensor:
    if normalizer_fn is not None:
        outputs = normalizer_fn(outputs, **(normalizer_params or {}))
    return outputs if activation_fn is None else activation_fn(outputs)


WEIGHT_NAMES = {"kernel": "weights", "bias": "biases"}
