"""Device strings as TensorFlow writes and merges them: `/job:worker/replica:0/task:7/device:GPU:0`."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, replace

from .errors import InvalidArgumentError

__all__ = ["DeviceSpec", "canonical_name", "merge_devices"]

_PART = re.compile(
    r"/(?:job:(?P<job>[a-zA-Z][_a-zA-Z0-9]*)|replica:(?P<replica>\d+|\*)|task:(?P<task>\d+|\*)"
    r"|device:(?P<type>[a-zA-Z][_a-zA-Z0-9]*|\*)(?::(?P<index>\d+|\*))?"
    r"|(?P<old_type>cpu|gpu|tpu|CPU|GPU|TPU):(?P<old_index>\d+|\*))(?=/|$)"
)


@dataclass(frozen=True)
class DeviceSpec:
    """A device name of which any part may be left open.

    Attributes:
        job: job of the cluster, such as "worker".
        replica: index of the replica.
        task: index of the task within its job.
        device_type: "CPU", "GPU" or "TPU", upper case.
        device_index: index among the task's devices of that type.
    """

    job: str | None = None
    replica: int | None = None
    task: int | None = None
    device_type: str | None = None
    device_index: int | None = None

    @classmethod
    def from_string(cls, text: str) -> DeviceSpec:
        """Reads a full or partial device string.

        Raises:
            InvalidArgumentError: the string is not of the form; the message shows the form.
        """
        return _parse(text)

    def to_string(self) -> str:
        """The string that `from_string` reads back to this."""
        text = ""
        if self.job is not None:
            text += f"/job:{self.job}"
        if self.replica is not None:
            text += f"/replica:{self.replica}"
        if self.task is not None:
            text += f"/task:{self.task}"
        if self.device_type is not None:
            index = "*" if self.device_index is None else self.device_index
            text += f"/device:{self.device_type}:{index}"
        return text

    __str__ = to_string

    def replace(self, **parts: object) -> DeviceSpec:
        return replace(self, **parts)  # type: ignore[arg-type]

    def make_merged_spec(self, inner: DeviceSpec) -> DeviceSpec:
        """This spec with every part that `inner` names taken from `inner`.

        A device type in `inner` without an index drops this one's index when the types differ.
        """
        keeps_index = inner.device_type in (None, self.device_type)
        return DeviceSpec(
            job=self.job if inner.job is None else inner.job,
            replica=self.replica if inner.replica is None else inner.replica,
            task=self.task if inner.task is None else inner.task,
            device_type=self.device_type if inner.device_type is None else inner.device_type,
            device_index=inner.device_index
            if inner.device_index is not None
            else (self.device_index if keeps_index else None),
        )

    def matches(self, full: DeviceSpec) -> bool:
        """Whether the device `full` is one of those that this spec allows."""
        return all(
            mine is None or mine == theirs
            for mine, theirs in (
                (self.job, full.job),
                (self.replica, full.replica),
                (self.task, full.task),
                (self.device_type, full.device_type),
                (self.device_index, full.device_index),
            )
        )

    def intersect(self, other: DeviceSpec) -> DeviceSpec | None:
        """The spec that allows what both allow, or None where they contradict each other."""
        merged = {}
        for part in ("job", "replica", "task", "device_type", "device_index"):
            mine, theirs = getattr(self, part), getattr(other, part)
            if mine is not None and theirs is not None and mine != theirs:
                return None
            merged[part] = theirs if mine is None else mine
        return DeviceSpec(**merged)


@functools.lru_cache(maxsize=4096)
def _parse(text: str) -> DeviceSpec:
    found: dict[str, str] = {}
    position = 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            raise InvalidArgumentError(
                None,
                f"malformed device string {text!r}: expected parts of "
                "/job:NAME/replica:N/task:N/device:TYPE:N, such as /job:worker/task:0/device:GPU:0",
            )
        found.update({k: v for k, v in part.groupdict().items() if v is not None})
        position = part.end()
    kind = found.get("type", found.get("old_type"))
    index = found.get("index", found.get("old_index"))
    return DeviceSpec(
        job=found.get("job"),
        replica=_number(found.get("replica")),
        task=_number(found.get("task")),
        device_type=None if kind in (None, "*") else str(kind).upper(),
        device_index=_number(index),
    )


def _number(text: str | None) -> int | None:
    return None if text in (None, "*") else int(str(text))


@functools.lru_cache(maxsize=65536)
def merge_devices(outer: str, inner: str) -> str:
    """`outer` with every part that `inner` names taken from `inner`."""
    if not outer or not inner:
        return outer or inner
    return _parse(outer).make_merged_spec(_parse(inner)).to_string()


def canonical_name(text: str) -> str:
    """The string in canonical form: `/cpu:0` becomes `/device:CPU:0`."""
    return _parse(text).to_string()
