"""Changes to GraphDefs: small and large, of fields and of bytes, of the kind that a broken or hostile file has."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from weft.graph.protos import copy_of, protos

__all__ = ["mutate", "mutate_bytes"]

NUMBERS = (
    -(2**63),
    -(2**31),
    -2,
    -1,
    0,
    1,
    2,
    3,
    255,
    4097,
    2**20,
    2**31 - 1,
    2**31,
    2**40,
    2**62,
    2**63 - 1,
)
STRINGS = (b"", b"x", b"VALID", b"SAME", b"NHWC", b"NCHW", b"\xff\xfe", b"loc:@x", b"a/b/c", b"0" * 300)
TYPES = (0, 1, 2, 3, 4, 7, 8, 9, 10, 11, 14, 17, 19, 20, 21, 22, 24, 101, 103, 120, 999)
DIMS = (-(2**63), -2, -1, 0, 1, 2, 7, 2**16, 2**31, 2**40, 2**62)


def mutate(graph_def: Any, chance: random.Random) -> Any:
    """A GraphDef with one to four changes."""
    made = copy_of(graph_def)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        nodes = [made.node, *(f.node_def for f in made.library.function)]
        nodes = [n for n in nodes if len(n)]
        if not nodes:
            return made
        if made.library.function and chance.random() < 0.15:
            _change_function(chance.choice(made.library.function), made, chance)
        else:
            chance.choice(_CHANGES)(chance.choice(nodes), made, chance)
    return made


def mutate_bytes(data: bytes, chance: random.Random) -> bytes:
    """A serialized message with bytes flipped, cut off, repeated or put in."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        if not changed:
            break
        place = chance.randrange(len(changed))
        kind = chance.randrange(5)
        if kind == 0:
            changed[place] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[place] = chance.randrange(256)
        elif kind == 2:
            del changed[place : place + chance.choice((1, 2, 8, 10**9))]
        elif kind == 3:
            changed[place:place] = bytes(chance.randrange(256) for _ in range(chance.choice((1, 4, 9))))
        else:
            end = min(len(changed), place + chance.choice((4, 32, 200)))
            changed[place:place] = changed[place:end]
    return bytes(changed)


Nodes = Any
_Change = Callable[[Nodes, Any, random.Random], None]


def _any_name(nodes: Nodes, chance: random.Random) -> str:
    if chance.random() < 0.05:
        return chance.choice(("", "nowhere", "^", ":", "a b", "\x00x", "-1", "/", "x" * 500))
    return str(chance.choice(nodes).name)


def _any_input(nodes: Nodes, chance: random.Random) -> str:
    name = _any_name(nodes, chance)
    kind = chance.randrange(8)
    if kind == 0:
        return f"^{name}"
    if kind == 1:
        return f"{name}:{chance.choice((0, 1, 2, 5, -1, 10**12))}"
    if kind == 2:
        return f"{name}:output:{chance.choice((0, 1, 99))}"
    return name


def _change_input(nodes: Nodes, _: Any, chance: random.Random) -> None:
    node = chance.choice(nodes)
    inputs = list(node.input)
    kind = chance.randrange(5)
    if kind == 0 or not inputs:
        inputs.insert(chance.randrange(len(inputs) + 1), _any_input(nodes, chance))
    elif kind == 1:
        del inputs[chance.randrange(len(inputs))]
    elif kind == 2:
        chance.shuffle(inputs)
    else:
        inputs[chance.randrange(len(inputs))] = _any_input(nodes, chance)
    del node.input[:]
    node.input.extend(inputs)


def _change_op(nodes: Nodes, _: Any, chance: random.Random) -> None:
    from weft.graph.opdef import all_ops

    node = chance.choice(nodes)
    if chance.random() < 0.5:
        node.op = chance.choice(nodes).op
    else:
        node.op = chance.choice(
            (*all_ops(), "Merge", "Switch", "Enter", "Exit", "NextIteration", "Assign", "No")
        )


def _change_name(nodes: Nodes, _: Any, chance: random.Random) -> None:
    chance.choice(nodes).name = _any_name(nodes, chance)


def _drop_node(nodes: Nodes, _: Any, chance: random.Random) -> None:
    del nodes[chance.randrange(len(nodes))]


def _copy_node(nodes: Nodes, _: Any, chance: random.Random) -> None:
    made = nodes.add()
    made.CopyFrom(chance.choice(nodes))
    made.name += chance.choice(("", "_copy", "_again"))


def _swap_nodes(nodes: Nodes, _: Any, chance: random.Random) -> None:
    first, second = chance.choice(nodes), chance.choice(nodes)
    first.name, second.name = second.name, first.name


def _change_attr(nodes: Nodes, graph_def: Any, chance: random.Random) -> None:
    node = chance.choice(nodes)
    names = sorted(node.attr)
    kind = chance.randrange(8)
    if not names or kind == 0:
        name = chance.choice(("T", "_class", "_output_shapes", "frame_name", "dtype", "N", "shape", "new"))
        node.attr[name].CopyFrom(_any_value(graph_def, chance))
        return
    name = chance.choice(names)
    if kind == 1:
        del node.attr[name]
    elif kind == 2:
        node.attr[name].CopyFrom(_any_value(graph_def, chance))
    elif kind == 3:
        other = chance.choice(nodes)
        if other.attr:
            node.attr[name].CopyFrom(other.attr[chance.choice(sorted(other.attr))])
    else:
        _change_value(node.attr[name], graph_def, chance)


