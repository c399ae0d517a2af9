from weft.graph.ops import decompositions, einsum, linalg

from .harness import OpTests


class TestLinalg(OpTests):
    family = linalg


class TestDecompositions(OpTests):
    family = decompositions


class TestEinsum(OpTests):
    family = einsum
