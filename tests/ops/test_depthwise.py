from weft.graph.ops import depthwise

from .harness import OpTests


class TestDepthwise(OpTests):
    family = depthwise
