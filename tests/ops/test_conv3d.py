from weft.graph.ops import conv3d

from .harness import OpTests


class TestConv3d(OpTests):
    family = conv3d
