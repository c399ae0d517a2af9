"""The parts of TensorFlow's `contrib` that programs use most."""

from __future__ import annotations

from . import framework, layers, lookup, slim

__all__ = ["framework", "layers", "lookup", "slim"]
