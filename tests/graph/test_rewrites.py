from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from weft.graph.default_graph import get_default_graph
from weft.graph.elements import Tensor
from weft.graph.errors import InvalidArgumentError
from weft.graph.gradients import gradients
from weft.graph.graph import Graph
from weft.graph.ir import Node, Subgraph, check_subgraph
from weft.graph.ops.array import (
    BroadcastTo,
    Fill,
    OnesLike,
    Pack,
    Reshape,
    Shape,
    Split,
    StridedSlice,
    Transpose,
)
from weft.graph.ops.checks import Assert
from weft.graph.ops.control import Identity, NoOp
from weft.graph.ops.math import AddN, AddV2, Cast, Mul, Neg, Pow, RealDiv, Sub
from weft.graph.ops.matmul import MatMul
from weft.graph.ops.random import RandomUniform
from weft.graph.ops.reduction import Mean, Sum
from weft.graph.ops.source import Placeholder
from weft.graph.ops.state import AssignAddVariableOp, AssignVariableOp, ReadVariableOp, VarHandleOp
from weft.graph.ops.unary import Square
from weft.graph.prune import prune
from weft.graph.rewrites import optimize
from weft.graph.rewrites.order import state_order
from weft.graph.versions import state_versions
from weft.kernels.backend import get_backend
from weft.kernels.registry import bind
from weft.kernels.segment import whole_segment


def evaluate(node: Node, inputs: Sequence[Any]) -> tuple[Any, ...]:
    result = bind(node, "numpy", np, node.decl.input_types(node.attrs))(*inputs)
    return tuple(result) if len(node.types) > 1 else (result,)


def step(build: Callable[..., Any], *specs: tuple[Any, Any], targets: Sequence[str] = ()) -> Subgraph:
    """What `build` makes of placeholders, pruned to what it returns."""
    graph = Graph()
    with graph.as_default():
        feeds = [Placeholder(dtype=d, shape=s, name=f"x{i}") for i, (d, s) in enumerate(specs)]
        made = build(*feeds)
    fetches = [made] if isinstance(made, Tensor) else list(made)
    return prune(graph, fetches, feeds, [graph.get_operation_by_name(t) for t in targets])


def run(subgraph: Subgraph, *feeds: Any) -> list[Any]:
    names = [f"x{i}:0" for i in range(len(feeds))]
    order = [subgraph.feeds[n] for n in names if n in subgraph.feeds]
    given = [f for n, f in zip(names, feeds, strict=True) if n in subgraph.feeds]
    return list(get_backend("numpy").compile(whole_segment(subgraph, order).segment)(given))


def optimized(subgraph: Subgraph, shapes: dict[str, tuple[int, ...]] | None = None) -> Subgraph:
    made = optimize(subgraph, evaluate, shapes, check=True)
    check_subgraph(made)
    assert made.feeds == subgraph.feeds and made.targets == subgraph.targets
    assert len(made.fetches) == len(subgraph.fetches)
    assert optimize(made, evaluate, check=True) is made, "a second run still finds something"
    return made


