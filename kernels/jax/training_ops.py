"""Sparse optimizer updates when an index may come twice; see `kernels/training_ops.py`."""

from __future__ import annotations

from typing import Any

from ..registry import KernelContext, kernel
from ..training_ops import SPARSE_UPDATES, SparseUpdate, occurrence


def _register(sparse: SparseUpdate) -> None:
    @kernel(sparse.op_type, on="jax")
    def apply(c: KernelContext, *inputs: Any) -> Any:
        import jax

        values = sparse.named(inputs)
        indices, grad = values["indices"], values["grad"]
        old = [values[s] for s in sparse.slots]
        if not indices.shape[0]:
            return sparse.result(old)
        rows = old[0].shape[0]
        nth = occurrence(c, indices)

        def one_round(number: Any, now: Any) -> Any:
            # What is not of this round is sent out of range, where a scatter drops it.
            chosen = c.xp.where(nth == number, indices, rows)
            return tuple(sparse.step(c, values, now, chosen, grad))

        return sparse.result(jax.lax.fori_loop(0, nth.max() + 1, one_round, tuple(old)))


for _sparse in SPARSE_UPDATES:
    _register(_sparse)
