from weft.graph.ops import norm

from .harness import OpTests


class TestNorm(OpTests):
    family = norm
