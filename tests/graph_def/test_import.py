"""GraphDefs into graphs: names, maps, attributes, order, and what is wrong with bad ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import weft as tf
from weft.graph.default_graph import get_default_graph
from weft.graph.protos import from_text, protos

InvalidArgumentError = tf.errors.InvalidArgumentError

NEG = """
node { name: "x" op: "Placeholder" attr { key: "dtype" value { type: DT_FLOAT } } }
node { name: "y" op: "Neg" input: "x" attr { key: "T" value { type: DT_FLOAT } } }
"""


def _def(text: str) -> Any:
    return from_text("GraphDef", text)


def _example() -> Any:
    graph = tf.Graph()
    with graph.as_default():
        x = tf.placeholder(tf.float32, [2, 3], name="x")
        with tf.name_scope("layer"), graph.device("/job:worker/task:2"):
            w = tf.constant(np.ones((3, 2), np.float32), name="w")
            y = tf.matmul(x, w, name="mm")
        with graph.control_dependencies([y.op]), graph.colocate_with(w.op):
            tf.identity(w, name="after")
    return graph.as_graph_def()


def test_round_trip_without_a_prefix() -> None:
    message = _example()
    tf.import_graph_def(message, name="")
    assert get_default_graph().as_graph_def() == message


def test_prefix() -> None:
    for prefix in ("import", "import_1"):
        found = tf.import_graph_def(_example(), return_elements=["layer/mm:0", "after"])
        assert [e.name for e in found] == [f"{prefix}/layer/mm:0", f"{prefix}/after"]
    after = get_default_graph().get_operation_by_name("import_1/after")
    assert after.attrs["_class"] == ("loc:@import_1/layer/w",)
    assert [c.name for c in after.control_inputs] == ["import_1/layer/mm"]
    with tf.name_scope("outer"):
        (op,) = tf.import_graph_def(_example(), name="inner", return_elements=["x"])
    assert op.name == "outer/inner/x"


def test_binary_form_and_foreign_bytes() -> None:
    assert tf.import_graph_def(_example().SerializeToString(), name="") is None
    with pytest.raises(InvalidArgumentError, match="not a GraphDef"):
        tf.import_graph_def(b"\xff\xff\xff\xff")
    with pytest.raises(TypeError, match="GraphDef"):
        tf.import_graph_def("text")


def test_device_scopes_lie_around_the_nodes_own_devices() -> None:
    with tf.device("/job:ps/replica:0/device:CPU:0"):
        tf.import_graph_def(_example(), name="")
    graph = get_default_graph()
    assert graph.get_operation_by_name("x").device == "/job:ps/replica:0/device:CPU:0"
    assert graph.get_operation_by_name("layer/mm").device == "/job:worker/replica:0/task:2/device:CPU:0"


def test_input_map() -> None:
    z = tf.constant(np.ones((2, 3), np.float32), name="z")
    first = tf.no_op(name="first")
    (y, after) = tf.import_graph_def(
        _example(), {"x:0": z, "^layer/mm": first}, ["layer/mm:0", "after"], name="a"
    )
    assert y.op.inputs[0] is z
    assert after.control_inputs == (first,)
    (y,) = tf.import_graph_def(_example(), {"x": 2 * np.ones((2, 3), np.float32)}, ["layer/mm:0"], name="b")
    assert y.op.inputs[0].op.type == "Const"
    with pytest.raises(ValueError, match=r"not found in graph_def: \['nothing:0'\]"):
        tf.import_graph_def(_example(), {"nothing:0": z})
    with pytest.raises(InvalidArgumentError, match="MatMul"):
        tf.import_graph_def(_example(), {"x:0": tf.constant(np.ones((2, 4), np.float32))})


def test_return_elements() -> None:
    with pytest.raises(ValueError, match="'nothing' not found"):
        tf.import_graph_def(_example(), return_elements=["nothing"])
    with pytest.raises(ValueError, match="layer/mm:7"):
        tf.import_graph_def(_example(), return_elements=["layer/mm:7"])
    with pytest.raises(TypeError, match="strings"):
        tf.import_graph_def(_example(), return_elements=[3])
    assert tf.import_graph_def(_example(), return_elements=[]) == []


def test_nodes_may_come_in_any_order() -> None:
    message = _example()
    nodes = list(message.node)[::-1]
    del message.node[:]
    message.node.extend(nodes)
    tf.import_graph_def(message, name="")
    names = [op.name for op in get_default_graph().get_operations()]
    assert names.index("layer/w") < names.index("layer/mm") < names.index("after")


def test_what_weft_does_not_know_survives() -> None:
    message = _example()
    node = message.node[2]
    node.attr["of_the_future"].f = 2.5
    node.attr["_note"].list.i.extend([1, 2])
    node.attr["_other"].tensor.dtype = 1
    node.attr["_nothing"].SetInParent()
    node.experimental_debug_info.original_node_names.append("before")
    data = node.SerializeToString() + b"\xf2\x3f\x03abc"  # field 1022, which no NodeDef has
    node.ParseFromString(data)
    tf.import_graph_def(message, name="")
    back = get_default_graph().as_graph_def()
    assert back.node[2] == node
    assert b"\xf2\x3f\x03abc" in back.node[2].SerializeToString()
    assert get_default_graph().get_operations()[2].attrs["_note"] == (1, 2)


def test_attributes_that_the_producer_says_are_default_are_dropped() -> None:
    message = _example()
    message.node[2].attr["of_the_future"].f = 2.5
    ops = protos().OpList()
    op = ops.op.add(name="MatMul")
    op.attr.add(name="of_the_future", type="float").default_value.f = 2.5
    tf.import_graph_def(message, name="", producer_op_list=ops)
    assert get_default_graph().as_graph_def() == _example()


def test_missing_attributes_get_their_defaults() -> None:
    message = _example()
    for name in ("transpose_a", "grad_a"):
        del message.node[2].attr[name]
    tf.import_graph_def(message, name="")
    assert get_default_graph().get_operation_by_name("layer/mm").attrs["transpose_a"] is False


def test_output_shapes_add_what_the_rules_cannot_know() -> None:
    text = NEG.replace("DT_FLOAT } } }\nnode", 'DT_FLOAT } } attr { key: "_output_shapes" value { list { shape { dim '
                       "{ size: 4 } } } } } }\nnode")  # fmt: skip
    tf.import_graph_def(_def(text), name="")
    x = get_default_graph().get_operation_by_name("x")
    assert x.outputs[0].shape == [4]
    assert "_output_shapes" not in x.attrs


def test_all_missing_op_types_are_named() -> None:
    text = NEG + 'node { name: "a" op: "Zebra" } node { name: "b" op: "Yak" } node { name: "c" op: "Yak" }'
    with pytest.raises(InvalidArgumentError, match=r"Yak \(2, such as 'b'\), Zebra \(1, such as 'a'\)"):
        tf.import_graph_def(_def(text))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (NEG.replace('input: "x"', 'input: "z"'), "takes 'z', which is not in the graph"),
        (NEG.replace('input: "x"', 'input: "^z"'), "takes 'z', which is not in the graph"),
        (NEG.replace('input: "x"', 'input: "x:1"'), "takes output 1 of 'x', which has 1"),
        (NEG.replace('input: "x"', 'input: "x:-1"'), "malformed"),
        (NEG.replace('input: "x"', 'input: "x:99999999999999"'), "malformed"),
        (NEG.replace('input: "x"', 'input: "y"'), "cycle: y -> y"),
        (NEG.replace('input: "x"', 'input: "^x" input: "x"'), "after a control input"),
        (NEG.replace('input: "x"', ""), "takes 1 inputs, got 0"),
        (NEG.replace('input: "x"', 'input: "x" input: "x"'), "takes 1 inputs, got 2"),
        (NEG.replace('name: "y"', 'name: "x"'), "two nodes named 'x'"),
        (NEG.replace('name: "y"', 'name: ""'), "not valid"),
        (NEG.replace('name: "y"', 'name: "a b"'), "not valid"),
        (NEG.replace('op: "Neg"', ""), "op types that weft does not have"),
        (NEG.replace('"T" value { type: DT_FLOAT }', '"T" value { i: 1 }'), "'y': attribute T must be type, got int"),
        (NEG.replace('"T" value { type: DT_FLOAT }', '"T" value { }'), "must be type, got nothing"),
        (NEG.replace('"T" value { type: DT_FLOAT }', '"T" value { type: DT_INT32 }'), "input types must be"),
        (NEG.replace('"T" value { type: DT_FLOAT }', '"T" value { type: DT_STRING }'), "must be one of"),
        (NEG.replace('"T" value { type: DT_FLOAT }', '"T" value { type: 77 }'), "number of no element type"),
        (NEG.replace('"T"', '"U"'), "attribute T is not given"),
        (NEG.replace('op: "Neg"', 'op: "Neg" device: "/job:"'), "device"),
        (NEG.replace('op: "Neg"', 'op: "Neg" attr { key: "_class" value { list { s: "loc:@q" } } }'), "device of 'q'"),
        (NEG.replace('op: "Neg"', 'op: "Neg" attr { key: "_class" value { s: "loc:@x" } }'), "must be list"),
    ],
)  # fmt: skip
def test_malformed(text: str, says: str) -> None:
    before = get_default_graph().as_graph_def()
    with pytest.raises(InvalidArgumentError, match=says):
        tf.import_graph_def(_def(text))
    assert get_default_graph().as_graph_def() == before
    assert get_default_graph().unique_name("import", mark_as_used=False) == "import_1"


def test_names_that_are_taken() -> None:
    tf.import_graph_def(_def(NEG), name="")
    with pytest.raises(InvalidArgumentError, match="'x' is already in the graph"):
        tf.import_graph_def(_def(NEG), name="")


def test_a_long_cycle_is_shown_in_part() -> None:
    text = "".join(
        f'node {{ name: "n{i}" op: "Neg" input: "n{(i + 1) % 5000}" attr {{ key: "T" value {{ type: DT_FLOAT }} }} }}'
        for i in range(5000)
    )
    with pytest.raises(InvalidArgumentError, match=r"cycle: .* -> \.\.\. -> ") as info:
        tf.import_graph_def(_def(text))
    assert len(str(info.value)) < 300
