"""`tf.manip`: another name for some functions on arrays."""

from __future__ import annotations

from .arranging import batch_to_space_nd, roll, space_to_batch_nd
from .array import reverse, tile
from .picking import gather_nd, scatter_nd
from .shaping import reshape

__all__ = [
    "batch_to_space_nd",
    "gather_nd",
    "reshape",
    "reverse",
    "roll",
    "scatter_nd",
    "space_to_batch_nd",
    "tile",
]
