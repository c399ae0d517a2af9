"""The JAX backend: a segment as one `jax.jit`."""

OVERRIDES = ("complex", "conv", "depthwise", "pool", "random", "segments", "sorting", "special")
