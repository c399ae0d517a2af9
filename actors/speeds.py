"""What a measurement of a device gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..placement.op_times import OpTimes

__all__ = ["DeviceSpeed"]


@dataclass(frozen=True)
class DeviceSpeed:
    """How fast a device is.

    Attributes:
        flops: FLOP/s of products of matrices by name of element type.
        bytes_per_second: memory traffic of large elementwise ops, in bytes/s.
        op_seconds: fixed cost of an op, in seconds.
        op_times: times of op types; see `DeviceInfo.op_times`.
    """

    flops: Mapping[str, float]
    bytes_per_second: float
    op_seconds: float
    op_times: Mapping[str, OpTimes] = field(default_factory=dict)
