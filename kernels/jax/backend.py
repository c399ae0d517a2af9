"""The JAX backend: one XLA program per segment."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...graph.ir import Node
from ..backend import CompiledSegment
from ..registry import find_kernel, prepare
from ..segment import Segment

_OBJECT = np.dtype(object)

__all__ = ["BACKEND", "JaxBackend"]


class JaxBackend:
    """Runs segments through `jax.jit`; see `backend.Backend`."""

    name = "jax"

    def unavailable(self) -> str | None:
        try:
            import jax  # noqa: F401
        except ImportError as error:
            return str(error)
        return None

    def xp(self) -> Any:
        import jax.numpy as jnp

        return jnp

    def to_device(self, array: Any) -> Any:
        import jax

        if getattr(array, "dtype", None) is _OBJECT:
            return array
        with jax.enable_x64(True):
            return jax.numpy.asarray(array)

    def to_host(self, value: Any) -> Any:
        return np.asarray(value)

    def ends_segment(self, node: Node) -> bool:
        if node.decl.dynamic:
            return True
        found = find_kernel(node.op, self.name)
        return found is not None and found.host

    def compile(self, segment: Segment) -> CompiledSegment:
        import jax

        xp = self.xp()
        rows = [
            (prepare(r.node, "jax", xp, r.in_types, None, {}), r, self.ends_segment(r.node))
            for r in segment.nodes
        ]
        eager = any(alone for _, _, alone in rows)
        static = [p for p, s in enumerate(segment.inputs) if s in segment.host_inputs]

        def run(values: Any) -> Any:
            slots = {**segment.constants, **dict(zip(segment.inputs, values, strict=True))}
            for (function, context), row, _ in rows:
                args = [None if a is None else slots[a] for a in row.args]
                result = function(*args) if context is None else function(context, *args)
                if not isinstance(result, tuple):
                    result = (result,)
                slots.update({s: v for s, v in zip(row.outs, result, strict=False) if s is not None})
            return tuple(slots[s] for s in segment.outputs)

        def call(values: Any) -> Any:
            with jax.enable_x64(True):
                if eager:
                    return run(values)

                def traced(*dynamic: Any) -> Any:
                    given = iter(dynamic)
                    return run([values[p] if p in static else next(given) for p in range(len(values))])

                return jax.jit(traced)(*[v for p, v in enumerate(values) if p not in static])

        return call

    def synchronize(self) -> None:
        return None


BACKEND = JaxBackend()
