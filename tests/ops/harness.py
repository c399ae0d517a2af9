"""Every sample row of every op of a family, through every check; a family's test module is a few lines:

    from weft.graph.ops import math

    from .harness import OpTests


    class TestMath(OpTests):
        family = math

A row is run on every backend and compared with NumPy, NumPy with an evaluation in double precision, inferred
shapes (from full, partial and no static shapes) and types with those that the kernel gives, gradients with
central differences, the cost rule with common sense, and the op is sent through a GraphDef and back.

See `graph/samples.py` for what the inputs of a row may be: arrays, Python values, lists of them for list
arguments, `var(value)` for a variable, `built(make)` for anything that other ops make.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pytest

from weft.graph.infer import CostContext, free
from weft.graph.opdef import NoGradient, OpDecl, Sample
from weft.graph.shapes import TensorShape
from weft.kernels.backend import available_backends

from .running import Case, assert_same, assert_valid, gradient_pairs, run_case

BACKENDS = ("numpy", "jax", "cupy")


def declarations(family: ModuleType) -> list[OpDecl]:
    """The ops that a module of `weft.graph.ops` declares, by name."""
    from weft.graph.opdef import all_ops

    own = {id(v): v for v in vars(family).values() if isinstance(v, OpDecl)}
    others = {id(d) for d in all_ops().values()} - own.keys()
    return [d for key, d in own.items() if key not in others]


def rows(family: ModuleType) -> list[Any]:
    """One pytest parameter per sample row of the family."""
    return [
        pytest.param(decl, row, id=f"{decl.name}-{index}")
        for decl in declarations(family)
        for index, row in enumerate(decl.samples())
    ]


@functools.cache
def _backends() -> list[Any]:
    reasons = available_backends()
    return [
        pytest.param(name, marks=[pytest.mark.skip(reason=reasons[name])] if reasons[name] else [])
        for name in BACKENDS
    ]


class OpTests:
    """Base of a family's test class.

    Attributes:
        family: the module of `weft.graph.ops` whose ops are tested.
    """

    family: ClassVar[ModuleType]

    def pytest_generate_tests(self, metafunc: Any) -> None:
        if "row" in metafunc.fixturenames:
            metafunc.parametrize(("decl", "row"), rows(self.family))
        if "backend" in metafunc.fixturenames:
            metafunc.parametrize("backend", _backends())

    def test_values(self, decl: OpDecl, row: Sample, backend: str) -> None:
        """Shape, type and numbers on a backend: NumPy's against double precision, others' against NumPy's."""
        case = Case(decl, row)
        case.skip_without_kernel(backend)
        got = run_case(case, backend)
        assert_valid(case, got)
        if backend != "numpy":
            case.skip_without_kernel("numpy")
            assert_same(case, got, run_case(case, "numpy"))
            return
        double = case.in_double_precision()
        if double is not None:
            assert_same(case, got, run_case(double, "numpy"))

    def test_static_shapes(self, decl: OpDecl, row: Sample) -> None:
        """What is inferred from less than everything never contradicts what is inferred from everything."""
        case = Case(decl, row)
        for hidden in ("values", "dimensions", "ranks"):
            for full, partial in zip(case.shapes(), case.shapes(hidden), strict=True):
                assert partial.is_compatible_with(full), (
                    f"{decl.name} without {hidden}: {partial}, not {full}"
                )

    def test_gradient(self, decl: OpDecl, row: Sample) -> None:
        if isinstance(decl.gradient, NoGradient) or row.grad == ():
            return
        case = Case(decl, row)
        for position, got, expected, tolerance in gradient_pairs(case):
            np.testing.assert_allclose(
                got, expected, rtol=tolerance, atol=tolerance, err_msg=f"gradient for input {position}"
            )

    def test_cost(self, decl: OpDecl, row: Sample) -> None:
        case = Case(decl, row)
        node, inputs = case.node, case.in_specs()
        outputs = [
            (s.known() if s.is_fully_defined() else (1,), t)
            for s, t in zip(node.shapes, node.types, strict=True)
        ]
        context = CostContext(
            node.attrs,
            [s for s, _ in inputs],
            [s for s, _ in outputs],
            [t for _, t in inputs],
            [t for _, t in outputs],
        )
        cost = decl.cost(context)
        assert cost.flops >= 0 and cost.bytes >= 0
        if decl.cost is not free and any(0 not in s for s, _ in (*inputs, *outputs)):
            assert cost.bytes > 0

    def test_graph_def(self, decl: OpDecl, row: Sample) -> None:
        """The op, written to a GraphDef and read back, is the same op."""
        from weft.graph.graph import Graph
        from weft.graph.import_graph import import_graph_def

        case = Case(decl, row)
        read = Graph()
        with read.as_default():
            import_graph_def(case.graph.as_graph_def(), name="")
        op = read.get_operation_by_name(case.op.name)
        assert op.node_def == case.op.node_def
        assert op.type == decl.name
        assert [t.dtype for t in op.outputs] == [t.dtype for t in case.op.outputs]
        assert [TensorShape(t.shape) for t in op.outputs] == [TensorShape(t.shape) for t in case.op.outputs]
