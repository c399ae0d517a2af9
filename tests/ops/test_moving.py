"""Index tuples, partitions, blocks and rolls: every sample row through every check."""

from weft.graph.ops import blocks, gather_nd, partition, rolling

from .harness import OpTests


class TestGatherNd(OpTests):
    family = gather_nd


class TestPartition(OpTests):
    family = partition


class TestBlocks(OpTests):
    family = blocks


class TestRolling(OpTests):
    family = rolling
