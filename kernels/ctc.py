"""The CTC loss, by dynamic programming over all sequences at a time, and its decoders; on the host.

Declared in `graph/ops/ctc.py`. Logarithms of probabilities throughout; a label sequence is written with blanks
between and around its labels, and a path may stay, go on by one, or leave out a blank between different labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..graph.errors import InvalidArgumentError
from .registry import KernelContext, kernel


def _fail(c: KernelContext, rule: str) -> Any:
    raise InvalidArgumentError(c.node.name, f"{c.node.op} '{c.node.name}': {rule}", "", c.node.source)


def _check_lengths(c: KernelContext, lengths: Any, times: int) -> None:
    if lengths.size and (lengths.min() < 0 or lengths.max() > times):
        wrong = lengths[(lengths < 0) | (lengths > times)][0]
        _fail(c, f"sequence_length must be in [0, {times}], got {wrong}")


def log_softmax(x: Any) -> Any:
    """Logarithm of the softmax along the last dimension, in double precision."""
    x = x.astype(np.float64)
    low = x - x.max(axis=-1, keepdims=True)
    return low - np.log(np.exp(low).sum(axis=-1, keepdims=True))


@dataclass(frozen=True)
class _Targets:
    """The label sequences of a batch with their blanks.

    Attributes:
        labels: `(batch, states)`, filled up with blanks.
        ends: number of states of each sequence, 0 for one that is left out.
        skip: `(batch, states)`, whether a state may be reached from two states before it.
        stay: `(batch, states)`, whether a path may stay there.
    """

    labels: Any
    ends: Any
    skip: Any
    stay: Any


@kernel("CTCLoss", host=True)
def ctc_loss(c: KernelContext, x: Any, rows: Any, values: Any, lengths: Any) -> Any:
    times, batch, classes = x.shape
    _check_lengths(c, lengths, times)
    targets = _targets(c, rows, values, lengths, batch, classes)
    log_y = log_softmax(x)
    emitted = np.take_along_axis(
        log_y, np.broadcast_to(targets.labels, (times, *targets.labels.shape)), axis=2
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        forward = _forward(emitted, lengths, targets)
        backward = _backward(emitted, lengths, targets)
        total = _total(forward, lengths, targets.ends)
        gradient = _gradient(np.exp(log_y), forward + backward - total[:, None], lengths, total, targets)
    loss = np.where(targets.ends > 0, -total, 0.0)
    return loss.astype(c.out_dtype), gradient.astype(c.out_dtype)


def _targets(c: KernelContext, rows: Any, values: Any, lengths: Any, batch: int, classes: int) -> _Targets:
    blank = classes - 1
    if rows.size and not (rows[:, 0].min() >= 0 and rows[:, 0].max() < batch):
        _fail(c, f"labels_indices must name sequences in [0, {batch})")
    sequences = [_sequence(c, values[rows[:, 0] == b], blank, b) for b in range(batch)]
    for b, sequence in enumerate(sequences):
        if len(sequence) <= lengths[b]:
            continue
        if not c.attrs["ignore_longer_outputs_than_inputs"]:
            _fail(
                c,
                f"not enough time for the labels of sequence {b}: {len(sequence)} labels, {lengths[b]} times "
                "(ignore_longer_outputs_than_inputs leaves such sequences out)",
            )
        sequences[b] = []
    states = 2 * max((len(s) for s in sequences), default=0) + 1
    labels = np.full((batch, states), blank, np.int64)
    for b, sequence in enumerate(sequences):
        labels[b, 1 : 2 * len(sequence) : 2] = sequence
    ends = np.array([2 * len(s) + 1 if s else 0 for s in sequences], np.int64)
    merge = c.attrs["ctc_merge_repeated"]
    same = np.zeros(labels.shape, bool)
    same[:, 2:] = labels[:, 2:] == labels[:, :-2]
    skip = (labels != blank) & ~(same & merge)
    skip[:, :2] = False
    return _Targets(labels, ends, skip, (labels == blank) | merge)


def _sequence(c: KernelContext, values: Any, blank: int, number: int) -> list[int]:
    """One sequence's labels; blanks and beyond may only fill up its end."""
    labels: list[int] = []
    ended = False
    if not len(values):
        _fail(c, f"sequence {number} has no labels")
    for value in (int(v) for v in values):
        if value < 0:
            _fail(c, f"labels must not be negative, sequence {number} has {value}")
        if value >= blank:
            ended = True
        elif ended:
            _fail(c, f"in sequence {number}, label {value} comes after one that is not below {blank}")
        elif not (c.attrs["preprocess_collapse_repeated"] and labels and labels[-1] == value):
            labels.append(value)
    return labels


