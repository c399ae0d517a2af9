from weft.graph.ops import pool3d

from .harness import OpTests


class TestPool3d(OpTests):
    family = pool3d
