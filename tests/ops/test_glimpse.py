from weft.graph.ops import glimpse

from .harness import OpTests


class TestGlimpse(OpTests):
    family = glimpse
