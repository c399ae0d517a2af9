"""What the effects of a step mean to the runtime: whether they wait, and whether a step can be run again."""

from __future__ import annotations

from typing import Literal

from ..graph.ir import Node
from .step import StepSpec

__all__ = ["changes_state", "effects_of", "replay_of", "waits_for_nothing"]

_WITHIN_STEP = frozenset(
    {
        "Assert",
        "CheckNumerics",
        "CheckNumericsV2",
        "Print",
        "PrintV2",
        "StringFormat",
        "StackV2",
        "StackPushV2",
        "StackPopV2",
        "StackCloseV2",
        "TensorArrayV3",
        "TensorArrayCloseV3",
        "TensorArrayConcatV3",
        "TensorArrayGatherV3",
        "TensorArrayGradV3",
        "TensorArrayGradWithShape",
        "TensorArrayReadV3",
        "TensorArrayScatterV3",
        "TensorArraySizeV3",
        "TensorArraySplitV3",
        "TensorArrayWriteV3",
    }
)
"""Effects that never wait for another step and leave nothing on the device after theirs."""

_OUTSIDE = frozenset(
    {
        "EagerPyFunc",
        "MatchingFiles",
        "MergeV2Checkpoints",
        "PyFunc",
        "ReadFile",
        "RestoreV2",
        "SaveV2",
        "WriteFile",
    }
)
"""Effects on files and programs: the devices hold nothing of them, but running them again may give other values."""

_FRAME = ("_Feed", "_Send", "_Recv")


def effects_of(spec: StepSpec) -> set[str]:
    """Op types of all effects of a step, in the bodies of its functions too."""
    found: set[str] = set()
    functions = spec.subgraph.functions
    for node in _all_nodes(spec):
        if node.op in _FRAME or node.state.kind != "effect":
            continue
        if not any(getattr(v, "name", None) in functions for v in _flat(node.attrs.values())):
            found.add(node.op)
    return found


def changes_state(spec: StepSpec) -> bool:
    """Whether a step changes variables or advances random streams, of which snapshots are made."""
    if any(p.final for p in spec.programs.values()):
        return True
    return any(
        node.state.kind in ("random", "variable") for node in _all_nodes(spec) if node.op not in _FRAME
    )


def _all_nodes(spec: StepSpec) -> list[Node]:
    bodies = [node for body in spec.subgraph.functions.values() for node in body.nodes.values()]
    return [*spec.subgraph.nodes.values(), *bodies]


def _flat(values: object) -> list[object]:
    flat: list[object] = []
    for value in values:  # type: ignore[attr-defined]
        flat.extend(value if isinstance(value, tuple) else (value,))
    return flat


def waits_for_nothing(spec: StepSpec) -> bool:
    """Whether a step's devices wait for nothing but each other: none of its effects can wait for another step."""
    return effects_of(spec) <= _WITHIN_STEP and all(p.stages for p in spec.programs.values())


def replay_of(spec: StepSpec) -> Literal["again", "once", "never"]:
    """Whether a step that is run again on the same state gives the same state.

    Returns:
        "again": it does. "once": it may not, since it looks at files or calls Python; its outcome has to be kept
        instead. "never": devices hold queues, readers or tables for it, which are lost with them.
    """
    effects = effects_of(spec)
    if effects <= _WITHIN_STEP:
        return "again"
    return "once" if effects <= _WITHIN_STEP | _OUTSIDE else "never"
