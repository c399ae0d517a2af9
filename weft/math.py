"""`weft.math`: everything that computes with numbers, under one name."""

from __future__ import annotations

from . import (
    casting,
    complex_numbers,
    counting,
    elementwise,
    products,
    reductions,
    scans,
    segments,
    sorting,
    special_functions,
)
from .casting import *  # noqa: F403
from .complex_numbers import *  # noqa: F403
from .counting import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .products import *  # noqa: F403
from .reductions import *  # noqa: F403
from .scans import *  # noqa: F403
from .segments import *  # noqa: F403
from .sorting import *  # noqa: F403
from .special_functions import *  # noqa: F403

__all__ = [
    *casting.__all__,
    *complex_numbers.__all__,
    *counting.__all__,
    *elementwise.__all__,
    *products.__all__,
    *reductions.__all__,
    *scans.__all__,
    *segments.__all__,
    *sorting.__all__,
    *special_functions.__all__,
]
