"""A Ray cluster of a test's own: started by `ray start`, on its own ports, with its own folder, and taken down whole.

`ray stop` would end every Ray cluster on the machine, so what is left is found by the folder that its processes name.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["AutoscalingHead", "RayHead", "free_port", "wait_for"]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    """Waits until the condition gives something true, and returns it."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"{what} did not happen within {seconds:.0f} s"
        time.sleep(0.1)


class RayHead:
    """A head node, as a context manager.

    Args:
        cpus: how many CPUs it has, in name.
        dashboard: whether it serves its dashboard, and with it jobs.
        client: whether it serves Ray clients.
        options: further options of `ray start`.
        environment: further environment variables of its processes.

    Attributes:
        address: what `ray.init` takes, once it is up.
        token: what a program must know to be let in.
        environment: environment variables of its processes, and of programs that are to be let in.
    """

    def __init__(
        self,
        cpus: int = 4,
        *,
        dashboard: bool = False,
        client: bool = False,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.port = free_port()
        self.dashboard_port = free_port() if dashboard else None
        self.client_port = free_port() if client else None
        self.metrics_port = free_port()
        self.token = secrets.token_hex(32)
        self.address = ""
        # Sockets lie in it, and their paths may not be long.
        self.folder = Path(tempfile.mkdtemp(prefix="weft-ray-", dir="/tmp"))
        binaries = str(Path(sys.executable).parent)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("RAY_ADDRESS")},
            "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}",
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": self.token,
            **(environment or {}),
        }
        self._command = [
            str(Path(binaries) / "ray"), "start", "--head", "--block", "--log-color=false",
            f"--port={self.port}", f"--num-cpus={cpus}", "--object-store-memory=100000000",
            f"--temp-dir={self.folder}", f"--metrics-export-port={self.metrics_port}",
            f"--include-dashboard={'true' if dashboard else 'false'}",
            "--dashboard-host=127.0.0.1", *options,
        ]  # fmt: skip
        if self.dashboard_port is not None:
            agent_ports = (free_port(), free_port())
            self._command += [
                f"--dashboard-port={self.dashboard_port}",
                f"--dashboard-agent-listen-port={agent_ports[0]}",
                f"--dashboard-agent-grpc-port={agent_ports[1]}",
            ]
        self._command.append(f"--ray-client-server-port={self.client_port or free_port()}")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def dashboard(self) -> str:
        """Where the dashboard and the jobs' server are."""
        return f"http://127.0.0.1:{self.dashboard_port}"

    def __enter__(self) -> RayHead:
        with open(self.folder / "start.log", "wb") as log:
            self._process = subprocess.Popen(
                self._command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            wait_for(self._is_up, "the start of a Ray head", 90.0)
        except BaseException:
            print((self.folder / "start.log").read_text(errors="replace"), file=sys.stderr)
            self.stop()
            raise
        return self

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "`ray start` ended"
        said = re.search(r"--address='([^']+)'", (self.folder / "start.log").read_text(errors="replace"))
        if said is None:
            return False
        self.address = said[1]
        if self.dashboard_port is None:
            return True
        with contextlib.suppress(OSError, ValueError):
            self.get_json("/api/version")
            return True
        return False

    def get_json(self, path: str) -> Any:
        """What the dashboard's server answers to a GET."""
        request = urllib.request.Request(
            f"{self.dashboard}{path}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def metrics(self) -> str:
        """The text that this node's Prometheus endpoint serves."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=10) as answer:
            text: str = answer.read().decode()
            return text

    def run(self, *command: str, timeout: float = 100.0, **given: Any) -> subprocess.CompletedProcess[str]:
        """Runs a command in the environment of the head's processes."""
        return subprocess.run(
            list(command), env=self.environment, capture_output=True, text=True, timeout=timeout,
            check=False, **given,
        )  # fmt: skip

    def processes(self) -> dict[int, str]:
        """Process number and command line of all that belongs to this cluster, programs that it let in too."""
        return dict(_mentioning(str(self.folder), self.token))

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends all processes of the cluster and removes its folder."""
        if self._process is not None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=20)
            self._process.kill()
            self._process.wait()
        end = time.monotonic() + 5
        while self.processes() and time.monotonic() < end:
            time.sleep(0.1)
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)


class AutoscalingHead(RayHead):
    """A head whose autoscaler starts and ends nodes on this machine, through Ray's own fake provider of nodes.

    What `ray.cluster_utils.AutoscalingCluster` does, which itself would end every other Ray cluster of the machine.

    Args:
        node_types: for each type of node, its resources and how many there may be.
        cpus: how many CPUs the head has.
        idle_seconds: how long a node that does nothing stays.
    """

    def __init__(
        self, node_types: Mapping[str, tuple[Mapping[str, float], int]], cpus: int, idle_seconds: float
    ) -> None:
        import ray

        head_id = "f" * 51 + "00000"
        super().__init__(
            cpus,
            environment={
                "RAY_FAKE_CLUSTER": "1",
                "AUTOSCALER_UPDATE_INTERVAL_S": "1",
                "RAY_enable_autoscaler_v2": "1",
                "RAY_CLOUD_INSTANCE_ID": head_id,
                "RAY_OVERRIDE_NODE_ID_FOR_TESTING": head_id,
            },
        )
        types: dict[str, Any] = {
            name: {
                "resources": {"object_store_memory": 80_000_000, **resources},
                "node_config": {},
                "min_workers": 0,
                "max_workers": most,
            }
            for name, (resources, most) in node_types.items()
        }
        types["ray.head.default"] = {"resources": {"CPU": cpus}, "node_config": {}, "max_workers": 0}
        config = {
            "cluster_name": "weft-test",
            "max_workers": sum(most for _, most in node_types.values()),
            "idle_timeout_minutes": idle_seconds / 60,
            "upscaling_speed": 1.0,
            "provider": {
                # By its module: as a named provider it wants a file that the wheel of Ray does not carry.
                "type": "external",
                "module": "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider",
                "use_node_id_as_ip": True,
                "disable_node_updaters": True,
                "disable_launch_config_check": True,
                "launch_multiple": True,
                "head_node_id": head_id,
                "gcs_address": f"{ray.util.get_node_ip_address()}:{self.port}",
            },
            "available_node_types": types,
            "head_node_type": "ray.head.default",
            "auth": {},
            "docker": {},
            **{f"{name}_commands": [] for name in _COMMANDS},
            "file_mounts": {},
            "cluster_synced_files": [],
            "file_mounts_sync_continuously": False,
            "rsync_exclude": [],
            "rsync_filter": [],
        }
        path = self.folder / "autoscaling.json"
        path.write_text(json.dumps(config))
        self._command.append(f"--autoscaling-config={path}")


_COMMANDS = ("initialization", "setup", "head_setup", "worker_setup", "head_start_ray", "worker_start_ray")


def _mentioning(folder: str, token: str) -> Iterator[tuple[int, str]]:
    """Processes whose command line names the folder, or whose environment holds the token."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if folder.encode() in command or token.encode() in (entry / "environ").read_bytes():
                yield int(entry.name), command.replace(b"\0", b" ").decode(errors="replace")
