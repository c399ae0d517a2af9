"""Connectionist temporal classification."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..filling import sequence_mask
from ..graph.default_graph import name_scope
from ..graph.dtypes import int32, int64
from ..graph.elements import Tensor
from ..graph.ops.array import ConcatV2, Shape, Where
from ..graph.ops.compare import Less, SelectV2
from ..graph.ops.ctc import CTCBeamSearchDecoder, CTCGreedyDecoder, CTCLoss
from ..graph.ops.gather_nd import GatherNd
from ..graph.ops.math import Sub
from ..graph.sparse_tensor import SparseTensor
from ..shaping import transpose
from .common import cast, either, tensor

__all__ = [
    "ctc_beam_search_decoder",
    "ctc_beam_search_decoder_v2",
    "ctc_greedy_decoder",
    "ctc_loss",
    "ctc_loss_v2",
]


def ctc_loss(
    labels: SparseTensor,
    inputs: Any = None,
    sequence_length: Any = None,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
    time_major: bool = True,
    logits: Any = None,
) -> Tensor:
    """Negative log probability of label sequences, summed over all times at which their labels may fall.

    Args:
        labels: int32 `SparseTensor` `(batch, labels per sequence)`.
        inputs: logits `(time, batch, classes)`; the last class is the blank.
        sequence_length: int32 `(batch,)`, number of times of each sequence.
        preprocess_collapse_repeated: whether equal labels next to each other are one.
        ctc_merge_repeated: whether a label may go on for several times.
        ignore_longer_outputs_than_inputs: gives no loss, in the place of an error, for sequences with more
            labels than times.
        time_major: whether the time comes before the batch.
        logits: other name of `inputs`.

    Returns:
        The loss per sequence, `(batch,)`.

    Raises:
        TypeError: the labels are not sparse.

    Source:
        Graves et al. 2006; TensorFlow's op `CTCLoss`.
    """
    if not isinstance(labels, SparseTensor):
        raise TypeError(f"labels must be a SparseTensor, got {type(labels).__name__}.")
    x = tensor(either("logits", logits, "inputs", inputs), name="inputs")
    if not time_major:
        x = transpose(x, [1, 0, 2])
    loss, _ = CTCLoss(
        x,
        labels.indices,
        labels.values,
        cast(tensor(sequence_length), int32),
        preprocess_collapse_repeated=preprocess_collapse_repeated,
        ctc_merge_repeated=ctc_merge_repeated,
        ignore_longer_outputs_than_inputs=ignore_longer_outputs_than_inputs,
    )
    return loss  # type: ignore[no-any-return]


def ctc_loss_v2(
    labels: Any,
    logits: Any,
    label_length: Any,
    logit_length: Any,
    logits_time_major: bool = True,
    unique: Any = None,
    blank_index: int | None = None,
    name: str | None = None,
) -> Tensor:
    """`ctc_loss` for dense labels too, with the blank at any place among the classes.

    Args:
        labels: int32 `SparseTensor`, or `(batch, labels per sequence)`.
        logits: `(time, batch, classes)`.
        label_length: number of labels of each sequence; None for sparse labels.
        logit_length: number of times of each sequence.
        logits_time_major: whether the time comes before the batch.
        unique: accepted for TensorFlow's sake.
        blank_index: the blank's class; negative ones count from the end. 0 by default for dense labels.
        name: name scope.

    Returns:
        The loss per sequence, `(batch,)`.

    Raises:
        ValueError: no `blank_index` is given for sparse labels, or the number of classes is not known.

    Source:
        `tf.compat.v1.nn.ctc_loss_v2`.
    """
    del unique
    with name_scope(name, "ctc_loss"):
        x = tensor(logits, name="logits")
        if isinstance(labels, SparseTensor):
            if blank_index is None:
                raise ValueError("blank_index must be given for SparseTensor labels.")
            sparse = labels
        else:
            sparse, blank_index = _sparse(labels, label_length), blank_index or 0
        classes = x.shape[2] if x.shape.rank is not None else None
        if classes is None:
            raise ValueError(f"The number of classes must be known, got logits of shape {x.shape}.")
        blank = blank_index + classes if blank_index < 0 else blank_index
        if blank != classes - 1:
            x = ConcatV2([x[:, :, :blank], x[:, :, blank + 1 :], x[:, :, blank : blank + 1]], 2)
            values = sparse.values
            one, limit = np.asarray(1, values.dtype.np), np.asarray(blank, values.dtype.np)
            lowered = SelectV2(Less(values, limit), values, Sub(values, one))
            sparse = SparseTensor(sparse.indices, lowered, sparse.dense_shape)
        return ctc_loss(sparse, x, logit_length, time_major=logits_time_major)


def _sparse(labels: Any, length: Any) -> SparseTensor:
    """Dense labels, the first `length` of each row."""
    labels = cast(tensor(labels, name="labels"), int32)
    size = Shape(labels)
    at = Where(sequence_mask(length, maxlen=size[1]))
    return SparseTensor(at, GatherNd(labels, at), cast(size, int64))


def ctc_greedy_decoder(
    inputs: Any, sequence_length: Any, merge_repeated: bool = True, blank_index: int | None = None
) -> tuple[list[SparseTensor], Tensor]:
    """The likeliest label at each time, without blanks.

    Args:
        inputs: logits `(time, batch, classes)`.
        sequence_length: int32 `(batch,)`.
        merge_repeated: whether equal labels next to each other are one, unless a blank lies between them.
        blank_index: the blank's class; the last by default.

    Returns:
        (a list of one int64 `SparseTensor` of labels, the negative sum of the largest logits `(batch, 1)`).

    Source:
        TensorFlow's op `CTCGreedyDecoder`.
    """
    indices, values, shape, score = CTCGreedyDecoder(
        inputs,
        sequence_length,
        merge_repeated=merge_repeated,
        blank_index=-1 if blank_index is None else blank_index,
    )
    return [SparseTensor(indices, values, shape)], score


def ctc_beam_search_decoder(
    inputs: Any,
    sequence_length: Any,
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
) -> tuple[list[SparseTensor], Tensor]:
    """The likeliest label sequences, found by following the best beginnings.

    Args:
        inputs: logits `(time, batch, classes)`; the last class is the blank.
        sequence_length: int32 `(batch,)`.
        beam_width: beginnings that are followed at a time.
        top_paths: sequences to give out.
        merge_repeated: whether equal labels next to each other in the result are one.

    Returns:
        (a list of `top_paths` int64 `SparseTensor`s of labels, log probabilities `(batch, top_paths)`).

    Source:
        TensorFlow's op `CTCBeamSearchDecoder`.
    """
    indices, values, shapes, scores = CTCBeamSearchDecoder(
        inputs, sequence_length, beam_width=beam_width, top_paths=top_paths, merge_repeated=merge_repeated
    )
    return [SparseTensor(i, v, s) for i, v, s in zip(indices, values, shapes, strict=True)], scores


def ctc_beam_search_decoder_v2(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[SparseTensor], Tensor]:
    """`ctc_beam_search_decoder` that leaves equal labels next to each other in the result.

    Args:
        inputs, sequence_length, beam_width, top_paths: see `ctc_beam_search_decoder`.

    Source:
        `tf.compat.v1.nn.ctc_beam_search_decoder_v2`.
    """
    return ctc_beam_search_decoder(inputs, sequence_length, beam_width, top_paths, merge_repeated=False)
