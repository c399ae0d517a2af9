from weft.graph.ops import color

from .harness import OpTests


class TestColor(OpTests):
    family = color
