from weft.graph.ops import math

from .harness import OpTests


class TestMath(OpTests):
    family = math
