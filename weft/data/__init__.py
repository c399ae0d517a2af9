"""Input pipelines: datasets, and iterators that live on a device; TensorFlow 1's `tf.data`."""

from __future__ import annotations

from . import experimental
from .dataset import Dataset
from .files import FixedLengthRecordDataset, TextLineDataset, TFRecordDataset
from .iterators import (
    Iterator,
    get_output_classes,
    get_output_shapes,
    get_output_types,
    make_initializable_iterator,
    make_one_shot_iterator,
)
from .ray_source import from_ray
from .structure import DatasetSpec, TensorSpec

__all__ = [
    "Dataset",
    "DatasetSpec",
    "FixedLengthRecordDataset",
    "Iterator",
    "TFRecordDataset",
    "TensorSpec",
    "TextLineDataset",
    "experimental",
    "from_ray",
    "get_output_classes",
    "get_output_shapes",
    "get_output_types",
    "make_initializable_iterator",
    "make_one_shot_iterator",
]
