"""The JAX backend: a segment as one `jax.jit`."""

OVERRIDES = ("conv", "pool", "random")
