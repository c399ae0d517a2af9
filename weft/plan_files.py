"""Graphs to plan, from files: GraphDefs, MetaGraphDefs, workloads."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .graph.errors import OpError, PlacementError
from .graph.graph import Graph
from .graph.import_graph import import_graph_def
from .graph.ir import Subgraph
from .graph.protos import protos
from .graph.prune import prune
from .placement import Cluster, Costs
from .placement.workload import Workload, read_workload

__all__ = ["GraphFile", "read_graph"]


@dataclass(frozen=True)
class GraphFile:
    """A graph that was read.

    Attributes:
        subgraph: the step to plan.
        graph_def: the message, to write the plan into; None for a workload.
        cluster, costs: those that a workload brings along.
    """

    subgraph: Subgraph
    graph_def: Any = None
    cluster: Cluster | None = None
    costs: Costs | None = None


def read_graph(path: str | os.PathLike[str], fetches: Sequence[str] = ()) -> GraphFile:
    """Reads a step from a file.

    Args:
        path: a GraphDef (.pb, .pbtxt), a MetaGraphDef (.meta, or .pb and .pbtxt with one in it), or a workload (.json,
            .csv).
        fetches: names of what the step computes; by default everything that nothing else uses.

    Raises:
        PlacementError: the file holds none of these, or lacks a fetch.
    """
    name = os.fspath(path)
    suffix = Path(name).suffix
    if suffix in (".json", ".csv"):
        workload = _csv_workload(name) if suffix == ".csv" else read_workload(name)
        return GraphFile(workload.subgraph(), None, workload.cluster(), workload.costs())
    message = _message(name)
    graph = Graph()
    try:
        with graph.as_default():
            import_graph_def(message, name="")
    except (OpError, ValueError, TypeError, KeyError) as error:
        raise PlacementError(None, f"cannot plan {name}: {error}") from None
    return GraphFile(_step(graph, fetches, name), message)


def _message(name: str) -> Any:
    made = protos()
    try:
        data = Path(name).read_bytes()
    except OSError as error:
        raise PlacementError(None, f"cannot read {name}: {error}") from None
    text = name.endswith((".pbtxt", ".txt"))
    for kind in ("GraphDef", "MetaGraphDef"):
        message = getattr(made, kind)()
        try:
            if text:
                from google.protobuf import text_format

                text_format.Parse(data.decode("utf-8"), message)
            else:
                message.ParseFromString(data)
        except Exception:  # every kind of parser error means that it is no such message
            continue
        found = message.graph_def if kind == "MetaGraphDef" else message
        if found.node and all(n.op and n.name for n in found.node):
            return found
    raise PlacementError(None, f"{name} holds neither a GraphDef nor a MetaGraphDef with nodes")


def _step(graph: Graph, fetches: Sequence[str], name: str) -> Subgraph:
    operations = list(graph.get_operations())
    if fetches:
        known = {op.name: op for op in operations}
        missing = [f for f in fetches if f.split(":")[0].lstrip("^") not in known]
        if missing:
            raise PlacementError(missing[0], f"{name} has no node {missing[0]!r}")
        targets = [known[f.split(":")[0].lstrip("^")] for f in fetches]
    else:
        waited = {c.name for op in operations for c in op.control_inputs}
        targets = [
            op for op in operations if op.name not in waited and not any(t.consumers() for t in op.outputs)
        ]
    feeds = [op.outputs[0] for op in operations if op.type == "Placeholder"]
    return prune(graph, [], feeds, targets)


def _csv_workload(name: str) -> Workload:
    """A workload as a table: a row per node, successors and their transfer cost in its last columns."""
    try:
        with open(name, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        raise PlacementError(None, f"cannot read workload {name}: {error}") from None
    needed = ("id", "cpuLatency", "fpgaLatency", "successors")
    if not rows or any(c not in rows[0] for c in needed):
        columns = ", ".join(rows[0]) if rows else "nothing"
        raise PlacementError(
            None,
            f"workload {name}: a table needs the columns {', '.join(needed)} (and may have size, colorClass, "
            f"supportedOnFpga, cost, and in its first row maxFPGAs, maxCPUs, maxSizePerFPGA), it has {columns}",
        )
    nodes, edges = [], []
    for line, row in enumerate(rows, start=2):
        try:
            nodes.append(_csv_node(row))
            cost = float(row.get("cost") or 0)
            edges += [
                {"sourceId": int(row["id"]), "destId": int(s), "cost": cost}
                for s in (row["successors"] or "").split()
            ]
        except (TypeError, ValueError) as error:
            raise PlacementError(None, f"workload {name}, line {line}: {error}") from None
    first = rows[0]
    try:
        data = {
            "nodes": nodes,
            "edges": edges,
            "maxFPGAs": int(first.get("maxFPGAs") or 1),
            "maxCPUs": int(first.get("maxCPUs") or 1),
            "maxSizePerFPGA": float(first.get("maxSizePerFPGA") or 1e30),
        }
    except ValueError as error:
        raise PlacementError(None, f"workload {name}, line 2: {error}") from None
    return read_workload(json.loads(json.dumps(data)))


def _csv_node(row: dict[str, str]) -> dict[str, Any]:
    return {
        "id": int(row["id"]),
        "cpuLatency": float(row["cpuLatency"]),
        "fpgaLatency": float(row["fpgaLatency"]),
        "size": float(row.get("size") or 0),
        "supportedOnFpga": int(row.get("supportedOnFpga") or 1),
        **({"colorClass": int(row["colorClass"])} if row.get("colorClass") else {}),
    }