def _forward(emitted: Any, lengths: Any, targets: _Targets) -> Any:
    """For each time and state, the log probability of all beginnings that lead there."""
    times, batch, states = emitted.shape
    alpha = np.full((times, batch, states), -np.inf)
    if not times:
        return alpha
    alpha[0, :, 0] = emitted[0, :, 0]
    if states > 1:
        alpha[0, :, 1] = emitted[0, :, 1]
    for t in range(1, times):
        before = alpha[t - 1]
        total = np.where(targets.stay, before, -np.inf)
        total[:, 1:] = np.logaddexp(total[:, 1:], before[:, :-1])
        jump = np.where(targets.skip[:, 2:], before[:, :-2], -np.inf)
        total[:, 2:] = np.logaddexp(total[:, 2:], jump)
        alpha[t] = total + emitted[t]
    alpha[:, np.arange(states)[None, :] >= targets.ends[:, None]] = -np.inf
    return alpha


def _backward(emitted: Any, lengths: Any, targets: _Targets) -> Any:
    """For each time and state, the log probability of all ends that lead on from there."""
    times, batch, states = emitted.shape
    beta = np.full((times, batch, states), -np.inf)
    place = np.arange(states)[None, :]
    final = (place < targets.ends[:, None]) & (place >= targets.ends[:, None] - 2)
    start = np.where(final, 0.0, -np.inf)
    after = np.full((batch, states), -np.inf)
    for t in range(times - 1, -1, -1):
        if t + 1 < times:
            ahead = after + emitted[t + 1]
            total = np.where(targets.stay, ahead, -np.inf)
            total[:, :-1] = np.logaddexp(total[:, :-1], ahead[:, 1:])
            jump = np.where(targets.skip[:, 2:], ahead[:, 2:], -np.inf)
            total[:, :-2] = np.logaddexp(total[:, :-2], jump)
            after = total
        after = np.where((lengths == t + 1)[:, None], start, after)
        beta[t] = np.where((t < lengths)[:, None], after, -np.inf)
    return beta


def _total(forward: Any, lengths: Any, ends: Any) -> Any:
    """Log probability of each whole sequence."""
    batch = len(ends)
    last = forward[np.maximum(lengths - 1, 0), np.arange(batch)] if len(forward) else forward.sum(0)
    place = np.arange(last.shape[1])[None, :]
    final = (place < ends[:, None]) & (place >= ends[:, None] - 2)
    return np.logaddexp.reduce(np.where(final, last, -np.inf), axis=1)


def _gradient(y: Any, posterior: Any, lengths: Any, total: Any, targets: _Targets) -> Any:
    """Gradient by the logits: softmax less the share of each label; softmax alone where nothing is possible."""
    times, _, classes = y.shape
    share = np.where(np.isfinite(total)[None, :, None], np.exp(posterior), 0.0)
    hot = targets.labels[:, :, None] == np.arange(classes)
    labelled = np.einsum("tbu,buk->tbk", share, hot, optimize=True)
    counts = (np.arange(times)[:, None] < lengths[None, :]) & (targets.ends > 0)[None, :]
    return np.where(counts[..., None], y - labelled, 0.0)


def _sparse(sequences: Sequence[Sequence[int]]) -> tuple[Any, Any, Any]:
    """Label sequences as the parts of a sparse tensor."""
    indices = [(b, i) for b, sequence in enumerate(sequences) for i in range(len(sequence))]
    values = [label for sequence in sequences for label in sequence]
    longest = max((len(s) for s in sequences), default=0)
    return (
        np.array(indices, np.int64).reshape(-1, 2),
        np.array(values, np.int64),
        np.array([len(sequences), longest], np.int64),
    )


@kernel("CTCGreedyDecoder", host=True)
def greedy_decoder(c: KernelContext, x: Any, lengths: Any) -> Any:
    times, batch, classes = x.shape
    _check_lengths(c, lengths, times)
    blank = c.attrs["blank_index"]
    blank = classes + blank if blank < 0 else blank
    if not 0 <= blank < classes:
        _fail(c, f"blank_index must be in [{-classes}, {classes}), got {c.attrs['blank_index']}")
    best = x.argmax(axis=2)
    within = np.arange(times)[:, None] < lengths[None, :]
    score = -np.where(within, x.max(axis=2), 0).sum(axis=0)[:, None]
    kept = within & (best != blank)
    if c.attrs["merge_repeated"]:
        kept[1:] &= best[1:] != best[:-1]
    decoded = _sparse([best[kept[:, b], b].tolist() for b in range(batch)])
    return *decoded, score.astype(c.out_types[3].np)


