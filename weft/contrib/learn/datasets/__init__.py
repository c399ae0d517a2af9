"""Readers of data sets in users' own files: `tf.contrib.learn.datasets`."""

from __future__ import annotations

from . import base, mnist
from .base import Dataset, Datasets, load_csv_with_header, load_csv_without_header

__all__ = ["Dataset", "Datasets", "base", "load_csv_with_header", "load_csv_without_header", "mnist"]
