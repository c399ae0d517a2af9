"""The NumPy backend: straight-line Python over NumPy arrays."""

OVERRIDES = ("dense_updates", "activation", "scan", "segments", "sorting", "special", "specialized")
