from weft.graph.ops import fractional

from .harness import OpTests


class TestFractional(OpTests):
    family = fractional
