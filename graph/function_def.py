"""Functions of a graph's library as FunctionDef messages and back."""

from __future__ import annotations

from typing import Any

from .graph import Graph

__all__ = ["add_functions"]


def add_functions(library: Any, graph: Graph) -> None:
    """Writes the functions that a graph knows into a FunctionDefLibrary."""
    del library, graph
