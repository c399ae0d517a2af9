"""Layers without variables."""

from __future__ import annotations

from typing import Any

from ... import layers as core
from ... import nn
from ...filling import one_hot
from ...graph.convert import convert_to_tensor
from ...graph.default_graph import get_default_graph
from ...graph.elements import Tensor
from ..arguments import add_arg_scope
from .common import collected

__all__ = ["dropout", "flatten", "one_hot_encoding", "softmax"]


@add_arg_scope
def flatten(inputs: Any, outputs_collections: Any = None, scope: str | None = None) -> Tensor:
    """All dimensions but the first made into one.

    Args:
        inputs: a tensor of two dimensions or more.
        outputs_collections: collections that the result is added to.
        scope: name scope of the ops.
    """
    with get_default_graph().name_scope(scope or "Flatten"):
        return collected(outputs_collections, None, core.flatten(inputs))


@add_arg_scope
def dropout(
    inputs: Any,
    keep_prob: Any = 0.5,
    noise_shape: Any = None,
    is_training: Any = True,
    outputs_collections: Any = None,
    scope: str | None = None,
    seed: int | None = None,
) -> Tensor:
    """Keeps a random share `keep_prob` of the elements in training, scaled so that the sum stays.

    Args:
        inputs: floats of any shape.
        keep_prob: share of the elements that are kept.
        noise_shape: shape of the choice, broadcast to the input.
        is_training: a bool or boolean scalar tensor; otherwise the input is given back.
        outputs_collections: collections of the output.
        scope: name scope of the ops.
        seed: seed of the choice.
    """
    layer = core.Dropout(1 - keep_prob, noise_shape, seed, name=scope or "Dropout")
    return collected(outputs_collections, None, layer(inputs, training=is_training))


@add_arg_scope
def one_hot_encoding(
    labels: Any,
    num_classes: int,
    on_value: float = 1.0,
    off_value: float = 0.0,
    outputs_collections: Any = None,
    scope: str | None = None,
) -> Tensor:
    """Class numbers as rows with `on_value` at the class and `off_value` elsewhere."""
    with get_default_graph().name_scope(scope or "OneHotEncoding"):
        encoded = one_hot(convert_to_tensor(labels), num_classes, on_value=on_value, off_value=off_value)
        return collected(outputs_collections, None, encoded)


@add_arg_scope
def softmax(logits: Any, scope: str | None = None) -> Tensor:
    """Probabilities from logits, over the last dimension of a tensor of any rank above one.

    Args:
        logits: scores; the last dimension is that of the classes.
        scope: scope of the ops.
    """
    with get_default_graph().name_scope(scope or "softmax"):
        return nn.softmax(convert_to_tensor(logits))
