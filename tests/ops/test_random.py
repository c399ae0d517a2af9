from weft.graph.ops import random

from .harness import OpTests


class TestRandom(OpTests):
    family = random
