"""A session's cluster with more or fewer tasks, between two steps.

Tasks that are added start beside those that run. Where tasks are taken away, Ray gives their resources back only
together with those of the tasks that they were asked for with; so all devices then start again, smaller in number,
with the state that they had.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..graph.errors import FailedPreconditionError, OpError
from .cluster_spec import ClusterSpec
from .config import ConfigProto
from .homes import HomeKey, Homes
from .inventory import describe_devices
from .local import LocalTarget
from .ray_target import RayTarget
from .recovery import RecoveringTarget

__all__ = ["resize_target"]

State = dict[str, dict[str, Any]]
"""For each device its variables and the positions of its random streams; see `Device.get_state`."""

Swap = Callable[[Any, ClusterSpec], None]


def resize_target(
    target: Any,
    opened: str | None,
    old: ClusterSpec,
    new: ClusterSpec,
    config: ConfigProto,
    homes: Homes,
    swap: Swap,
) -> None:
    """Gives a session the devices of another cluster spec, with the state that it had.

    Args:
        target: the session's target, with no step running.
        opened: the string that named the target.
        old, new: the cluster as it is, and as it is to be.
        config: the session's settings.
        homes: where the session's variables are; changed for those that move.
        swap: is given the session's target from now on, and its cluster.

    Raises:
        FailedPreconditionError: what a device that goes away holds cannot move, or the devices belong to several
            programs.
        ResourceExhaustedError: Ray cannot give what the new cluster asks for; the session goes on as it was.
    """
    if isinstance(target, RecoveringTarget):
        outer = target
        outer.stats()  # a device that was lost unnoticed is started again first

        def swap_inner(made: RayTarget, spec: ClusterSpec) -> None:
            outer.take(made)
            swap(outer, spec)

        resize_target(target.inner, opened, old, new, config, homes, swap_inner)
        return
    before = [d.name for d in target.cluster.devices]
    infos = describe_devices(new, config)
    kept = [i.name for i in infos]
    removed = [n for n in before if n not in kept]
    if not removed and len(kept) == len(before):
        return
    if isinstance(target, RayTarget) and not target.owned:
        raise FailedPreconditionError(
            None, "these devices belong to several programs: `weft down` and `weft up` give them another size"
        )
    if isinstance(target, RayTarget) and not removed:
        target.extend(new, [i for i in infos if i.name not in before], config)
        swap(target, new)
        return
    in_process = isinstance(target, LocalTarget)
    _check_no_queues(target.stats(), removed if in_process else before)
    state: State = _local_state(target) if in_process else target.get_state()
    moved = _new_homes({n: state[n] for n in removed}, removed, kept, homes)
    if in_process:
        made = LocalTarget(new, config, target.session)
        made.devices.update({n: d for n, d in target.devices.items() if n in kept})
        for name in moved.values():
            state.setdefault(name, {"variables": {}, "positions": {}})
        for name in set(moved.values()):
            made.devices[name].set_state(target.session, _with_moved(state, name, moved))
        for name in removed:
            target.devices[name].close()
    else:
        where = opened or os.environ.get("WEFT_TARGET", "ray")
        target.close()
        try:
            made = RayTarget.launch(where, new, config, target.session)
        except OpError:
            again = RayTarget.launch(where, old, config, target.session)
            again.set_state(state)
            swap(again, old)
            raise
        made.set_state({n: _with_moved(state, n, moved) for n in kept})
    homes.move(moved)
    swap(made, new)


def _local_state(target: LocalTarget) -> State:
    return {name: device.get_state(target.session) for name, device in target.devices.items()}


def _check_no_queues(stats: Sequence[Mapping[str, Any]], devices: Sequence[str]) -> None:
    for row in stats:
        if row["device"] in devices and row["resources"]:
            raise FailedPreconditionError(
                None,
                f"{row['device']} holds {row['resources']} queue(s), reader(s) or table(s), which cannot move: "
                "take no task away while there are some, or feed the input",
                row["device"],
            )


def _new_homes(
    leaving: State, removed: Sequence[str], kept: Sequence[str], homes: Homes
) -> dict[HomeKey, str | None]:
    """Where what lives on the removed devices goes: to the device that may have it and has been given least.

    Raises:
        FailedPreconditionError: the program's device string leaves no device for a variable.
    """
    sizes = {
        _home_of(key): int(value.nbytes)
        for part in leaving.values()
        for key, value in part["variables"].items()
    }
    load = dict.fromkeys(kept, 0)
    moved: dict[HomeKey, str | None] = {}
    stuck: list[str] = []
    for key, home in {**dict.fromkeys(sizes, ""), **homes.on(removed)}.items():
        if key not in sizes and key[0] != "random":
            moved[key] = None
            continue
        kind = home.rsplit("/device:", 1)[-1].split(":")[0]
        able = [d for d in kept if homes.may_live_on(key, d)]
        able = [d for d in able if f"/device:{kind}:" in d] or able
        if not able:
            stuck.append(f"{key[2]} ({home})")
            continue
        moved[key] = min(able, key=lambda d: load[d])
        load[moved[key]] += sizes.get(key, 0)
    if stuck:
        raise FailedPreconditionError(
            None,
            "these variables or random ops ask for tasks that would be gone: "
            + ", ".join(sorted(stuck))
            + ". Put them "
            "on a task that stays, such as a parameter server, or leave the task open in their device string",
        )
    return moved


def _home_of(variable: tuple[str, str, str]) -> HomeKey:
    return "VarHandleOp", variable[1], variable[2]


def _with_moved(state: State, device: str, moved: Mapping[HomeKey, str | None]) -> dict[str, Any]:
    """A device's state, with what moves to it, and with the positions of all random streams."""
    own = state.get(device, {"variables": {}, "positions": {}})
    variables = dict(own["variables"])
    positions: dict[str, int] = {}
    for part in state.values():
        variables.update({k: v for k, v in part["variables"].items() if moved.get(_home_of(k)) == device})
        for name, position in part["positions"].items():
            positions[name] = max(position, positions.get(name, 0))
    return {"variables": variables, "positions": positions}
