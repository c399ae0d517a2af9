from weft.graph.ops import boxes

from .harness import OpTests


class TestBoxes(OpTests):
    family = boxes
