"""Every op has a kernel, or a reason in words for having none, on every backend."""

from __future__ import annotations

import pytest

from weft.graph.opdef import NoGradient, all_ops
from weft.kernels.registry import find_kernel, supports, waiver


@pytest.mark.parametrize("backend", ["numpy", "jax", "cupy"])
def test_every_op_has_a_kernel_or_a_waiver(backend: str) -> None:
    # Nodes whose type begins with "_" are run by the devices themselves: feeds, transfers.
    computed = [name for name in all_ops() if not name.startswith("_")]
    missing = [name for name in computed if find_kernel(name, backend) is None and not waiver(name, backend)]
    assert not missing, f"neither a kernel nor a waiver on {backend}: {', '.join(sorted(missing))}"


def test_the_null_backend_supports_every_op() -> None:
    assert [name for name in all_ops() if not supports(name, "null")] == []


def test_numpy_computes_all_that_any_backend_computes() -> None:
    """NumPy is what the others are compared with, and what constants are folded with."""
    lacking = [n for n in all_ops() if find_kernel(n, "numpy") is None and find_kernel(n, "jax") is not None]
    assert lacking == []


def test_reasons_are_sentences() -> None:
    for decl in all_ops().values():
        assert decl.doc, f"{decl.name} has no doc"
        if isinstance(decl.gradient, NoGradient):
            assert len(decl.gradient.reason.split()) >= 2, f"{decl.name}: {decl.gradient.reason!r}"
