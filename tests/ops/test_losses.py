from weft.graph.ops import losses

from .harness import OpTests


class TestLosses(OpTests):
    family = losses
