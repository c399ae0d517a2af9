"""The JAX backend: a segment as one `jax.jit`."""

OVERRIDES = (
    "complex",
    "conv",
    "depthwise",
    "functional",
    "jax_function",
    "linalg",
    "pool",
    "random",
    "reinterpret",
    "segments",
    "sorting",
    "special",
    "training_ops",
)
