from weft.graph.ops import resize

from .harness import OpTests


class TestResize(OpTests):
    family = resize
