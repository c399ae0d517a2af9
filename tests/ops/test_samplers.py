from weft.graph.ops import samplers

from .harness import OpTests


class TestSamplers(OpTests):
    family = samplers
