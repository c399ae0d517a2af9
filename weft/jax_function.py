"""JAX functions as ops of the graph."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

from .graph.convert import convert_to_tensor
from .graph.opdef import get_op

__all__ = ["jax_function"]


def jax_function(
    function: Callable[..., Any],
    name: str | None = None,
    order: int = 2,
    platforms: Sequence[str] = ("cpu", "cuda", "tpu"),
) -> Callable[..., Any]:
    """Makes an op of a JAX function.

    The function is traced once per call, for the types and shapes of the tensors, to StableHLO. That, and its
    derivative, are data in the op's attributes: the op runs on every device (on JAX devices inside the compiled
    segment, on others through XLA), in other processes, and from a GraphDef, without the function's Python code.

    Args:
        function: takes arrays of JAX, or nested tuples, lists and dicts of them; gives such too. It must be pure.
        name: name of the op; None for the function's.
        order: how often the op can be differentiated.
        platforms: JAX's names of the platforms that it may run on.

    Returns:
        A function of tensors (nested as `function` takes them), and of `name`, that adds the op to the graph. Its
        result is nested as that of `function`. A first dimension that is not known is the batch, one and the same
        for all arguments; other dimensions that are not known may differ from each other. Numbers that `function`
        makes itself have JAX's usual types: of 32 bits, unless an argument has 64.

    Raises:
        ImportError: JAX is not installed.

    Source:
        `jax.export`; TensorFlow's op XlaCallModule.
    """
    if importlib.util.find_spec("jax") is None:
        raise ImportError("jax_function needs JAX: pip install jax")
    title = name or getattr(function, "__name__", "jax_function").strip("<>")

    def call(*arguments: Any, name: str | None = None) -> Any:
        from .kernels.jax.exported import flattened, nested, trace

        leaves, tree = flattened(arguments)
        tensors = [convert_to_tensor(leaf) for leaf in leaves]
        held = nested(tree, range(len(leaves)))
        traced = trace(
            function, held, [t.dtype for t in tensors], [t.shape for t in tensors], order, platforms
        )
        found = get_op("XlaCallModule")(tensors, name=name or title, **traced.attrs)
        return nested(traced.structure, list(found))

    return call
