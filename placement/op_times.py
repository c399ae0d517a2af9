"""How long a device takes for one type of op, fitted to measurements at several sizes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..graph.errors import PlacementError

if TYPE_CHECKING:
    from .cluster import DeviceInfo

__all__ = ["OpTimes", "device_seconds", "fit_times", "times_key"]

_Floats = npt.NDArray[np.float64]

_REACH = 0.4
"""How far a measured point speaks for others, in factors of e of work."""

_DOUBT = 0.05
"""Weight of the fit itself against that of points."""

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
        points: what was measured: FLOPs, bytes, and the measured time over what the numbers above give; an op of
            much the same work takes that much longer too.
    """

    fixed: float
    per_flop: float = 0.0
    per_byte: float = 0.0
    per_far_byte: float = 0.0
    near_bytes: float = _NEAR_BYTES
    points: tuple[tuple[float, float, float], ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "points", tuple((float(f), float(b), float(r)) for f, b, r in self.points))
        numbers = {name: value for name, value in asdict(self).items() if name != "points"}
        for name, value in [*numbers.items(), *(("points", v) for row in self.points for v in row)]:
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
        return found * self._correction(flops, moved) if self.points else found

    def _correction(self, flops: _Floats, moved: _Floats) -> _Floats:
        """What the points near each op say about the fit there; 1 far from all of them."""
        known = np.array(self.points)
        ratio = np.log(np.maximum(known[:, 2], 1e-3))
        distance = np.zeros((len(flops), len(known)))
        for given, column in ((flops, 0), (moved, 1)):
            distance += (np.log1p(given)[:, None] - np.log1p(known[:, column])[None, :]) ** 2
        weight = np.exp(-distance / (2 * _REACH**2))
        found: _Floats = np.exp((weight @ ratio) / (weight.sum(axis=1) + _DOUBT))
        return found

    def to_dict(self) -> dict[str, Any]:
        """The numbers by name."""
        made = {name: value for name, value in asdict(self).items() if name != "points"}
        return {**made, "points": [list(row) for row in self.points]} if self.points else made


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
    fit = OpTimes(fixed, per_flop, per_byte, per_far)
    off = seconds / np.maximum(fit.of(flops, moved), 1e-9)
    return replace(fit, points=tuple(zip(flops.tolist(), moved.tolist(), off.tolist(), strict=True)))


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
