from weft.graph.ops import control

from .harness import OpTests


class TestControl(OpTests):
    family = control
