from weft.graph.ops import checks

from .harness import OpTests


class TestChecks(OpTests):
    family = checks
