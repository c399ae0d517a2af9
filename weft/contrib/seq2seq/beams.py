"""What beam search does to tensors: copies for each beam, beams put in order, scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...array import concat, gather, stack, tile, where, where_v2
from ...elementwise import divide, log, minimum
from ...elementwise import pow as pow_
from ...filling import one_hot
from ...filling import range as range_
from ...graph import dtypes
from ...graph.convert import convert_to_tensor
from ...graph.default_graph import name_scope
from ...graph.elements import Tensor
from ...graph.nest import map_structure
from ...graph.ops.array import ConcatV2, Shape, shape_of
from ...graph.ops.beams import GatherTree
from ...graph.shapes import TensorShape
from ...nn.common import cast
from ...picking import gather_nd
from ...reductions import reduce_max, reduce_sum
from ...shaping import expand_dims, reshape
from ...tensor_array import TensorArray

__all__ = [
    "gather_beams",
    "gather_tree",
    "gather_tree_from_array",
    "merged",
    "scores",
    "split_beams",
    "tile_batch",
]


def gather_tree(
    step_ids: Any, parent_ids: Any, max_sequence_lengths: Any, end_token: Any, name: str | None = None
) -> Tensor:
    """The sequences of a beam search.

    Args:
        step_ids: int `(time, batch, beams)`: ids that the steps chose.
        parent_ids: int `(time, batch, beams)`: beam of the step before that each goes on from.
        max_sequence_lengths: int32 `(batch,)`: steps of the longest sequence.
        end_token: scalar; what stands behind the end of a sequence.
        name: name of the op.

    Returns:
        `(time, batch, beams)`: in the place of each beam of the last step its sequence.

    Source:
        TensorFlow `GatherTree`, `tf.contrib.seq2seq.gather_tree`.
    """
    return GatherTree(step_ids, parent_ids, max_sequence_lengths, end_token, name=name)  # type: ignore[no-any-return]


def tile_batch(t: Any, multiplier: int, name: str | None = None) -> Any:
    """Each row of tensors so many times, one after the other: an encoder's results for each beam.

    Args:
        t: `(batch, ...)`, or a structure of such.
        multiplier: number of beams.
        name: name scope.

    Returns:
        `(batch * multiplier, ...)`.
    """
    with name_scope(name, "tile_batch"):
        return map_structure(lambda x: _tiled(convert_to_tensor(x), multiplier), t)


def _tiled(t: Tensor, multiplier: int) -> Tensor:
    if t.shape.rank is None or t.shape.rank < 1:
        raise ValueError(f"t must have statically known rank of at least 1, got shape {t.shape}")
    rank = t.shape.rank
    copies = tile(expand_dims(t, 1), [1, multiplier] + [1] * (rank - 1))
    made = reshape(copies, ConcatV2([shape_of(t)[:1] * multiplier, shape_of(t)[1:]], 0))
    rows = t.shape[0]
    made.set_shape(TensorShape([None if rows is None else int(rows) * multiplier]).concatenate(t.shape[1:]))
    return made


def split_beams(value: Any, batch: Any, beams: int) -> Any:
    """`(batch * beams, ...)` as `(batch, beams, ...)`; scalars and arrays stay."""
    if not isinstance(value, Tensor) or value.shape.rank == 0:
        return value
    static = batch if isinstance(batch, int) else None
    made = reshape(value, _shape([batch, beams], value, 1))
    made.set_shape(TensorShape([static, beams]).concatenate(value.shape[1:]))
    return made


def merged(value: Any, batch: Any, beams: int) -> Any:
    """`(batch, beams, ...)` as `(batch * beams, ...)`; scalars and arrays stay."""
    if not isinstance(value, Tensor) or value.shape.rank == 0:
        return value
    static = batch * beams if isinstance(batch, int) else None
    made = reshape(value, _shape([batch * beams], value, 2))
    made.set_shape(TensorShape([static]).concatenate(value.shape[2:]))
    return made


def _shape(leading: list[Any], value: Tensor, dropped: int) -> Any:
    rest = value.shape[dropped:]
    if rest.is_fully_defined() and all(isinstance(d, int) for d in leading):
        return [*leading, *rest.as_list()]
    return ConcatV2([stack(leading), Shape(value)[dropped:]], 0)


def gather_beams(value: Any, beams: Tensor, batch: Any, width: int) -> Any:
    """The beams of that number, from `(batch, width, ...)`; scalars and arrays stay.

    Args:
        value: a tensor, or what is no tensor.
        beams: int32 `(batch, width)`.
        batch: number of rows, an int or int32 scalar.
        width: number of beams.
    """
    if not isinstance(value, Tensor) or value.shape.rank == 0:
        return value
    flat = merged(value, batch, width)
    rows = expand_dims(range_(batch) * width, 1) + beams
    found = gather(flat, reshape(rows, [-1]))
    found.set_shape(flat.shape)
    return split_beams(found, batch, width)


def scores(
    log_probs: Tensor,
    lengths: Tensor,
    length_penalty_weight: Any,
    coverage_penalty_weight: Any,
    attention: Tensor | None,
) -> Tensor:
    """What beams are compared by.

    Args:
        log_probs: `(batch, beams, ids)`.
        lengths: int, of the same shape.
        length_penalty_weight: 0 for the log-probabilities themselves; they are divided by `((5 + length) / 6)` to that
            power.
        coverage_penalty_weight: weight of the penalty for rows of the memory that were not looked at.
        attention: sum of the alignments of all steps so far, `(batch, beams, rows)`; None without that penalty.

    Source:
        Wu et al., "Google's Neural Machine Translation System", 2016.
    """
    found = log_probs
    if isinstance(length_penalty_weight, Tensor) or length_penalty_weight != 0.0:
        weight = convert_to_tensor(length_penalty_weight, log_probs.dtype)
        found = divide(log_probs, pow_((5.0 + cast(lengths, log_probs.dtype)) / 6.0, weight))
    if attention is not None:
        covered = reduce_sum(log(minimum(attention, 1.0)), 2)
        found = found + expand_dims(covered, 2) * coverage_penalty_weight
    return found


def masked_probs(probs: Tensor, end_token: Tensor, finished: Tensor) -> Tensor:
    """Log-probabilities `(batch, beams, ids)` where finished beams can only go on with the end token, for free."""
    ids = probs.shape[2] if probs.shape[2] is not None else Shape(probs)[2]
    lowest = float(np.finfo(probs.dtype.np).min)
    row = one_hot(reshape(end_token, []), ids, on_value=0.0, off_value=lowest, dtype=probs.dtype)
    return where_v2(expand_dims(finished, 2), row, probs)


def gather_tree_from_array(t: Any, parent_ids: Any, sequence_length: Any) -> Tensor:
    """Values that a beam search's steps have put out, in the order of its final beams.

    Args:
        t: a `TensorArray` `(time, batch * beams, ...)`, or a tensor of that shape or `(time, batch, beams, ...)`.
        parent_ids: int32 `(time, batch, beams)`.
        sequence_length: int `(batch, beams)`.

    Returns:
        `(time, batch, beams, ...)`: zero behind the end of a beam.

    Source:
        TensorFlow `tf.contrib.seq2seq.gather_tree_from_array`.
    """
    value = t.stack() if isinstance(t, TensorArray) else convert_to_tensor(t)
    parents = convert_to_tensor(parent_ids, dtypes.int32)
    size = shape_of(parents)
    steps, batch, beams = (size[i] for i in (0, 1, 2))
    own = Shape(value)
    if isinstance(t, TensorArray) or _is_merged(value, parents):
        whole = TensorShape(parents.shape).concatenate(value.shape[2:])
        value = reshape(value, ConcatV2([size, own[2:]], 0))
        value.set_shape(whole)
    places = tile(reshape(range_(beams), [1, 1, -1]), stack([steps, batch, 1]))
    lengths = cast(convert_to_tensor(sequence_length), dtypes.int32)

    sorted_ids = gather_tree(places, parents, reduce_max(lengths, axis=1), beams + 1)
    inside = cast(expand_dims(expand_dims(range_(steps), 1), 2) < expand_dims(lengths, 0), dtypes.int32)
    chosen = where(inside > 0, sorted_ids, places)
    time = tile(reshape(range_(steps), [-1, 1, 1]), stack([1, batch, beams]))
    row = tile(reshape(range_(batch), [1, -1, 1]), stack([steps, 1, beams]))
    found = gather_nd(value, stack([time, row, minimum(chosen, beams - 1)], axis=-1))
    rank = value.shape.rank or 3
    shape = concat([size, [1] * (rank - 3)], 0)
    made = found * cast(reshape(inside, shape), found.dtype)
    made.set_shape(value.shape)
    return made


def _is_merged(value: Tensor, parents: Tensor) -> bool:
    """Whether batch and beams are one dimension of `value`."""
    rank = value.shape.rank
    if rank is None or rank < 3:
        return True
    batch, beams = parents.shape[1], parents.shape[2]
    same_batch = value.shape[1] is None or batch is None or int(value.shape[1]) == int(batch)
    same_beams = value.shape[2] is not None and beams is not None and int(value.shape[2]) == int(beams)
    return not (same_batch and same_beams)
