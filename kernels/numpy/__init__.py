"""The NumPy backend: straight-line Python over NumPy arrays."""

OVERRIDES = ("activation", "scan", "segments", "sorting", "special", "specialized")
