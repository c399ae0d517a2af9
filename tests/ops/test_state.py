"""Variables and their updates: every sample row through every check."""

from types import SimpleNamespace
from typing import Any

from weft.graph.opdef import all_ops
from weft.graph.ops import scatter, state

from .harness import OpTests


class TestState(OpTests):
    family = state


class TestScatter(OpTests):
    family = scatter


class TestTraining(OpTests):
    family: Any = SimpleNamespace(
        **{n: d for n, d in all_ops().items() if n.startswith(("ResourceApply", "ResourceSparseApply"))}
    )
