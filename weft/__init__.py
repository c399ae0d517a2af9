"""Build graphs of tensor operations and run them across the devices of a Ray cluster.

This module is the public interface: TensorFlow 1's names, so that `import weft as tf` is the only line of a
program that changes. What is not listed here is private.

The names are listed in `__init__.pyi`, with the module that defines each. A name is imported when it is first used, so
that `import weft` costs next to nothing.
"""

import lazy_loader

__version__ = "0.1.0"
VERSION = __version__

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
