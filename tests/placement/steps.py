"""Small and random steps to plan, made of nodes directly, and clusters to plan them for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from weft.graph import dtypes
from weft.graph.infer import HandleData
from weft.graph.ir import FEED, Node, Ref, Subgraph, topological
from weft.graph.shapes import TensorShape
from weft.placement import Cluster, DeviceInfo, Link, device_info

CPU0, CPU1, CPU2 = (f"/job:worker/replica:0/task:{i}/device:CPU:0" for i in range(3))


def everything(op_type: str, device: DeviceInfo) -> bool:
    """Every device can do everything."""
    return True


def cluster(count: int = 3, **known: Any) -> Cluster:
    """Worker tasks with one CPU device each, in processes of their own on one node."""
    return Cluster(
        tuple(device_info(f"/job:worker/task:{i}/cpu:0", process=f"p{i}", **known) for i in range(count))
    )


def step(nodes: Sequence[Node], fetches: Sequence[Ref] = (), targets: Sequence[str] = ()) -> Subgraph:
    ordered = topological(nodes)
    return Subgraph({n.name: n for n in ordered}, {}, tuple(fetches), tuple(targets))


def op(
    name: str,
    inputs: Sequence[str | Ref] = (),
    *,
    shape: Sequence[int] = (64, 64),
    kind: str = "",
    device: str = "",
    control: Sequence[str] = (),
    colocate: Sequence[str] = (),
    order: int = 0,
) -> Node:
    """A float32 node: a constant-like source without inputs, a product of matrices with two, else elementwise."""
    refs = tuple((i, 0) if isinstance(i, str) else i for i in inputs)
    chosen = kind or ("Neg" if len(refs) == 1 else "MatMul" if len(refs) == 2 else "AddN" if refs else "Fill")
    attrs: dict[str, Any] = {"T": dtypes.float32}
    if chosen == "MatMul":
        attrs.update(transpose_a=False, transpose_b=False)
    if chosen == "AddN":
        attrs.update(N=len(refs))
    if chosen == "Const":
        attrs.update(value=np.zeros(shape, np.float32), dtype=dtypes.float32)
    return Node(
        name,
        chosen,
        refs,
        tuple(control),
        attrs,
        device,
        (TensorShape(shape),),
        (dtypes.float32,),
        source=f"user.py:{order + 1}",
        colocation=tuple(colocate),
        order=order,
    )


def feed(name: str, shape: Sequence[int] = (64, 64)) -> Node:
    attrs = {"dtype": dtypes.float32, "shape": TensorShape(shape)}
    return Node(name, FEED, attrs=attrs, shapes=(TensorShape(shape),), types=(dtypes.float32,))


def variable(name: str, shape: Sequence[int] = (64, 64), device: str = "", order: int = 0) -> list[Node]:
    """A variable's handle `name`, its value `name/read`."""
    data = HandleData(TensorShape(shape), dtypes.float32)
    attrs = {"dtype": dtypes.float32, "shape": TensorShape(shape), "container": "", "shared_name": name}
    handle = Node(
        name,
        "VarHandleOp",
        (),
        (),
        attrs,
        device,
        (TensorShape([]),),
        (dtypes.resource,),
        handle=data,
        order=order,
    )
    read = Node(
        f"{name}/read",
        "ReadVariableOp",
        ((name, 0),),
        (),
        {"dtype": dtypes.float32},
        "",
        (TensorShape(shape),),
        (dtypes.float32,),
        handle=data,
        order=order + 1,
    )
    return [handle, read]


def assign_add(name: str, var: str, value: str, shape: Sequence[int] = (64, 64), order: int = 0) -> Node:
    data = HandleData(TensorShape(shape), dtypes.float32)
    attrs = {"dtype": dtypes.float32}
    return Node(
        name,
        "AssignAddVariableOp",
        ((var, 0), (value, 0)),
        (),
        attrs,
        handle=data,
        order=order,
        source="user.py:1",
    )


def random_step(seed: int, count: int = 40, devices: Sequence[str] = (CPU0, CPU1, CPU2)) -> Subgraph:
    """A random step with constants, feeds, variables, control edges, colocation and some devices asked for."""
    rng = np.random.default_rng(seed)
    sizes = [(int(s), int(s)) for s in rng.choice([4, 32, 200, 600], count)]
    nodes: list[Node] = [feed("x"), op("c", kind="Const")]
    values = ["x", "c"]
    variables: list[str] = []
    for i in range(count):
        order = 10 + 3 * i
        if rng.random() < 0.12:
            where = str(rng.choice(devices)) if rng.random() < 0.6 else ""
            nodes += variable(f"v{i}", sizes[i], where, order)
            variables.append(f"v{i}")
            values.append(f"v{i}/read")
            continue
        takes = [str(v) for v in rng.choice(values[-8:], int(rng.integers(1, 4)), replace=True)]
        wish = str(rng.choice(devices)) if rng.random() < 0.1 else ""
        waits = [str(rng.choice(values[2:]))] if len(values) > 2 and rng.random() < 0.15 else []
        mate = [str(rng.choice(values[2:]))] if len(values) > 2 and not wish and rng.random() < 0.03 else []
        nodes.append(
            op(
                f"n{i}",
                takes,
                shape=sizes[i],
                device=wish,
                control=waits,
                colocate=[m.removesuffix("/read") for m in mate],
                order=order,
            )
        )
        values.append(f"n{i}")
    for j, name in enumerate(variables):
        nodes.append(assign_add(f"u{j}", name, values[-1], order=10_000 + j))
    return step(
        nodes, [(values[-1], 0), (values[len(values) // 2], 0)], [f"u{j}" for j in range(len(variables))]
    )


def uneven_cluster(seed: int, count: int = 3) -> Cluster:
    """Devices of different speed with links of different speed, some of them shared."""
    rng = np.random.default_rng(seed)
    devices = tuple(
        device_info(
            f"/job:worker/task:{i}/cpu:0",
            process=f"p{i}",
            node=f"m{i % 2}",
            flops={"float32": float(rng.uniform(1e9, 1e11))},
            bytes_per_second=float(rng.uniform(1e9, 2e10)),
            streams=int(rng.integers(1, 3)),
        )
        for i in range(count)
    )
    return Cluster(devices, same_node=Link(1e-4, 2e9), between_nodes=Link(5e-4, 5e8, "nic:{src_node}"))
