from weft.graph.ops import pool

from .harness import OpTests


class TestPool(OpTests):
    family = pool
