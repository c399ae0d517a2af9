"""Graphs sent from TensorFlow to weft and back, and run on both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import weft

__all__ = ["Written", "assert_same", "in_tensorflow", "in_weft", "send_back", "write"]


@dataclass(frozen=True)
class Written:
    """A program as TensorFlow wrote it.

    Attributes:
        graph_def: its GraphDef.
        fetches: names of what it gives.
    """

    graph_def: Any
    fetches: list[str]


def write(tf1: Any, program: Callable[[Any], Sequence[Any]]) -> Written:
    """Builds a program with TensorFlow.

    Args:
        tf1: `tensorflow.compat.v1`.
        program: from the module to tensors and operations.
    """
    with tf1.Graph().as_default() as graph:
        outputs = program(tf1)
        return Written(graph.as_graph_def(), [o.name for o in outputs])


def in_tensorflow(
    tf1: Any, written: Written, steps: Sequence[Mapping[str, Any]], setup: Sequence[str] = ()
) -> list[Any]:
    """What TensorFlow gives for each of the feeds."""
    with tf1.Graph().as_default():
        tf1.import_graph_def(tf1.GraphDef.FromString(written.graph_def.SerializeToString()), name="")
        with tf1.Session() as sess:
            return _run(sess, written, steps, setup)


def in_weft(written: Written, steps: Sequence[Mapping[str, Any]], setup: Sequence[str] = ()) -> list[Any]:
    """What weft gives for each of the feeds."""
    with weft.Graph().as_default():
        weft.import_graph_def(written.graph_def, name="")
        with weft.Session() as sess:
            return _run(sess, written, steps, setup)


def _run(sess: Any, written: Written, steps: Sequence[Mapping[str, Any]], setup: Sequence[str]) -> list[Any]:
    for name in setup:
        sess.run(name)
    return [sess.run(written.fetches, feeds) for feeds in steps]


def send_back(written: Written) -> Written:
    """The program as weft writes it after having read it."""
    with weft.Graph().as_default() as graph:
        weft.import_graph_def(written.graph_def, name="")
        return Written(graph.as_graph_def(), written.fetches)


def assert_same(got: Sequence[Any], expected: Sequence[Any], rtol: float = 1e-5, atol: float = 1e-6) -> None:
    """Every value of every step agrees."""
    assert len(got) == len(expected)
    for ours, theirs in zip(got, expected, strict=True):
        for a, b in zip(ours, theirs, strict=True):
            if b is None:
                assert a is None
            elif np.asarray(b).dtype == object:
                assert np.asarray(a).tolist() == np.asarray(b).tolist()
            else:
                assert np.asarray(a).dtype == np.asarray(b).dtype
                np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
