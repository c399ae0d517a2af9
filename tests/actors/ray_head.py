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

__all__ = ["RayHead", "free_port", "wait_for"]


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


def _mentioning(folder: str, token: str) -> Iterator[tuple[int, str]]:
    """Processes whose command line names the folder, or whose environment holds the token."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes()
            if folder.encode() in command or token.encode() in (entry / "environ").read_bytes():
                yield int(entry.name), command.replace(b"\0", b" ").decode(errors="replace")
