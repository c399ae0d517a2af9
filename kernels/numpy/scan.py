"""Running sums of exponentials, for which NumPy's ufunc has a loop of its own."""

from __future__ import annotations

import numpy as np

from ..registry import kernel
from ..scan import logsumexp_with

kernel("CumulativeLogsumexp", on="numpy")(
    logsumexp_with(lambda _, x, axis: np.logaddexp.accumulate(x, axis=axis))
)
