"""The error classes that building and running graphs raise, as TensorFlow names them."""

from .graph.errors import *  # noqa: F403
from .graph.errors import __all__ as __all__
