"""`weft.linalg`: linear algebra under TensorFlow's short names."""

from __future__ import annotations

from . import linear_algebra, matrix_functions, norms, products
from .arranging import diag as tensor_diag
from .arranging import diag_part as tensor_diag_part
from .arranging import matrix_band_part as band_part
from .arranging import matrix_diag as diag
from .arranging import matrix_diag_part as diag_part
from .arranging import matrix_set_diag as set_diag
from .clip import global_norm
from .linear_algebra import *  # noqa: F403
from .matrix_functions import *  # noqa: F403
from .nn import l2_normalize
from .norms import *  # noqa: F403
from .products import *  # noqa: F403
from .shaping import matrix_transpose
from .shaping import matrix_transpose as transpose

__all__ = [
    "band_part",
    "diag",
    "diag_part",
    "global_norm",
    "l2_normalize",
    "matrix_transpose",
    "set_diag",
    "tensor_diag",
    "tensor_diag_part",
    "transpose",
    *linear_algebra.__all__,
    *matrix_functions.__all__,
    *norms.__all__,
    *products.__all__,
]
