from weft.graph.ops import counting, sorting

from .harness import OpTests


class TestSorting(OpTests):
    family = sorting


class TestCounting(OpTests):
    family = counting
