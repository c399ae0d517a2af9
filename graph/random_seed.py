"""The two seeds of a random op, from the graph's seed and the op's own, by TensorFlow's rule."""

from __future__ import annotations

from .default_graph import get_default_graph

__all__ = ["DEFAULT_GRAPH_SEED", "get_seed", "set_random_seed"]

DEFAULT_GRAPH_SEED = 87654321
"""Stands for the graph's seed where only the op has one."""

_LARGEST = 2**31 - 1


def get_seed(op_seed: int | None) -> tuple[int | None, int | None]:
    """The attributes `seed` and `seed2` that a random op made now is to have.

    Args:
        op_seed: seed that the user gave for the op, or None.

    Returns:
        (graph seed, op seed); (None, None) where neither the graph nor the op has one, so that every session
        draws other numbers. In a graph with a seed, ops without one are numbered in the order in which they
        are made.

    Source:
        `tf.compat.v1.get_seed`.
    """
    graph = get_default_graph()
    if graph.seed is not None:
        if op_seed is None:
            op_seed = graph.next_op_seed()
        seeds = graph.seed % _LARGEST, int(op_seed) % _LARGEST
    elif op_seed is not None:
        seeds = DEFAULT_GRAPH_SEED, int(op_seed) % _LARGEST
    else:
        return None, None
    # Attributes (0, 0) mean "no seed", which the user did not ask for.
    return (0, _LARGEST) if seeds == (0, 0) else seeds


def set_random_seed(seed: int | None) -> None:
    """Sets the seed of the default graph; None for other numbers in every session.

    Args:
        seed: seed of the random numbers.

    Source:
        `tf.compat.v1.set_random_seed`.
    """
    get_default_graph().seed = None if seed is None else int(seed)
