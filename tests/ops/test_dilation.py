from weft.graph.ops import dilation

from .harness import OpTests


class TestDilation(OpTests):
    family = dilation
