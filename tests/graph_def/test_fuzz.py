"""A few rounds of the fuzzer, and the hostile graphs that need no luck to be found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.graph.errors import InvalidArgumentError
from weft.graph.protos import from_text, protos

from .fuzz import fuzz


@pytest.mark.parametrize("first", [0, 10_000, 20_000])
def test_changed_graphs(first: int) -> None:
    tally, _ = fuzz(150, first)
    assert tally["refused"] > 50
    assert tally["imported"] > 5


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_changed_graphs() -> None:
    tally, _ = fuzz(4000, 1_000_000)
    assert tally["refused"] > 1000
    assert tally["imported"] > 100


def _const(graph_def: Any, name: str, dtype: int = 1, dims: tuple[int, ...] = ()) -> Any:
    node = graph_def.node.add(name=name, op="Const")
    node.attr["dtype"].type = dtype
    node.attr["value"].tensor.dtype = dtype
    for dim in dims:
        node.attr["value"].tensor.tensor_shape.dim.add().size = dim
    return node


def _unary(graph_def: Any, op: str, name: str, source: str, dtype: int = 1) -> Any:
    node = graph_def.node.add(name=name, op=op, input=[source])
    node.attr["T"].type = dtype
    return node


def _chain(count: int, op: str = "Identity") -> Any:
    graph_def = protos().GraphDef()
    _const(graph_def, "n0")
    for i in range(1, count):
        _unary(graph_def, op, f"n{i}", f"n{i - 1}")
    return graph_def


def test_long_chains_are_no_recursion() -> None:
    message = _chain(20_000)
    tf.import_graph_def(message, name="")
    assert list(tf.get_default_graph().as_graph_def().node[1:]) == list(message.node[1:])


def test_a_million_nodes_that_lead_nowhere() -> None:
    """What is wrong is found before anything is built."""
    graph_def = protos().GraphDef()
    node = protos().NodeDef(name="n", op="Neg", input=["n"])
    graph_def.node.extend([node] * 1_000_000)
    with pytest.raises(InvalidArgumentError, match="two nodes named 'n'"):
        tf.import_graph_def(graph_def)


def test_values_that_double_with_every_node() -> None:
    """Each of these nodes is twice as much work as the one before it, for who looks at values twice."""
    graph_def = protos().GraphDef()
    _const(graph_def, "n0", 3, (1,)).attr["value"].tensor.int_val.append(1)
    for i in range(1, 200):
        node = graph_def.node.add(name=f"n{i}", op="AddV2", input=[f"n{i - 1}", f"n{i - 1}"])
        node.attr["T"].type = 3
    _const(graph_def, "value", 3)
    fill = graph_def.node.add(name="fill", op="Fill", input=["n199", "value"])
    fill.attr["T"].type = fill.attr["index_type"].type = 3
    tf.import_graph_def(graph_def, name="")


def test_shapes_that_double_with_every_node() -> None:
    graph_def = protos().GraphDef()
    node = graph_def.node.add(name="n0", op="Placeholder")
    node.attr["dtype"].type = 3
    node.attr["shape"].shape.dim.add().size = 1
    _const(graph_def, "axis", 3)
    for i in range(1, 60):
        node = graph_def.node.add(name=f"n{i}", op="ConcatV2", input=[f"n{i - 1}", f"n{i - 1}", "axis"])
        node.attr["T"].type = node.attr["Tidx"].type = 3
        node.attr["N"].i = 2
    _const(graph_def, "x")
    node = graph_def.node.add(name="reshaped", op="Reshape", input=["x", "n59"])
    node.attr["T"].type, node.attr["Tshape"].type = 1, 3
    tf.import_graph_def(graph_def, name="")


def test_a_constant_that_claims_to_be_large_takes_no_memory() -> None:
    graph_def = protos().GraphDef()
    for i in range(100):
        _const(graph_def, f"n{i}", 1, (1 << 14, 1 << 14))
    tf.import_graph_def(graph_def, name="")
    op = tf.get_default_graph().get_operations()[0]
    assert op.outputs[0].shape == [1 << 14, 1 << 14]
    assert np.asarray(op.attrs["value"]).strides == (0, 0)
    assert tf.get_default_graph().as_graph_def().ByteSize() < 20_000


def test_numbers_of_outputs_that_nobody_can_hold() -> None:
    for count in (10**12, 2**63 - 1, -1):
        graph_def = protos().GraphDef()
        _const(graph_def, "x", 1, (4,))
        node = graph_def.node.add(name="parts", op="Unpack", input=["x"])
        node.attr["T"].type = 1
        node.attr["num"].i = count
        with pytest.raises(InvalidArgumentError):
            tf.import_graph_def(graph_def, name="")


def _functions(calls: Callable[[int], list[int]], count: int) -> Any:
    """A library in which function i calls the functions `calls(i)`, and a node that calls function 0."""
    graph_def = protos().GraphDef()
    for i in range(count):
        function = graph_def.library.function.add()
        function.signature.name = f"f{i}"
        function.signature.input_arg.add(name="x", type=1)
        function.signature.output_arg.add(name="y", type=1)
        last = "x"
        for position, callee in enumerate(calls(i)):
            node = function.node_def.add(name=f"c{position}", op="PartitionedCall", input=[last])
            _call_attrs(node, callee)
            last = f"c{position}:output:0"
        function.ret["y"] = last
    _const(graph_def, "x")
    _call_attrs(graph_def.node.add(name="call", op="PartitionedCall", input=["x"]), 0)
    return graph_def


def _call_attrs(node: Any, callee: int) -> None:
    node.attr["f"].func.name = f"f{callee}"
    node.attr["Tin"].list.type.append(1)
    node.attr["Tout"].list.type.append(1)


def test_functions_that_call_themselves() -> None:
    with pytest.raises(InvalidArgumentError, match="'f0' calls itself"):
        tf.import_graph_def(_functions(lambda i: [0], 1))
    with pytest.raises(InvalidArgumentError, match="'f0' calls itself"):
        tf.import_graph_def(_functions(lambda i: [(i + 1) % 3], 3))


def test_functions_that_double_with_every_level() -> None:
    """A body is built once for all calls that agree, however many ways lead to it."""
    count = 30
    tf.import_graph_def(_functions(lambda i: [i + 1, i + 1] if i + 1 < count else [], count), name="")
    assert len(tf.get_default_graph().functions) == count


def test_functions_nested_too_deeply() -> None:
    with pytest.raises(InvalidArgumentError, match="more than 64 deep"):
        tf.import_graph_def(_functions(lambda i: [i + 1] if i < 99 else [], 100))


def test_loops_nested_too_deeply() -> None:
    graph_def = protos().GraphDef()
    _const(graph_def, "n0")
    for i in range(1, 100):
        node = _unary(graph_def, "Enter", f"n{i}", f"n{i - 1}")
        node.attr["frame_name"].s = f"f{i}".encode()
    with pytest.raises(InvalidArgumentError, match="more than 32 deep"):
        tf.import_graph_def(graph_def)


def test_branches_nested_too_deeply() -> None:
    graph_def = protos().GraphDef()
    _const(graph_def, "n0", 10)
    for i in range(1, 100):
        node = graph_def.node.add(name=f"p{i}", op="Placeholder")
        node.attr["dtype"].type = 10
        node = graph_def.node.add(
            name=f"n{i}", op="Switch", input=[f"n{i - 1}:1" if i > 1 else "n0", f"p{i}"]
        )
        node.attr["T"].type = 10
    with pytest.raises(InvalidArgumentError, match="more than 64 deep"):
        tf.import_graph_def(graph_def)


def test_a_text_nested_too_deeply() -> None:
    text = 'node { attr { key: "f" value { func { attr { key: "g" value { '
    deep = "func { attr { key: 'g' value { " * 3000
    with pytest.raises(InvalidArgumentError):
        from_text("GraphDef", text + deep)


def test_nothing_in_a_graph_is_python() -> None:
    """A node that would call into Python names a function that this process has registered, or fails."""
    graph_def = protos().GraphDef()
    node = graph_def.node.add(name="call", op="PyFunc")
    node.attr["token"].s = b"os.system"
    node.attr["Tin"].list.SetInParent()
    node.attr["Tout"].list.type.append(9)
    tf.import_graph_def(graph_def, name="")
    with tf.Session() as sess, pytest.raises(tf.errors.OpError):
        sess.run("call:0")
