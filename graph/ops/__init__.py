"""Every op declaration, a family per module; importing this package enters them all into the registry."""

from . import (  # noqa: F401
    activation,
    array,
    control,
    conv,
    losses,
    math,
    pool,
    random,
    reduction,
    source,
    state,
)
