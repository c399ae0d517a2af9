from weft.graph.ops import segment, sparse_segment

from .harness import OpTests


class TestSegment(OpTests):
    family = segment


class TestSparseSegment(OpTests):
    family = sparse_segment
