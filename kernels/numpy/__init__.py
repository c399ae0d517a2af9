"""The NumPy backend: straight-line Python over NumPy arrays."""

OVERRIDES = (
    "by_rows",
    "choices",
    "dense_updates",
    "linalg",
    "losses",
    "norm",
    "one_hot",
    "products",
    "remainder",
    "row_updates",
    "scan",
    "segments",
    "sorting",
    "special",
    "specialized",
)
