"""Rewrites of every op's sample rows and their gradients: the numbers and the shapes stay what they were."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from weft.graph.elements import Tensor
from weft.graph.gradients import gradients
from weft.graph.indexed_slices import IndexedSlices
from weft.graph.ir import Node, Subgraph
from weft.graph.opdef import NoGradient, OpDecl, Sample, all_ops
from weft.graph.prune import prune
from weft.graph.rewrites import optimize
from weft.graph.samples import Built
from weft.kernels.backend import get_backend
from weft.kernels.registry import bind, find_kernel
from weft.kernels.segment import whole_segment

from ..ops.running import Case, assert_same


def evaluate(node: Node, inputs: Sequence[Any]) -> tuple[Any, ...]:
    result = bind(node, "numpy", np, node.decl.input_types(node.attrs))(*inputs)
    return tuple(result) if len(node.types) > 1 else (result,)


def _rows() -> list[Any]:
    return [
        pytest.param(decl, row, id=f"{name}-{i}", marks=[pytest.mark.slow] if i else [])
        for name, decl in sorted(all_ops().items())
        if decl.state.kind == "pure" and find_kernel(name, "numpy") is not None
        for i, row in enumerate(decl.samples())
        if not any(isinstance(v, Built) for v in row.inputs)
    ]


def with_gradients(case: Case) -> tuple[Subgraph, list[Any]]:
    """A step that fetches the op's results and gradients, and its feeds, of which the graph knows only the rank."""
    fetches: list[Tensor] = list(case.op.outputs)
    ys = [t for t in case.op.outputs if t.dtype.is_floating]
    wanted = [i for i, t in enumerate(case.inputs) if t.dtype.is_floating]
    if case.row.grad is not None:
        wanted = list(case.row.grad)
    if ys and wanted and not isinstance(case.decl.gradient, NoGradient):
        with case.graph.as_default():
            fetches += _tensors(ys, [case.inputs[i] for i in wanted])
    subgraph = prune(case.graph, fetches, list(case.feeds), [])
    return subgraph, [v for t, v in case.feeds.items() if t.name in subgraph.feeds]


def _tensors(ys: Sequence[Tensor], xs: Sequence[Tensor]) -> list[Tensor]:
    """The gradients of `ys` by `xs`; none where the rule says that it needs what the graph does not know."""
    found: list[Tensor] = []
    try:
        made = gradients(ys, xs)
    except (LookupError, ValueError) as error:
        if "known" not in str(error) and "fast=True" not in str(error):
            raise
        return []
    for grad in made:
        if isinstance(grad, IndexedSlices):
            found += [grad.values, grad.indices]
        elif grad is not None:
            found.append(grad)
    return found


def run(subgraph: Subgraph, names: Sequence[str], feeds: Sequence[Any]) -> list[Any]:
    given = dict(zip(names, feeds, strict=True))
    whole = whole_segment(subgraph)
    return list(get_backend("numpy").compile(whole.segment)([given[n] for n in whole.feeds]))


@pytest.mark.parametrize(("decl", "row"), _rows())
def test_numbers_stay(decl: OpDecl, row: Sample) -> None:
    case = Case(decl, row, hide_dimensions=True)
    before, feeds = with_gradients(case)
    names = list(before.feeds.values())
    expected = run(before, names, feeds)
    known, known_feeds = with_gradients(Case(decl, row))
    if len(known.fetches) == len(expected):
        same(run(known, list(known.feeds.values()), known_feeds), expected)
    shapes = {n: np.shape(f) for n, f in zip(names, feeds, strict=True)}
    for after in (
        optimize(before, evaluate, check=True),
        optimize(before, evaluate, shapes, check=True),
    ):
        got = run(after, names, feeds)
        count = len(case.op.outputs)
        assert_same(case, got[:count], expected[:count])
        same(got, expected)
        for ref, value in zip(after.fetches, got, strict=True):
            assert after.dtype(ref).kind == "v" or after.shape(ref).is_compatible_with(np.shape(value))


def same(got: Sequence[Any], expected: Sequence[Any]) -> None:
    for a, b in zip(got, expected, strict=True):
        if isinstance(b, (np.ndarray, np.generic)) and b.dtype.kind in "fc":
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
