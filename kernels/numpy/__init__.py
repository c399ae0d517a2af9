"""The NumPy backend: straight-line Python over NumPy arrays."""

OVERRIDES = (
    "choices",
    "dense_updates",
    "linalg",
    "products",
    "remainder",
    "row_updates",
    "scan",
    "segments",
    "sorting",
    "special",
    "specialized",
)
