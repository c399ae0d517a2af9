"""Every op declaration, a family per module; importing this package enters them all into the registry."""

from . import array, control, math, reduction, source, state  # noqa: F401
