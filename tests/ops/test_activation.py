from weft.graph.ops import activation

from .harness import OpTests


class TestActivation(OpTests):
    family = activation
