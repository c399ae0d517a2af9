from weft.graph.ops import optional

from .harness import OpTests


class TestOptional(OpTests):
    family = optional
