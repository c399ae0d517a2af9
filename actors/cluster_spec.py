"""Jobs and tasks of a cluster, in all the forms in which TensorFlow's programs give them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from ..graph.errors import InvalidArgumentError

__all__ = ["ClusterSpec"]

_RESOURCES = ("CPU", "GPU", "TPU", "memory", "accelerator_type", "resources")


class ClusterSpec:
    """The jobs of a cluster and the tasks of each.

    Args:
        cluster: for each job, a list of task addresses, a dict of task index to address, or a number of tasks;
            or another `ClusterSpec`, or a ClusterDef message. Addresses name tasks; weft does not connect to them.
        resources: for each job, what one of its tasks needs: "CPU" (cores), "GPU", "TPU" (how many), "memory"
            (bytes, or text such as "8GiB"), "accelerator_type" (Ray's name, such as "H100"), "resources" (Ray's
            own custom resources by name).
        backends: for each job, the backend of its devices where it is not the usual one.
        strategy: how tasks are spread over nodes: "pack", "spread", "strict_pack" or "strict_spread".

    Raises:
        TypeError: a job is given in another form.
        InvalidArgumentError: a job name, index, count or resource is not possible.
    """

    def __init__(
        self,
        cluster: Any,
        resources: Mapping[str, Mapping[str, Any]] | None = None,
        backends: Mapping[str, str] | None = None,
        strategy: str = "pack",
    ) -> None:
        if isinstance(cluster, ClusterSpec):
            self._jobs = {job: dict(tasks) for job, tasks in cluster._jobs.items()}
            resources = cluster.resources if resources is None else resources
            backends = cluster.backends if backends is None else backends
            strategy = cluster.strategy if strategy == "pack" else strategy
        elif hasattr(cluster, "job"):
            self._jobs = {job.name: dict(job.tasks) for job in cluster.job}
        elif isinstance(cluster, Mapping):
            self._jobs = {str(job): _tasks(job, tasks) for job, tasks in cluster.items()}
        else:
            raise TypeError(
                "ClusterSpec takes a dict from job name to addresses, indices or a number of tasks, "
                f"got {type(cluster).__name__}."
            )
        if strategy not in ("pack", "spread", "strict_pack", "strict_spread"):
            raise InvalidArgumentError(
                None, f"strategy must be pack, spread, strict_pack or strict_spread, got {strategy!r}"
            )
        self.strategy = strategy
        self.resources = {job: _resources(job, needs) for job, needs in (resources or {}).items()}
        self.backends = dict(backends or {})
        for job in (*self.resources, *self.backends):
            if job not in self._jobs:
                raise InvalidArgumentError(
                    None, f"there is no job {job!r}; the cluster has {', '.join(self._jobs) or 'none'}"
                )

    @property
    def jobs(self) -> list[str]:
        """Names of the jobs."""
        return list(self._jobs)

    def resized(self, counts: Mapping[str, int]) -> ClusterSpec:
        """The same cluster with other numbers of tasks; the highest indices go first, the lowest free ones come.

        Raises:
            InvalidArgumentError: there is no such job, or a number is not possible.
        """
        jobs: dict[str, dict[int, str]] = {job: dict(tasks) for job, tasks in self._jobs.items()}
        for job, count in counts.items():
            if job not in jobs:
                raise InvalidArgumentError(
                    None, f"there is no job {job!r}; the cluster has {', '.join(jobs) or 'none'}"
                )
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise InvalidArgumentError(None, f"job {job!r} must have at least one task, got {count!r}")
            tasks = jobs[job]
            for index in sorted(tasks)[count:]:
                del tasks[index]
            free = (i for i in itertools.count() if i not in tasks)
            for index in list(itertools.islice(free, count - len(tasks))):
                tasks[index] = ""
        return ClusterSpec(jobs, self.resources, self.backends, self.strategy)

    def num_tasks(self, job_name: str) -> int:
        return len(self._job(job_name))

    def task_indices(self, job_name: str) -> list[int]:
        return sorted(self._job(job_name))

    def task_address(self, job_name: str, task_index: int) -> str:
        """Address of a task, as it was given; "" where the job was given as a number of tasks.

        Raises:
            ValueError: there is no such job or task.
        """
        tasks = self._job(job_name)
        if task_index not in tasks:
            raise ValueError(f"No task with index {task_index!r} in job {job_name!r}.")
        return tasks[task_index]

    def job_tasks(self, job_name: str) -> list[str | None]:
        """Addresses of a job's tasks by index; None for an index that is left out."""
        tasks = self._job(job_name)
        return [tasks.get(i) for i in range(max(tasks, default=-1) + 1)]

    def as_dict(self) -> dict[str, Any]:
        """The jobs as TensorFlow gives them: a list where the indices are dense, else a dict."""
        return {
            job: [tasks[i] for i in sorted(tasks)]
            if sorted(tasks) == list(range(len(tasks)))
            else dict(tasks)
            for job, tasks in self._jobs.items()
        }

    def tasks(self) -> list[tuple[str, int]]:
        """All (job, task index), in order of the jobs."""
        return [(job, index) for job, tasks in self._jobs.items() for index in sorted(tasks)]

    def _job(self, job_name: str) -> dict[int, str]:
        if job_name not in self._jobs:
            raise ValueError(f"No such job in cluster: {job_name!r}; there are {', '.join(self._jobs)}.")
        return self._jobs[job_name]

    def __bool__(self) -> bool:
        return bool(self._jobs)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ClusterSpec) and self._jobs == other._jobs and self.resources == other.resources
        )

    def __hash__(self) -> int:
        return hash(tuple(self._jobs))

    def __repr__(self) -> str:
        return f"ClusterSpec({ {job: len(tasks) for job, tasks in self._jobs.items()} })"


