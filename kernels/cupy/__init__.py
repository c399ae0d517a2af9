"""The CuPy backend: straight-line Python over CuPy arrays."""

OVERRIDES = ("segments", "special", "updates")