@dataclass(eq=False)
class _Beam:
    """A label sequence that the search follows.

    Attributes:
        parent, label: the sequence without its last label, and that label; None and -1 for the empty one.
        children: longer sequences by the label that is added.
        old, new: log probability (in all, with a blank last, with the label last) before and after this time.
    """

    parent: _Beam | None
    label: int
    children: dict[int, _Beam]
    old: tuple[float, float, float]
    new: tuple[float, float, float]


_NEVER = (-np.inf, -np.inf, -np.inf)


@kernel("CTCBeamSearchDecoder", host=True)
def beam_decoder(c: KernelContext, x: Any, lengths: Any) -> Any:
    times, batch, _ = x.shape
    _check_lengths(c, lengths, times)
    paths, width, merge = c.attrs["top_paths"], c.attrs["beam_width"], c.attrs["merge_repeated"]
    found: list[list[list[int]]] = []
    scores = np.empty((batch, paths))
    with np.errstate(divide="ignore", invalid="ignore"):
        log_y = log_softmax(x)
        for b in range(batch):
            leaves = _search(log_y[: lengths[b], b], width)
            if len(leaves) < paths:
                _fail(c, f"sequence {b} has {len(leaves)} possible paths, fewer than top_paths {paths}")
            found.append([_labels(leaf, merge) for leaf in leaves[:paths]])
            scores[b] = [leaf.new[0] for leaf in leaves[:paths]]
    decoded = [_sparse([sequences[p] for sequences in found]) for p in range(paths)]
    by_kind = [part for kind in zip(*decoded, strict=True) for part in kind]
    return *by_kind, scores.astype(c.out_types[-1].np)


def _search(log_y: Any, width: int) -> list[_Beam]:
    """The likeliest sequences, best first, of one sequence's `(time, classes)`."""
    root = _Beam(None, -1, {}, (0.0, 0.0, -np.inf), (0.0, 0.0, -np.inf))
    leaves = [root]
    for row in log_y:
        leaves.sort(key=lambda beam: -beam.new[0])
        branches, leaves = leaves, []
        for beam in branches:
            beam.old = beam.new
        for beam in branches:
            _go_on(beam, row)
            leaves.append(beam)
        for beam in branches:
            _grow(beam, row, leaves, width)
    leaves.sort(key=lambda beam: -beam.new[0])
    return leaves


def _go_on(beam: _Beam, row: Any) -> None:
    """The same sequence one time later: its last label goes on, or a blank follows."""
    by_label = beam.new[2]
    if beam.parent is not None:
        if beam.parent.new[0] != -np.inf:
            previous = beam.parent.old[1] if beam.label == beam.parent.label else beam.parent.old[0]
            by_label = np.logaddexp(by_label, previous)
        by_label = float(by_label + row[beam.label])
    by_blank = float(beam.old[0] + row[-1])
    beam.new = (float(np.logaddexp(by_blank, by_label)), by_blank, by_label)


def _grow(beam: _Beam, row: Any, leaves: list[_Beam], width: int) -> None:
    """Follows the sequences that are longer by one label, as far as they are among the best."""
    if not _is_candidate(beam.old[0], leaves, width):
        return
    scores = row[:-1] + beam.old[0]
    if beam.label >= 0:
        scores[beam.label] = row[beam.label] + beam.old[1]
    for label in np.flatnonzero(scores > -np.inf).tolist():
        child = beam.children.get(label)
        if child is not None and child.new[0] != -np.inf:
            continue
        score = float(scores[label])
        if not _is_candidate(score, leaves, width):
            if child is not None:
                child.old = child.new = _NEVER
            continue
        if child is None:
            child = beam.children[label] = _Beam(beam, label, {}, _NEVER, _NEVER)
        child.new = (score, -np.inf, score)
        if len(leaves) == width:
            worst = min(leaves, key=lambda leaf: leaf.new[0])
            worst.new = _NEVER
            leaves.remove(worst)
        leaves.append(child)


def _is_candidate(score: float, leaves: list[_Beam], width: int) -> bool:
    if score == -np.inf:
        return False
    return len(leaves) < width or score > min(leaf.new[0] for leaf in leaves)


def _labels(beam: _Beam, merge: bool) -> list[int]:
    labels: list[int] = []
    before = -1
    at: _Beam | None = beam
    while at is not None and at.parent is not None:
        if not merge or at.label != before:
            labels.append(at.label)
        before, at = at.label, at.parent
    return labels[::-1]
