"""The NumPy backend: straight-line Python over NumPy arrays."""

OVERRIDES = ("dense_updates", "linalg", "scan", "segments", "sorting", "special", "specialized")
