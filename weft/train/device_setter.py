"""Device functions that put variables on parameter servers and everything else on a worker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..actors.cluster_spec import ClusterSpec
from ..graph.device_spec import DeviceSpec
from ..graph.elements import Operation

__all__ = ["GreedyLoadBalancingStrategy", "byte_size_load_fn", "replica_device_setter"]

_VARIABLE_OPS = (
    "Variable",
    "VariableV2",
    "AutoReloadVariable",
    "MutableHashTable",
    "MutableHashTableV2",
    "MutableHashTableOfTensors",
    "MutableHashTableOfTensorsV2",
    "MutableDenseHashTable",
    "MutableDenseHashTableV2",
    "VarHandleOp",
    "BoostedTreesEnsembleResourceHandleOp",
)


class _RoundRobin:
    """Gives the parameter servers in turn."""

    def __init__(self, tasks: int) -> None:
        self._tasks = tasks
        self._next = 0

    def __call__(self, op: Operation) -> int:
        del op
        task = self._next
        self._next = (self._next + 1) % self._tasks
        return task


def byte_size_load_fn(op: Operation) -> float:
    """Bytes of a variable, by the static shape of its operation.

    Raises:
        ValueError: the shape is not fully known.
    """
    data = op.outputs[0].handle_data
    shape = op.outputs[0].shape if data is None else data.shape
    dtype = op.outputs[0].dtype if data is None else data.dtype
    if not shape.is_fully_defined():
        raise ValueError(f"The size of {op.name} is not known: its shape is {shape}.")
    return float((shape.num_elements() or 0) * dtype.size)


class GreedyLoadBalancingStrategy:
    """Puts each variable on the parameter server that has the least so far.

    Args:
        num_tasks: number of parameter servers.
        load_fn: from a variable's operation to how much it is, such as `byte_size_load_fn`.
    """

    def __init__(self, num_tasks: int, load_fn: Callable[[Operation], float]) -> None:
        self._loads = [0.0] * num_tasks
        self._load_fn = load_fn

    def __call__(self, op: Operation) -> int:
        task = self._loads.index(min(self._loads))
        self._loads[task] += self._load_fn(op)
        return task


def replica_device_setter(
    ps_tasks: int = 0,
    ps_device: str = "/job:ps",
    worker_device: str = "/job:worker",
    merge_devices: bool = True,
    cluster: Any = None,
    ps_ops: Sequence[str] | None = None,
    ps_strategy: Callable[[Operation], int] | None = None,
) -> Callable[[Operation], str] | None:
    """A device function for `tf.device`: variables go to parameter servers, everything else to the worker.

    Args:
        ps_tasks: number of parameter servers; none without `cluster` and with 0.
        ps_device: device of the parameter servers.
        worker_device: device of the worker.
        merge_devices: accepted for TensorFlow's sake; devices are always merged with those of inner scopes.
        cluster: a `ClusterSpec` or what one is made of: has the number of parameter servers.
        ps_ops: op types that go to parameter servers.
        ps_strategy: from a variable's operation to the number of its server; in turn by default.

    Returns:
        The function; None where there is no parameter server.

    Raises:
        TypeError: `ps_strategy` is no function.
    """
    del merge_devices
    if cluster is not None:
        jobs = cluster.as_dict() if isinstance(cluster, ClusterSpec) else ClusterSpec(cluster).as_dict()
        job = DeviceSpec.from_string(ps_device).job
        tasks = jobs.get(job or "")
        if not tasks:
            return None
        ps_tasks = tasks if isinstance(tasks, int) else len(tasks)
    if ps_tasks == 0:
        return None
    if ps_strategy is None:
        ps_strategy = _RoundRobin(ps_tasks)
    if not callable(ps_strategy):
        raise TypeError("ps_strategy must be a function.")
    on_servers = frozenset(_VARIABLE_OPS if ps_ops is None else ps_ops)
    strategy = ps_strategy

    def choose(op: Operation) -> str:
        inner = DeviceSpec.from_string(op.device or "")
        if op.type not in on_servers:
            return DeviceSpec.from_string(worker_device).make_merged_spec(inner).to_string()
        servers = DeviceSpec.from_string(ps_device)
        if servers.job and inner.job in (None, servers.job):
            servers = servers.replace(task=strategy(op))
        return servers.make_merged_spec(inner).to_string()

    return choose
