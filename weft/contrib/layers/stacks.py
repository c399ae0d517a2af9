"""A layer several times in a row, and sequences of word vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ... import nn
from ...graph.convert import convert_to_tensor
from ...graph.elements import Tensor
from ...variable_scope import get_variable, variable_scope
from ..arguments import add_arg_scope
from .common import Function

__all__ = ["embed_sequence", "repeat", "stack"]


@add_arg_scope
def repeat(inputs: Any, repetitions: int, layer: Function, *args: Any, **kwargs: Any) -> Tensor:
    """The same layer several times in a row, with variables of its own each time.

    Args:
        inputs: what the first one takes.
        repetitions: how often.
        layer: function of the layer.
        *args, **kwargs: further arguments of the layer; `scope` is the scope of all.
    """
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Repeat", [inputs]):
        outputs = convert_to_tensor(inputs)
        scope = scope or getattr(layer, "__name__", "repeat")
        for i in range(repetitions):
            outputs = layer(outputs, *args, scope=f"{scope}_{i + 1}", **kwargs)
        return outputs


def stack(inputs: Any, layer: Function, stack_args: Sequence[Any], **kwargs: Any) -> Tensor:
    """The same layer several times in a row, with arguments of its own each time.

    Args:
        inputs: input of the first.
        layer: the layer.
        stack_args: for each repetition its arguments, a list or a single one.
        **kwargs: arguments of all repetitions.
    """
    scope = kwargs.pop("scope", None)
    with variable_scope(scope, "Stack", [inputs]):
        outputs = convert_to_tensor(inputs)
        scope = scope or getattr(layer, "__name__", "stack")
        for i, own in enumerate(stack_args):
            args = own if isinstance(own, (list, tuple)) else [own]
            outputs = layer(outputs, *args, scope=f"{scope}_{i + 1}", **kwargs)
        return outputs


def embed_sequence(
    ids: Any,
    vocab_size: int | None = None,
    embed_dim: int | None = None,
    unique: bool = False,
    initializer: Any = None,
    regularizer: Function | None = None,
    trainable: bool = True,
    scope: Any = None,
    reuse: Any = None,
) -> Tensor:
    """For each number its row of a variable "embeddings" of shape `(vocab_size, embed_dim)`.

    Args:
        ids: integers of shape `(batch, length)`.
        vocab_size, embed_dim: shape of the variable.
        unique: accepted for TensorFlow's sake.
        initializer, regularizer, trainable: of the variable.
        scope, reuse: its variable scope.

    Returns:
        Floats of shape `(batch, length, embed_dim)`.
    """
    if not reuse and (vocab_size is None or embed_dim is None):
        raise ValueError("embed_sequence needs vocab_size and embed_dim unless its variable is reused.")
    with variable_scope(scope, "EmbedSequence", [ids], reuse=reuse):
        shape = None if vocab_size is None else [vocab_size, embed_dim]
        table = get_variable(
            "embeddings", shape, initializer=initializer, regularizer=regularizer, trainable=trainable
        )
        return nn.embedding_lookup(table, ids)  # type: ignore[no-any-return]
