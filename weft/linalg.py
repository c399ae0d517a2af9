"""`weft.linalg`: linear algebra under TensorFlow's short names."""

from __future__ import annotations

from . import linear_algebra, matrix_functions, norms, products
from .array import matrix_transpose
from .array import matrix_transpose as transpose
from .clip import global_norm
from .linear_algebra import *  # noqa: F403
from .matrix_functions import *  # noqa: F403
from .norms import *  # noqa: F403
from .products import *  # noqa: F403

__all__ = [
    "global_norm",
    "matrix_transpose",
    "transpose",
    *linear_algebra.__all__,
    *matrix_functions.__all__,
    *norms.__all__,
    *products.__all__,
]