def _any_value(graph_def: Any, chance: random.Random) -> Any:
    value = protos().AttrValue()
    kind = chance.randrange(10)
    if kind == 0:
        value.i = chance.choice(NUMBERS)
    elif kind == 1:
        value.s = chance.choice(STRINGS)
    elif kind == 2:
        value.f = chance.choice((0.0, -1.0, 1e38, float("nan"), float("inf")))
    elif kind == 3:
        value.type = chance.choice(TYPES)
    elif kind == 4:
        value.shape.dim.add().size = chance.choice(DIMS)
    elif kind == 5:
        value.list.i.extend(chance.choice(NUMBERS) for _ in range(chance.choice((0, 1, 4, 5))))
    elif kind == 6:
        value.list.type.extend(chance.choice(TYPES) for _ in range(chance.choice((0, 1, 3))))
    elif kind == 7:
        functions = graph_def.library.function
        value.func.name = chance.choice(functions).signature.name if functions else "f"
    elif kind == 8:
        value.b = chance.random() < 0.5
    return value


def _change_value(value: Any, graph_def: Any, chance: random.Random) -> None:
    """Changes an AttrValue into another one of its kind."""
    kind = value.WhichOneof("value")
    if kind == "i":
        value.i = chance.choice(NUMBERS)
    elif kind == "s":
        value.s = chance.choice(STRINGS)
    elif kind == "f":
        value.f = chance.choice((0.0, -1.0, 1e38, float("nan"), float("inf")))
    elif kind == "b":
        value.b = not value.b
    elif kind == "type":
        value.type = chance.choice(TYPES)
    elif kind == "shape":
        _change_shape(value.shape, chance)
    elif kind == "tensor":
        _change_tensor(value.tensor, chance)
    elif kind == "func":
        functions = graph_def.library.function
        value.func.name = chance.choice(functions).signature.name if functions else "nothing"
    elif kind == "list":
        _change_list(value.list, chance)


def _change_list(items: Any, chance: random.Random) -> None:
    for field, _ in items.ListFields():
        values = getattr(items, field.name)
        if field.name in ("i", "type", "s", "b", "f") and len(values):
            if field.name in ("i", "type") and chance.random() < 0.6:
                pool = NUMBERS if field.name == "i" else TYPES
                values[chance.randrange(len(values))] = chance.choice(pool)
            else:
                kept = list(values) * chance.choice((0, 2, 50))
                del values[:]
                values.extend(kept)
        elif field.name == "shape":
            _change_shape(chance.choice(values), chance)


def _change_shape(shape: Any, chance: random.Random) -> None:
    kind = chance.randrange(4)
    if kind == 0:
        shape.unknown_rank = not shape.unknown_rank
    elif kind == 1 or not shape.dim:
        for _ in range(chance.choice((1, 1, 3, 300))):
            shape.dim.add().size = chance.choice(DIMS)
    elif kind == 2:
        del shape.dim[chance.randrange(len(shape.dim))]
    else:
        chance.choice(shape.dim).size = chance.choice(DIMS)


def _change_tensor(tensor: Any, chance: random.Random) -> None:
    kind = chance.randrange(5)
    if kind == 0:
        tensor.dtype = chance.choice(TYPES)
    elif kind == 1:
        tensor.tensor_content = mutate_bytes(tensor.tensor_content or b"1234", chance)
    elif kind == 2:
        tensor.int_val.extend(chance.choice((0, 1, -1, 2**31 - 1)) for _ in range(chance.choice((1, 3, 100))))
    elif kind == 3:
        for field, _ in tensor.ListFields():
            if field.name.endswith("_val"):
                del getattr(tensor, field.name)[:]
    else:
        _change_shape(tensor.tensor_shape, chance)


def _change_device(nodes: Nodes, _: Any, chance: random.Random) -> None:
    devices = (
        "/job:",
        "/gpu:0",
        "/job:a/task:-1",
        "/device:CPU:99999999999",
        "//",
        "/job:worker/task:3",
        "é",
    )
    chance.choice(nodes).device = chance.choice(devices)


def _change_function(function: Any, graph_def: Any, chance: random.Random) -> None:
    signature = function.signature
    kind = chance.randrange(8)
    if kind == 0 and signature.input_arg:
        chance.choice(signature.input_arg).type = chance.choice(TYPES)
    elif kind == 1 and signature.input_arg:
        del signature.input_arg[chance.randrange(len(signature.input_arg))]
    elif kind == 2 and signature.output_arg:
        chance.choice(signature.output_arg).name = chance.choice(("", "x", "output"))
    elif kind == 3 and function.ret:
        function.ret[chance.choice(sorted(function.ret))] = chance.choice(
            ("", "x:y:z", "a", "b:0", "c:output:999")
        )
    elif kind == 4:
        signature.name = chance.choice(graph_def.library.function).signature.name
    elif kind == 5 and function.node_def:
        # A call of a function, perhaps of the one that it is in.
        node = chance.choice(function.node_def)
        node.op = chance.choice((signature.name, "PartitionedCall"))
        node.attr["f"].func.name = chance.choice(graph_def.library.function).signature.name
    elif kind == 6 and signature.input_arg:
        arg = chance.choice(signature.input_arg)
        arg.number_attr, arg.type_attr = chance.choice((("N", ""), ("", "T"), ("N", "T")))
    else:
        function.control_ret["x"] = chance.choice(("nowhere", "x"))


_CHANGES: tuple[_Change, ...] = (
    _change_input,
    _change_input,
    _change_input,
    _change_attr,
    _change_attr,
    _change_attr,
    _change_op,
    _change_name,
    _drop_node,
    _copy_node,
    _swap_nodes,
    _change_device,
)
