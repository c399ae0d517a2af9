"""Sparse tensors: every sample row through every check."""

from weft.graph.ops import sparse, sparse_math

from .harness import OpTests


class TestSparse(OpTests):
    family = sparse


class TestSparseMath(OpTests):
    family = sparse_math
