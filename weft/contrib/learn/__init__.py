"""Data sets in the form of TensorFlow's `contrib.learn`."""

from __future__ import annotations

from . import datasets

__all__ = ["datasets"]
