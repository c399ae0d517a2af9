"""The array family: every sample row through every check."""

from weft.graph.ops import array

from .harness import OpTests


class TestArray(OpTests):
    family = array
