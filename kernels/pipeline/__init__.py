"""Datasets as they live on a device: what they are, and the iterators that give their elements."""

from __future__ import annotations
