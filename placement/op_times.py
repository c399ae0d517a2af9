"""How long a device takes for one type of op, fitted to measurements at several sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ..graph.errors import PlacementError

if TYPE_CHECKING:
    from .cluster import DeviceInfo

__all__ = ["OpTimes", "device_seconds", "fit_times", "times_key"]

_Floats = npt.NDArray[np.float64]

_NEAR_BYTES = float(1 << 20)
"""Memory traffic up to which an op is taken to find its tensors in a cache."""


@dataclass(frozen=True)
class OpTimes:
    """Time of one type of op: a fixed part, and parts that grow with arithmetic and with memory traffic.

    Attributes:
        fixed: seconds per run.
        per_flop: seconds per FLOP.
        per_byte: seconds per byte of memory traffic.
        per_far_byte: seconds more for each byte beyond `near_bytes`.
        near_bytes: memory traffic up to which tensors are found in a cache, in bytes.
    """

    fixed: float
    per_flop: float = 0.0
    per_byte: float = 0.0
    per_far_byte: float = 0.0
    near_bytes: float = _NEAR_BYTES

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not (math.isfinite(value) and value >= 0):
                raise PlacementError(None, f"op times: {name} must be a number of at least 0, got {value!r}")

    def of(self, flops: _Floats, moved: _Floats) -> _Floats:
        """Times of ops, in seconds.

        Args:
            flops, moved: arithmetic and memory traffic of each op.
        """
        found: _Floats = self.fixed + self.per_flop * flops + self.per_byte * moved
        if self.per_far_byte:
            found += self.per_far_byte * np.maximum(moved - self.near_bytes, 0.0)
        return found

    def to_dict(self) -> dict[str, float]:
        """The numbers by name."""
        return asdict(self)


def times_key(op: str, dtype: str) -> str:
    """Key of an op type, computing in an element type, in `DeviceInfo.op_times`: `MatMul:float32`."""
    return f"{op}:{dtype}"


def fit_times(points: Sequence[tuple[float, float, float]]) -> OpTimes:
    """The times that come closest, in relative terms, to what was measured.

    Args:
        points: FLOPs, bytes of memory traffic and seconds of each measurement.
    """
    flops, moved, seconds = (np.array(column, dtype=np.float64) for column in zip(*points, strict=True))
    seconds = np.maximum(seconds, 1e-9)
    columns = np.stack([np.ones_like(flops), flops, moved, np.maximum(moved - _NEAR_BYTES, 0.0)], axis=1)
    scale = np.maximum(np.abs(columns).max(axis=0), 1e-300)
    rows = columns / scale / seconds[:, None]
    used = [i for i in range(4) if np.abs(columns[:, i]).max() > 0]
    found = np.zeros(4)
    while used:
        part, *_ = np.linalg.lstsq(rows[:, used], np.ones(len(seconds)), rcond=None)
        if (part >= 0).all():
            found[used] = part
            break
        # Times cannot fall with work: the part that is most negative is left out.
        used.pop(int(np.argmin(part)))
    fixed, per_flop, per_byte, per_far = (found / scale).tolist()
    return OpTimes(fixed, per_flop, per_byte, per_far)


def device_seconds(
    device: DeviceInfo, kinds: Mapping[tuple[str, str], Sequence[int]], flops: _Floats, moved: _Floats
) -> _Floats:
    """Times of many ops on one device, in seconds.

    Args:
        device: what runs them.
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
