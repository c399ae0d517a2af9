"""Bands and diagonals of matrices: every sample row through every check."""

from weft.graph.ops import matrix_parts

from .harness import OpTests


class TestMatrixParts(OpTests):
    family = matrix_parts
