"""`weft.math`: everything that computes with numbers, under one name."""

from __future__ import annotations

from . import casting, clip, complex_numbers, elementwise, products, reductions
from .casting import *  # noqa: F403
from .clip import *  # noqa: F403
from .complex_numbers import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .products import *  # noqa: F403
from .reductions import *  # noqa: F403

__all__ = [
    *casting.__all__,
    *clip.__all__,
    *complex_numbers.__all__,
    *elementwise.__all__,
    *products.__all__,
    *reductions.__all__,
]
