"""Beam search ops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.graph.ops import beams

from .harness import OpTests


class TestBeams(OpTests):
    family = beams


def walked(ids: Any, parents: Any, lengths: Any, end: int) -> Any:
    """The same, one beam at a time."""
    steps, batch, width = ids.shape
    out = np.full_like(ids, end)
    for b in range(batch):
        last = min(steps, int(lengths[b])) - 1
        for k in range(width):
            at = k
            for t in range(last, -1, -1):
                out[t, b, k] = ids[t, b, at]
                at = parents[t, b, at]
            for t in range(1, last + 1):
                if out[t - 1, b, k] == end:
                    out[t, b, k] = end
    return out


def test_sequences_are_those_that_walking_gives() -> None:
    rng = np.random.default_rng(0)
    ids, parents = rng.integers(0, 5, (7, 4, 3)), rng.integers(0, 3, (7, 4, 3))
    lengths = np.array([7, 3, 0, 9], np.int32)
    with tf.Session() as sess:
        got = sess.run(beams.GatherTree(ids, parents, lengths, 4))
    np.testing.assert_array_equal(got, walked(ids, parents, lengths, 4))


def test_a_parent_that_is_no_beam() -> None:
    parents = tf.placeholder(tf.int32, [2, 1, 2])
    made = beams.GatherTree(np.zeros((2, 1, 2), np.int32), parents, [2], 0)
    with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError, match="parent_ids"):
        sess.run(made, {parents: [[[0, 0]], [[0, 2]]]})
