"""`tf.train.Server`: the devices of one task, offered to the programs of the whole cluster."""

from __future__ import annotations

import atexit
import hashlib
import threading
from typing import Any

from ..graph.errors import AlreadyExistsError
from .cluster_spec import ClusterSpec
from .config import ConfigProto
from .inventory import describe_devices, task_devices
from .launch import DeviceActors, attach, bundle_of, start_devices

__all__ = ["Server"]


class Server:
    """Runs the devices of one task of a cluster for as long as this program runs.

    Every task's program makes a `Server` with the same cluster spec; a session of any of them on `server.target`
    can use the devices of all. Variables and queues live on their task's devices and are shared by name.

    Args:
        server_or_cluster_def: the cluster, as a `ClusterSpec` or what one is made of.
        job_name: job of this task; may be left out in a cluster of one job.
        task_index: index of this task; may be left out in a job of one task.
        protocol: accepted for TensorFlow's sake; tensors travel through Ray.
        config: settings.
        start: whether to start at once.

    Raises:
        ValueError: the cluster has no such job or task.
        AlreadyExistsError: another program runs this task.
    """

    def __init__(
        self,
        server_or_cluster_def: Any,
        job_name: str | None = None,
        task_index: int | None = None,
        protocol: str | None = None,
        config: ConfigProto | None = None,
        start: bool = True,
    ) -> None:
        del protocol
        given = server_or_cluster_def
        self._spec = given if isinstance(given, ClusterSpec) else ClusterSpec(given)
        self._config = config or ConfigProto()
        jobs = self._spec.jobs
        if job_name is None:
            if len(jobs) != 1:
                raise ValueError(f"job_name is needed in a cluster of several jobs: {', '.join(jobs)}.")
            job_name = jobs[0]
        indices = self._spec.task_indices(job_name)
        if task_index is None:
            if len(indices) != 1:
                raise ValueError(f"task_index is needed in a job of several tasks: {indices}.")
            task_index = indices[0]
        self._spec.task_address(job_name, task_index)
        self.job_name, self.task_index = job_name, task_index
        self._actors: DeviceActors | None = None
        self._stopped = threading.Event()
        if start:
            self.start()

    @property
    def server_def(self) -> Any:
        """The cluster, job and task of this server."""
        return {"cluster": self._spec.as_dict(), "job_name": self.job_name, "task_index": self.task_index}

    @property
    def cluster_spec(self) -> ClusterSpec:
        return self._spec

    @property
    def target(self) -> str:
        """What a session takes to use the devices of the whole cluster."""
        return f"weft://{_cluster_name(self._spec)}"

    def start(self) -> None:
        """Starts this task's devices; does nothing where they run already."""
        if self._actors is not None:
            return
        every = describe_devices(self._spec, self._config)
        mine = task_devices(self._spec, self.job_name, self.task_index, self._config)
        attach("ray", len(every), self._config)
        bundles = [bundle_of(self._spec, d) for d in mine]
        try:
            self._actors = start_devices(
                bundles, mine, [d.name for d in every], self._config, _cluster_name(self._spec)
            )
        except ValueError as error:
            if "already" not in str(error):
                raise
            raise AlreadyExistsError(
                None, f"/job:{self.job_name}/task:{self.task_index} of this cluster runs already"
            ) from None
        atexit.register(self.stop)

    def join(self) -> None:
        """Serves until the program is ended."""
        while not self._stopped.wait(timeout=3600.0):
            pass

    def stop(self) -> None:
        """Ends this task's devices."""
        self._stopped.set()
        if self._actors is not None:
            atexit.unregister(self.stop)
            self._actors.stop()
            self._actors = None

    @staticmethod
    def create_local_server(config: ConfigProto | None = None, start: bool = True) -> Server:
        """A server that is a cluster of one task by itself."""
        return Server({"local": 1}, config=config, start=start)


def _cluster_name(spec: ClusterSpec) -> str:
    """The same name in every program that has the same cluster spec."""
    text = repr((sorted(spec.as_dict().items(), key=repr), sorted(spec.resources.items(), key=repr)))
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()
