"""What a device actor reports to Ray's Prometheus endpoint.

Steps add to plain numbers; a thread hands them to Ray every two seconds, so that a step pays next to nothing.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["DeviceMetrics", "process_bytes"]

_FLUSH_SECONDS = 2.0


class DeviceMetrics:
    """Counts of one device, exported as `ray_weft_*` with the label `device`.

    Args:
        device: short name of the device.
        stats: gives what the device holds now; see `Device.stats`.
    """

    def __init__(self, device: str, stats: Callable[[], dict[str, Any]]) -> None:
        from ray.util.metrics import Counter, Gauge

        self._stats = stats
        self._labels = {"device": device}
        self._lock = threading.Lock()
        self._steps = 0
        self._step_seconds = 0.0
        self._failed = 0
        self._segment_seconds = 0.0
        self._compiled = 0
        self._sent: dict[str, int] = {}
        keys = ("device",)
        self._counters = {
            "steps": Counter("weft_steps", "Steps that the device took part in.", keys),
            "seconds": Counter("weft_step_seconds", "Seconds that its part of steps took.", keys),
            "failed": Counter("weft_failed_steps", "Steps that failed on the device.", keys),
            "segments": Counter(
                "weft_segment_seconds", "Seconds of computing, without waits for others.", keys
            ),
            "compiled": Counter(
                "weft_programs_compiled", "Kinds of steps that the device has compiled.", keys
            ),
        }
        self._bytes = Counter("weft_bytes_sent", "Bytes sent to another device.", ("device", "to"))
        self._gauges = {
            "variable_bytes": Gauge("weft_variable_bytes", "Bytes of variables on the device.", keys),
            "programs": Gauge("weft_programs", "Kinds of steps that the device knows.", keys),
            "resources": Gauge("weft_resources", "Queues, readers and tables on the device.", keys),
            "process_bytes": Gauge("weft_process_bytes", "Memory of the device's process.", keys),
            "queued_elements": Gauge("weft_queue_depth", "Elements in the device's queues.", keys),
        }
        self._stop = threading.Event()
        threading.Thread(target=self._report, daemon=True, name="weft-metrics").start()

    def step(self, seconds: float, failed: bool = False) -> None:
        """A step has ended here."""
        with self._lock:
            self._steps += 1
            self._step_seconds += seconds
            self._failed += failed

    def segments(self, seconds: float) -> None:
        """So long the device has computed, without waiting for another."""
        self._segment_seconds += seconds

    def compiled(self) -> None:
        """The device has compiled a kind of step."""
        with self._lock:
            self._compiled += 1

    def sent(self, to: str, size: int) -> None:
        """So many bytes have gone to another device."""
        with self._lock:
            self._sent[to] = self._sent.get(to, 0) + size

    def stop(self) -> None:
        self._stop.set()

    def _report(self) -> None:
        while not self._stop.wait(_FLUSH_SECONDS):
            self.flush()

    def flush(self) -> None:
        """Hands what has come together to Ray."""
        with self._lock:
            counts = {
                "steps": self._steps,
                "seconds": self._step_seconds,
                "failed": self._failed,
                "segments": self._segment_seconds,
                "compiled": self._compiled,
            }
            self._segment_seconds, self._compiled = 0.0, 0
            sent, self._sent = self._sent, {}
            self._steps, self._step_seconds, self._failed = 0, 0.0, 0
        for name, value in counts.items():
            if value:
                self._counters[name].inc(value, self._labels)
        for to, size in sent.items():
            if size:
                self._bytes.inc(size, {**self._labels, "to": to})
        stats = {**self._stats(), "process_bytes": process_bytes()}
        for name, gauge in self._gauges.items():
            gauge.set(float(stats.get(name, 0)), self._labels)


def process_bytes() -> int:
    """Memory of this process that is its own or shared with others, as the kernel counts it; 0 where it does not."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
