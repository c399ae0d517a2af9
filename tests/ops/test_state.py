"""Variables and their updates: every sample row through every check."""

from weft.graph.ops import scatter, state, training_ops

from .harness import OpTests


class TestState(OpTests):
    family = state


class TestScatter(OpTests):
    family = scatter
