"""Every op declaration, a family per module; importing this package enters them all into the registry."""

from .. import operators  # noqa: F401
from . import (  # noqa: F401
    activation,
    array,
    bitwise,
    checks,
    compare,
    complex,
    control,
    conv,
    losses,
    math,
    matmul,
    pool,
    random,
    reduction,
    samplers,
    scan,
    scatter,
    source,
    state,
    training_ops,
    transfer,
    unary,
)
