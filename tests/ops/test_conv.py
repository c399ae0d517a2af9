from weft.graph.ops import conv

from .harness import OpTests


class TestConv(OpTests):
    family = conv
