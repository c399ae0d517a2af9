"""How long a device takes for one type of op, measured at several sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ..graph.errors import PlacementError

__all__ = ["OpTimes", "device_seconds", "times_key"]

_Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class OpTimes:
    """Times of one type of op against the work that it does.

    Between two measured points the time is interpolated linearly; beyond the last one it grows at the rate of the
    last two points.

    Attributes:
        measure: what `work` counts: "flops", or "bytes" of memory traffic.
        work: work of each point, ascending.
        seconds: time of each point, in seconds.
    """

    measure: Literal["flops", "bytes"]
    work: tuple[float, ...]
    seconds: tuple[float, ...]

    def __post_init__(self) -> None:
        if self.measure not in ("flops", "bytes"):
            raise PlacementError(None, f"op times count 'flops' or 'bytes', got {self.measure!r}")
        if not self.work or len(self.work) != len(self.seconds):
            raise PlacementError(
                None,
                f"op times need as many points of work as times, got {len(self.work)} and {len(self.seconds)}",
            )
        if not all(np.isfinite(self.work)) or any(np.diff(self.work) <= 0) or self.work[0] < 0:
            raise PlacementError(None, f"the work of op times must ascend from at least 0, got {self.work}")
        if not all(np.isfinite(self.seconds)) or min(self.seconds) < 0:
            raise PlacementError(None, f"op times must be at least 0 seconds, got {self.seconds}")

    def of(self, flops: _Floats, moved: _Floats) -> _Floats:
        """Times of ops, in seconds.

        Args:
            flops, moved: arithmetic and memory traffic of each op.
        """
        given = flops if self.measure == "flops" else moved
        found: _Floats = np.interp(given, self.work, self.seconds)
        if len(self.work) > 1:
            rise = max(self.seconds[-1] - self.seconds[-2], 0.0) / (self.work[-1] - self.work[-2])
            found += np.maximum(given - self.work[-1], 0.0) * rise
        elif self.work[0] > 0:
            found = np.maximum(found, self.seconds[0] * given / self.work[0])
        return found

    def to_dict(self) -> dict[str, Any]:
        """The times as plain data."""
        return {"measure": self.measure, "work": list(self.work), "seconds": list(self.seconds)}


def times_key(op: str, dtype: str) -> str:
    """Key of an op type, computing in an element type, in `DeviceInfo.op_times`: `MatMul:float32`."""
    return f"{op}:{dtype}"


def device_seconds(
    device: Any, kinds: Mapping[tuple[str, str], Sequence[int]], flops: _Floats, moved: _Floats
) -> _Floats:
    """Times of many ops on one device, in seconds.

    Args:
        device: a `DeviceInfo`.
        kinds: positions of the ops of each op type and element type; those that are in none take no time.
        flops, moved: arithmetic and memory traffic of each op.
    """
    seconds = np.zeros(len(flops))
    for (op, dtype), positions in kinds.items():
        rows = np.asarray(positions, dtype=np.int64)
        known = device.op_times.get(times_key(op, dtype))
        if known is not None:
            seconds[rows] = known.of(flops[rows], moved[rows])
        else:
            arithmetic = flops[rows] / device.rate(dtype)
            seconds[rows] = device.op_seconds + np.maximum(arithmetic, moved[rows] / device.bytes_per_second)
    return seconds
