"""Versions and build facts, as TensorFlow names them."""

from __future__ import annotations

from .graph.graph_def import PRODUCER as GRAPH_DEF_VERSION

__all__ = [
    "COMPILER_VERSION",
    "GIT_VERSION",
    "GRAPH_DEF_VERSION",
    "GRAPH_DEF_VERSION_MIN_CONSUMER",
    "GRAPH_DEF_VERSION_MIN_PRODUCER",
]

GIT_VERSION = "weft"
COMPILER_VERSION = "Python"
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0