def same_numbers(before: Subgraph, after: Subgraph, *feeds: Any) -> None:
    for a, b in zip(run(before, *feeds), run(after, *feeds), strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.dtype == b.dtype and np.shape(a) == np.shape(b)


def ops(subgraph: Subgraph) -> Counter[str]:
    return Counter(n.op for n in subgraph.nodes.values() if n.op != "_Feed")


X = np.arange(6, dtype=np.float32).reshape(2, 3) - 2
MATRIX = ("float32", [2, 3])
ROWS = ("float32", [None, 3])


# Folding and shapes


def test_constants_are_folded() -> None:
    before = step(lambda x: AddV2(x, Mul(AddV2(np.float32(1), np.float32(2)), np.float32(4))), MATRIX)
    after = optimized(before)
    assert ops(after) == {"AddV2": 1, "Const": 1}
    same_numbers(before, after, X)


def test_outputs_of_a_folded_op_are_constants_each() -> None:
    before = step(lambda x: [AddV2(part, x) for part in Split(1, X[:, :2], num_split=2)], ("float32", [2, 1]))
    after = optimized(before)
    assert ops(after) == {"AddV2": 2, "Const": 2}
    same_numbers(before, after, X[:, :1])


def test_what_fails_is_left_to_fail_when_it_runs() -> None:
    from weft.graph.ops.indexing import GatherV2

    before = step(lambda x: AddV2(x, GatherV2(X, [7], 0)), ("float32", [1, 3]))
    after = optimized(before)
    assert ops(after)["GatherV2"] == 1
    with pytest.raises(InvalidArgumentError, match="GatherV2"):
        run(after, X[:1])


def test_large_results_are_not_carried_around() -> None:
    after = optimized(step(lambda x: AddV2(x, Fill([1000, 1000], np.float32(2))), ("float32", [])))
    assert ops(after)["Fill"] == 1


def test_known_shapes_are_folded_unknown_ones_not() -> None:
    def build(x: Any) -> Any:
        return Reshape(Neg(x), Pack([StridedSlice(Shape(x), [0], [1], [1], shrink_axis_mask=1), 3, 1]))

    known = optimized(step(build, MATRIX))
    assert ops(known) == {"Neg": 1, "Reshape": 1, "Const": 1}
    same_numbers(step(build, MATRIX), known, X)
    unknown = step(build, ROWS)
    assert ops(optimized(unknown))["Shape"] == 1
    special = optimized(unknown, {"_feed/x0_0": (2, 3)})
    assert ops(special) == {"Neg": 1, "Reshape": 1, "Const": 1}
    assert special.nodes[special.fetches[0][0]].shapes[0].known() == (2, 3, 1)
    same_numbers(unknown, special, X)


def test_broadcasting_gradients_fold_for_known_batches() -> None:
    def build(x: Any, y: Any) -> Any:
        return gradients(Mean(Square(Sub(Mul(x, y), x)), [0, 1]), [x, y])

    before = step(build, ROWS, ("float32", [None]))
    assert ops(before)["BroadcastGradientArgs"]
    after = optimized(before, {"_feed/x0_0": (2, 3), "_feed/x1_0": (3,)})
    left = ops(after)
    assert not left["BroadcastGradientArgs"] and not left["Shape"]
    assert sum(left.values()) < sum(ops(before).values()) / 2
    for a, b in zip(run(before, X, X[0]), run(after, X, X[0]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_feeds_that_break_a_rule_are_refused_by_name() -> None:
    before = step(lambda x, y: MatMul(x, y, name="product"), ROWS, ("float32", [None, 2]))
    with pytest.raises(InvalidArgumentError, match="product"):
        optimize(before, evaluate, {"_feed/x0_0": (2, 3), "_feed/x1_0": (4, 2)})


# Nodes that do nothing


@pytest.mark.parametrize(
    "build",
    [
        lambda x: Identity(x),
        lambda x: AddV2(x, np.float32(0)),
        lambda x: AddV2(np.zeros((2, 3), np.float32), x),
        lambda x: Sub(x, np.float32(0)),
        lambda x: Mul(x, np.float32(1)),
        lambda x: Mul(np.ones((1, 3), np.float32), x),
        lambda x: Mul(x, OnesLike(x)),
        lambda x: RealDiv(x, np.float32(1)),
        lambda x: Pow(x, np.float32(1)),
        lambda x: Neg(Neg(x)),
        lambda x: Reshape(x, [2, 3]),
        lambda x: Reshape(Reshape(x, [3, 2]), [2, 3]),
        lambda x: Transpose(Transpose(x, [1, 0]), [1, 0]),
        lambda x: Transpose(x, [0, 1]),
        lambda x: BroadcastTo(x, [2, 3]),
        lambda x: Sum(x, np.zeros(0, np.int32)),
        lambda x: Cast(x, DstT="float32"),
        lambda x: AddN([x]),
    ],
)
def test_what_changes_nothing_is_left_out(build: Callable[..., Any]) -> None:
    before = step(lambda x: Square(build(Neg(x))), MATRIX)
    after = optimized(before)
    assert ops(after) == {"Neg": 1, "Square": 1}
    same_numbers(before, after, X)


@pytest.mark.parametrize(
    ("build", "op"),
    [
        (lambda x: AddV2(x, np.zeros((4, 2, 3), np.float32)), "AddV2"),
        (lambda x: Mul(x, np.ones((5, 1, 1), np.float32)), "Mul"),
        (lambda x: Mul(x, np.array([1, 1, 2], np.float32)), "Mul"),
        (lambda x: Sub(np.float32(0), x), "Sub"),
        (lambda x: RealDiv(np.float32(1), x), "RealDiv"),
        (lambda x: Transpose(Transpose(x, [1, 0]), [0, 1]), "Transpose"),
    ],
)
def test_what_changes_the_shape_or_the_numbers_stays(build: Callable[..., Any], op: str) -> None:
    before = step(lambda x: Square(build(Neg(x))), MATRIX)
    after = optimized(before)
    assert ops(after)[op] == 1
    same_numbers(before, after, X)


def test_unknown_dimensions_are_not_taken_for_equal() -> None:
    before = step(lambda x: Square(AddV2(x, np.zeros((1, 3), np.float32))), ("float32", None))
    after = optimized(before)
    assert ops(after)["AddV2"] == 1
    same_numbers(before, after, X[0])


def test_fetches_of_what_is_left_out_follow_in_order() -> None:
    before = step(lambda x: [Identity(Neg(x)), x, Identity(x), Neg(x)], MATRIX)
    after = optimized(before)
    assert ops(after) == {"Neg": 1}
    assert after.fetches[0] == after.fetches[3] and after.fetches[1] == after.fetches[2] == ("_feed/x0_0", 0)
    same_numbers(before, after, X)


def test_transposed_operands_are_read_the_other_way_round() -> None:
    before = step(lambda x, y: MatMul(Transpose(x, [1, 0]), y), MATRIX, ("float32", [2, 4]))
    after = optimized(before)
    assert ops(after) == {"MatMul": 1}
    np.testing.assert_allclose(run(after, X, X[:, [0, 1, 2, 0]])[0], X.T @ X[:, [0, 1, 2, 0]])


def test_broadcasts_sink_and_are_absorbed() -> None:
    def build(x: Any) -> Any:
        spread = BroadcastTo(Reshape(Sum(x, [0, 1]), [1, 1]), [2, 3])
        return Mul(RealDiv(spread, np.float32(3)), x)

    before = step(build, MATRIX)
    after = optimized(before)
    assert ops(after) == {"Sum": 1, "RealDiv": 1, "Mul": 1, "Const": 2}
    assert after.nodes[after.nodes[after.fetches[0][0]].inputs[0][0]].shapes[0].num_elements() == 1
    same_numbers(before, after, X)


# Common subexpressions


def test_what_is_computed_twice_is_computed_once() -> None:
    before = step(lambda x: AddV2(Square(Neg(x)), Square(Neg(x))), MATRIX)
    after = optimized(before)
    assert ops(after) == {"Neg": 1, "Square": 1, "AddV2": 1}
    same_numbers(before, after, X)


def test_attributes_devices_and_waits_tell_nodes_apart() -> None:
    def build(x: Any) -> Any:
        graph = get_default_graph()
        a, b = Sum(x, [0]), Sum(x, [0], keep_dims=True)
        with graph.device("/job:ps/task:0"):
            c = Sum(x, [0])
        with graph.control_dependencies([Assert(True, [x])]):
            d = Sum(x, [0])
        return [a, b, c, d, Sum(x, [0])]

    after = optimized(step(build, MATRIX))
    assert ops(after)["Sum"] == 4


def test_random_numbers_are_drawn_by_each_node() -> None:
    def build() -> Any:
        return [RandomUniform([2], dtype="float32", seed=1, seed2=2) for _ in range(2)]

    assert ops(optimized(step(build)))["RandomUniform"] == 2


# State, targets, order


def variable(name: str = "v", shape: Sequence[int] = (2, 3)) -> Tensor:
    made: Tensor = VarHandleOp(dtype="float32", shape=shape, shared_name=name, name=name)
    return made


def test_targets_and_effects_stay() -> None:
    def build(x: Any) -> Any:
        graph = get_default_graph()
        with graph.control_dependencies([Assert(True, [x], name="checked")]):
            same = Identity(x)
        Identity(x, name="target")
        with graph.control_dependencies([same]):
            NoOp(name="done")
        return same

    after = optimized(step(build, MATRIX, targets=["target", "done"]))
    assert {"target", "done", "checked"} <= after.nodes.keys()
    assert after.fetches == (("_feed/x0_0", 0),)


def test_a_read_that_came_after_a_write_still_does() -> None:
    """The shape of a written value is known beforehand, but who waited for it waited for the write."""

    def build(x: Any) -> Any:
        graph = get_default_graph()
        handle = variable()
        write = AssignVariableOp(handle, x, name="write")
        with graph.control_dependencies([write]):
            written = ReadVariableOp(handle, dtype="float32", name="between")
        with graph.control_dependencies([Shape(written, name="asked").op]):
            return [ReadVariableOp(handle, dtype="float32", name="after"), Shape(written)]

    before = step(build, MATRIX)
    after = optimized(before)
    assert state_versions(after).accesses["after"] == state_versions(before).accesses["after"]
    assert "between" not in after.nodes and "write" in after.nodes


def test_writes_keep_their_order() -> None:
    def build(x: Any) -> Any:
        first, second = variable("a"), variable("b", ())
        write = AssignAddVariableOp(first, x, name="first")
        with get_default_graph().control_dependencies([write]):
            now = ReadVariableOp(first, dtype="float32")
        rows = Cast(StridedSlice(Shape(now), [0], [1], [1], shrink_axis_mask=1), DstT="float32")
        AssignAddVariableOp(second, rows, name="second")
        return ReadVariableOp(first, dtype="float32")

    before = step(build, MATRIX, targets=["second"])
    after = optimized(before)
    assert ops(after)["Shape"] == 0
    assert state_order(after).before["second"] == 1
    assert after.nodes["second"].control == ("first",)


def test_devices_are_kept() -> None:
    def build(x: Any) -> Any:
        with get_default_graph().device("/job:ps/task:1"):
            there = Identity(x, name="there")
            total = AddV2(np.float32(1), np.float32(2), name="total")
        return [Neg(there), AddV2(total, x)]

    after = optimized(step(build, MATRIX))
    assert after.nodes["there"].device == "/job:ps/task:1"
    assert after.nodes["total"].op == "Const" and after.nodes["total"].device == "/job:ps/task:1"


def test_bodies_of_functions_are_optimized_too() -> None:
    body = step(lambda x: AddV2(Identity(x), AddV2(np.float32(1), np.float32(2))), MATRIX)
    outer = replace(step(lambda x: Neg(x), MATRIX), functions={"body": body})
    after = optimize(outer, evaluate, check=True)
    assert ops(after.functions["body"]) == {"AddV2": 1, "Const": 1}


def test_fifty_thousand_nodes_in_seconds() -> None:
    """Linear work: as many rule applications per node for a large graph as for a small one."""
    import cProfile
    import pstats

    def calls(layers: int) -> int:
        def build(x: Any) -> Any:
            for _ in range(layers):
                x = AddV2(Mul(Identity(x), np.float32(2)), Neg(Neg(x)))
            return x

        subgraph = step(build, MATRIX)
        profile = cProfile.Profile()
        made = profile.runcall(optimize, subgraph, evaluate)
        assert ops(made)["Mul"] == layers
        return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]

    small, large = calls(100), calls(1000)
    assert large < 12 * small
