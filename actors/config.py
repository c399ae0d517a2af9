"""Settings of a session, passed in, never global."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ConfigProto", "GPUOptions", "RunMetadata", "RunOptions"]


@dataclass
class GPUOptions:
    """Settings of GPU devices, named as TensorFlow's.

    Attributes:
        per_process_gpu_memory_fraction: share of a GPU's memory that a device may take; 0 for all of it.
        allow_growth: whether memory is taken as it is needed.
        visible_device_list: comma-separated indices of the GPUs to use; "" for all.
    """

    per_process_gpu_memory_fraction: float = 0.0
    allow_growth: bool = True
    visible_device_list: str = ""


@dataclass
class ConfigProto:
    """Settings of a session, named as TensorFlow's ConfigProto, and weft's own.

    Attributes:
        device_count: how many devices of each type the calling process has, such as {"CPU": 2}.
        allow_soft_placement: whether an op whose device cannot run it may run elsewhere.
        log_device_placement: whether each new kind of step prints the device of every op.
        intra_op_parallelism_threads: threads that one op may use on a CPU device; 0 for the library's own choice.
        inter_op_parallelism_threads: steps of one process that may run at the same time; 0 for no limit.
        gpu_options: settings of GPU devices.
        operation_timeout_in_ms: milliseconds that a step may take; 0 for no limit.
        planner: name of a registered planner.
        plan_seconds: seconds that planning one kind of step may take; None for what fits its size, and no longer than
            a better plan could save in a thousand steps.
        backends: backend of each device type, such as {"CPU": "jax"}; the rest have their usual one.
        optimize: whether graphs are rewritten before they run.
        start_timeout: seconds to wait for a cluster to start.
        autoscale_timeout: seconds to wait for it while Ray's autoscaler is starting nodes.
        recover: whether device actors that are lost are started again, with the state that they had. None: in a
            `MonitoredTrainingSession`, as far as its steps allow that; not in other sessions.
        snapshot_steps: steps between two copies of the devices' state, for `recover`.
        snapshot_copies: where the copies go: "driver", or "devices" for another device of the session, on another
            node where there is one.
        transports: names of the transports that steps between processes may take besides plain messages, such as
            `("channels",)`; None for all, but for compiled graphs in sessions that recover. See
            `actors/transports`.
        steps_in_flight: steps that `Session.run_async` runs at the same time; one more waits.
        dashboard: whether a local Ray that is started for the session serves its dashboard.
    """

    device_count: Mapping[str, int] = field(default_factory=dict)
    allow_soft_placement: bool = False
    log_device_placement: bool = False
    intra_op_parallelism_threads: int = 0
    inter_op_parallelism_threads: int = 0
    gpu_options: GPUOptions = field(default_factory=GPUOptions)
    operation_timeout_in_ms: int = 0
    planner: str = "auto"
    plan_seconds: float | None = None
    backends: Mapping[str, str] = field(default_factory=dict)
    optimize: bool = True
    start_timeout: float = 60.0
    autoscale_timeout: float = 900.0
    recover: bool | Literal["if possible"] | None = None
    snapshot_steps: int = 50
    snapshot_copies: Literal["driver", "devices"] = "driver"
    transports: tuple[str, ...] | None = None
    steps_in_flight: int = 8
    dashboard: bool = False


class RunOptions:
    """Options of one `Session.run`, named as TensorFlow's.

    Args:
        trace_level: NO_TRACE or FULL_TRACE; the latter fills a `RunMetadata` with what ran where and when.
        timeout_in_ms: milliseconds that the step may take; 0 for no limit.
        output_partition_graphs: whether the `RunMetadata` gets the graph of each device.
    """

    NO_TRACE = 0
    SOFTWARE_TRACE = 1
    HARDWARE_TRACE = 2
    FULL_TRACE = 3

    def __init__(
        self, trace_level: int = NO_TRACE, timeout_in_ms: int = 0, output_partition_graphs: bool = False
    ) -> None:
        self.trace_level = trace_level
        self.timeout_in_ms = timeout_in_ms
        self.output_partition_graphs = output_partition_graphs


def RunMetadata() -> object:
    """An empty RunMetadata message, to be filled by `Session.run`."""
    from tensorboard.compat.proto.config_pb2 import RunMetadata as Message

    made: object = Message()
    return made
