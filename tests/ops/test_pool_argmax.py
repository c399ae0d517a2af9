from weft.graph.ops import pool_argmax

from .harness import OpTests


class TestPoolArgmax(OpTests):
    family = pool_argmax