def _tasks(job: Any, tasks: Any) -> dict[int, str]:
    if not isinstance(job, str) or not job.replace("_", "a").isalnum() or not job[0].isalpha():
        raise InvalidArgumentError(None, f"job name must be letters, digits and _, got {job!r}")
    if isinstance(tasks, bool):
        raise TypeError(f"Tasks of job {job!r} must be addresses, indices or a number, got {tasks!r}.")
    if isinstance(tasks, int):
        if tasks < 1:
            raise InvalidArgumentError(None, f"job {job!r} must have at least one task, got {tasks}")
        return dict.fromkeys(range(tasks), "")
    if isinstance(tasks, Mapping):
        for index in tasks:
            if not isinstance(index, int) or index < 0:
                raise InvalidArgumentError(
                    None, f"task index of job {job!r} must be 0 or more, got {index!r}"
                )
        return {int(i): _address(job, a) for i, a in tasks.items()}
    if isinstance(tasks, Sequence) and not isinstance(tasks, (str, bytes)):
        return {i: _address(job, a) for i, a in enumerate(tasks)}
    raise TypeError(
        f"Tasks of job {job!r} must be a list of addresses, a dict of index to address or a number, got {tasks!r}."
    )


def _address(job: str, address: Any) -> str:
    if not isinstance(address, str):
        raise TypeError(f"Task addresses of job {job!r} must be strings, got {address!r}.")
    return address


def _resources(job: str, needs: Mapping[str, Any]) -> dict[str, Any]:
    for name in needs:
        if name not in _RESOURCES:
            raise InvalidArgumentError(
                None, f"job {job!r} asks for unknown resource {name!r}; known are {', '.join(_RESOURCES)}"
            )
    made = dict(needs)
    if "memory" in made:
        made["memory"] = _bytes(job, made["memory"])
    return made


def _bytes(job: str, amount: Any) -> int:
    if isinstance(amount, (int, float)):
        return int(amount)
    units = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "KB": 10**3, "MB": 10**6, "GB": 10**9}
    for unit, factor in units.items():
        if isinstance(amount, str) and amount.endswith(unit):
            return int(float(amount.removesuffix(unit)) * factor)
    raise InvalidArgumentError(
        None, f"memory of job {job!r} must be bytes or text such as '8GiB', got {amount!r}"
    )
