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
from .array import invert_permutation
from .casting import *  # noqa: F403
from .checks import is_non_decreasing, is_strictly_increasing
from .complex_numbers import *  # noqa: F403
from .counting import *  # noqa: F403
from .elementwise import *  # noqa: F403
from .nn import l2_normalize, log_softmax, softmax, softplus, softsign, zero_fraction
from .products import *  # noqa: F403
from .reductions import *  # noqa: F403
from .scans import *  # noqa: F403
from .segments import *  # noqa: F403
from .sorting import *  # noqa: F403
from .special_functions import *  # noqa: F403

__all__ = [
    "invert_permutation",
    "is_non_decreasing",
    "is_strictly_increasing",
    "l2_normalize",
    "log_softmax",
    "softmax",
    "softplus",
    "softsign",
    "zero_fraction",
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
