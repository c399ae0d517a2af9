"""Graphs that TensorFlow wrote, kept as files, run to numbers worked out by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.graph.errors import InvalidArgumentError
from weft.graph.import_upgrades import newer
from weft.graph.opdef import find_op
from weft.graph.protos import from_text, protos

DATA = Path(__file__).with_name("data")
VALUES = (0.5, 2.0, -3.0)


def _read(name: str) -> Any:
    return from_text("GraphDef", (DATA / f"{name}.pbtxt").read_text())


def _run(name: str, fetches: list[str], *feeds: Any, setup: str = "") -> list[Any]:
    with tf.Graph().as_default():
        tf.import_graph_def(_read(name), name="")
        with tf.Session() as sess:
            if setup:
                sess.run(setup)
            return [sess.run(fetches, {"x:0": x}) for x in feeds] if feeds else sess.run(fetches)


def _nested_loops(x: float) -> tuple[float, float]:
    s = 0.5
    for i in range(4):
        for j in range(i):
            s += x * j
    return 4, s


def _branches(x: float) -> tuple[float, ...]:
    a = x * 2 if x > 1 else x - 1
    b, c = (a + 1, 3.0) if x > 1 else (x, a * a)
    d = (a if a > 0 else -a) if x < 0 else b + c
    return a, b, c, d


def _branch_in_a_loop(x: float) -> tuple[float, float]:
    s = 1.0
    for i in range(6):
        s = s + x if i % 2 == 0 else s * 2
    return 6, s


@pytest.mark.parametrize("x", VALUES)
def test_loops(x: float) -> None:
    for name in ("old_loops", "new_loops"):
        fetches = ["while/Exit:0", "while/Exit_1:0"] if name == "old_loops" else ["while:2", "while:3"]
        (got,) = _run(name, fetches, x)
        np.testing.assert_allclose(got, _nested_loops(x), rtol=1e-6)


@pytest.mark.parametrize("x", VALUES)
def test_branches(x: float) -> None:
    old = ["cond/Merge:0", "cond_1/Merge:0", "cond_1/Merge_1:0", "cond_2/Merge:0"]
    np.testing.assert_allclose(_run("old_branches", old, x)[0], _branches(x), rtol=1e-6)
    new = ["cond/Identity:0", "cond_1/Identity:0", "cond_1/Identity_1:0", "cond_2/Identity:0"]
    np.testing.assert_allclose(_run("new_branches", new, x)[0], _branches(x), rtol=1e-6)


@pytest.mark.parametrize("x", VALUES)
def test_branch_in_a_loop(x: float) -> None:
    (got,) = _run("old_branch_in_loop", ["while/Exit:0", "while/Exit_1:0"], x)
    np.testing.assert_allclose(got, _branch_in_a_loop(x), rtol=1e-6)


def test_old_variables() -> None:
    start = np.arange(6, dtype=np.float32).reshape(3, 2)
    np.testing.assert_array_equal(_run("old_variables", ["read:0"], setup="setup")[0], start * 2)
    np.testing.assert_array_equal(_run("old_variables", ["Add:0"], setup="setup")[0], start * 2 + 1)
    assert _run("old_variables", ["AssignSub:0"], setup="setup") == [4.0]
    scattered = np.array([[9, 9], [2, 103], [8, 8]], np.float32)
    np.testing.assert_array_equal(_run("old_variables", ["ScatterNdAdd:0"], setup="setup")[0], scattered)
    assert _run("old_variables", ["CountUpTo:0", "IsVariableInitialized:0"], setup="setup") == [0, True]
    assert _run("old_variables", ["IsVariableInitialized:0"]) == [False]
    with pytest.raises(tf.errors.FailedPreconditionError, match="v"):
        _run("old_variables", ["v:0"])


def test_functions() -> None:
    for x in VALUES:
        (got,) = _run("functions", ["PartitionedCall:0", "PartitionedCall_1:0"], x)
        np.testing.assert_allclose(got[0], x * (x + 1), rtol=1e-6)
        np.testing.assert_allclose(got[1], np.full((2, 2), x), rtol=1e-6)
        first = x + 6 * x
        (got,) = _run("old_functions", ["pair_pkcRxMmagH0:0", "mul_1:0"], x)
        np.testing.assert_allclose(got, [first, (x - 3 * x) * first], rtol=1e-6)


@pytest.mark.parametrize("name", sorted(p.stem for p in DATA.glob("*.pbtxt")))
def test_what_is_written_reads_the_same(name: str) -> None:
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(_read(name), name="")
        once = graph.as_graph_def()
    with tf.Graph().as_default() as graph:
        tf.import_graph_def(once, name="")
        twice = graph.as_graph_def()
    assert list(twice.node) == list(once.node)
    assert {f.signature.name for f in twice.library.function} == {
        f.signature.name for f in once.library.function
    }


def test_shapes_flow_into_functions() -> None:
    """A body knows the shapes of what it is called with."""
    tf.import_graph_def(_read("functions"), name="")
    graph = tf.get_default_graph()
    assert graph.get_tensor_by_name("PartitionedCall_1:0").shape == [2, 2]
    shapes = {t.shape for f in graph.functions.values() for t in f.inputs}
    assert tf.TensorShape([2, 2]) in shapes


def test_two_imports_keep_their_functions_apart() -> None:
    graph = tf.get_default_graph()
    for prefix in ("a", "b"):
        tf.import_graph_def(_read("old_branches"), name=prefix)
    names = set(graph.functions)
    assert len(names) == 2 * len({n.removesuffix("_1") for n in names})
    with tf.Session() as sess:
        for prefix in ("a", "b"):
            got = sess.run(f"{prefix}/cond_2/Merge:0", {f"{prefix}/x:0": 2.0})
            assert got == _branches(2.0)[3]


def test_an_unstructured_merge_is_refused() -> None:
    text = "".join(
        f'node {{ name: "{name}" op: "{op}" {"".join(f"input: {chr(34)}{i}{chr(34)} " for i in inputs)}'
        f'attr {{ key: "{"dtype" if op == "Placeholder" else "T"}" value {{ type: {kind} }} }} }}\n'
        for name, op, inputs, kind in (
            ("x", "Placeholder", [], "DT_FLOAT"),
            ("p", "Placeholder", [], "DT_BOOL"),
            ("q", "Placeholder", [], "DT_BOOL"),
            ("s", "Switch", ["x", "p"], "DT_FLOAT"),
            ("t", "Switch", ["x", "q"], "DT_FLOAT"),
            ("m", "Merge", ["s:0", "t:1"], "DT_FLOAT"),
        )
    )
    message = from_text("GraphDef", text)
    message.node[-1].attr["N"].i = 2
    with pytest.raises(InvalidArgumentError, match=r"'s' runs if not p:0, 't' runs if q:0"):
        tf.import_graph_def(message)


def _old(op: str, inputs: list[Any], fetch: int = 0, **attrs: Any) -> Any:
    """What an old op gives for constant inputs."""
    from weft.graph.attr_value import guess_attr_to_proto

    with tf.Graph().as_default():
        for i, value in enumerate(inputs):
            tf.constant(value, name=f"x{i}")
        graph_def = tf.get_default_graph().as_graph_def()
    node = graph_def.node.add(name="old", op=op, input=[f"x{i}" for i in range(len(inputs))])
    for name, value in attrs.items():
        node.attr[name].CopyFrom(guess_attr_to_proto(value))
    with tf.Graph().as_default():
        tf.import_graph_def(graph_def, name="")
        with tf.Session() as sess:
            return sess.run(f"old:{fetch}")


def test_old_op_types() -> None:
    x = np.array([[1.0, 4.0, 2.0], [7.0, 5.0, 6.0]], np.float32)
    got = _old("Concat", [np.int32(1), x, x], N=2, T=tf.float32)
    np.testing.assert_array_equal(got, np.concatenate([x, x], 1))
    np.testing.assert_array_equal(_old("TopK", [x], 1, k=2, T=tf.float32), [[1, 2], [0, 2]])
    np.testing.assert_allclose(_old("Inv", [x], T=tf.float32), 1 / x, rtol=1e-6)
    got = _old("BatchMatrixDiag", [x], T=tf.float32)
    np.testing.assert_array_equal(got[0], np.diag(x[0]))


@pytest.mark.parametrize("scaled", [True, False])
def test_the_first_batch_norm(scaled: bool) -> None:
    chance = np.random.default_rng(0)
    x = chance.normal(size=(2, 3, 3, 4)).astype(np.float32)
    mean, beta, gamma = (chance.normal(size=4).astype(np.float32) for _ in range(3))
    variance = chance.uniform(0.5, 2, 4).astype(np.float32)
    got = _old(
        "BatchNormWithGlobalNormalization",
        [x, mean, variance, beta, gamma],
        T=tf.float32,
        variance_epsilon=1e-3,
        scale_after_normalization=scaled,
    )
    expected = (x - mean) / np.sqrt(variance + 1e-3) * (gamma if scaled else 1) + beta
    np.testing.assert_allclose(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "op", ["Assign", "AssignAdd", "ScatterUpdate", "ApplyAdam", "RefSwitch", "CountUpTo"]
)
def test_what_changes_a_variable_needs_one(op: str) -> None:
    """In a graph that has no variable at all too."""
    with tf.Graph().as_default():
        tf.constant(1.0, name="c")
        message = tf.get_default_graph().as_graph_def()
    message.node.add(name="bad", op=op, input=["c"] * 2).attr["T"].type = 1
    with pytest.raises(InvalidArgumentError, match=f"{op} 'bad'.*variable"):
        tf.import_graph_def(message)


def test_names_of_old_op_types() -> None:
    assert newer("MatMul") == "MatMul"
    assert newer("Zebra") == "Zebra"
    for old in ("FIFOQueue", "QueueEnqueue", "HashTable", "ControlTrigger", "PlaceholderV2"):
        assert find_op(newer(old)) is not None, old


def test_polymorphic_functions() -> None:
    """One function, called with two types, becomes two bodies."""
    graph_def = protos().GraphDef()
    function = graph_def.library.function.add()
    signature = function.signature
    signature.name = "double"
    signature.attr.add(name="T", type="type")
    signature.input_arg.add(name="x", type_attr="T")
    signature.output_arg.add(name="y", type_attr="T")
    node = function.node_def.add(name="sum", op="AddV2", input=["x", "x"])
    node.attr["T"].placeholder = "T"
    function.ret["y"] = "sum:z:0"
    for name, dtype in (("a", tf.float32), ("b", tf.int32)):
        source = graph_def.node.add(name=f"{name}/in", op="Placeholder")
        source.attr["dtype"].type = dtype.enum
        call = graph_def.node.add(name=name, op="PartitionedCall", input=[f"{name}/in"])
        call.attr["f"].func.name = "double"
        call.attr["f"].func.attr["T"].type = dtype.enum
        call.attr["Tin"].list.type.append(dtype.enum)
        call.attr["Tout"].list.type.append(dtype.enum)
    tf.import_graph_def(graph_def, name="")
    assert len(tf.get_default_graph().functions) == 2
    with tf.Session() as sess:
        assert sess.run(["a:0", "b:0"], {"a/in:0": 1.5, "b/in:0": 4}) == [3.0, 8]
