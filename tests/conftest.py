"""What all tests share: groups by need, one local Ray cluster, and a check for what is left behind."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

# Read when NumPy, XLA, TensorFlow and Ray are first imported, which no line above does. One thread each:
# tests compare numbers, and many threads on few cores only get in each other's way.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # TensorFlow's own kernels are the reference
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_DEDUP_LOGS", "1")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
os.environ.setdefault("WEFT_CALIBRATION", "off")  # plans do not depend on how fast this machine is


ROOT = Path(__file__).resolve().parent.parent


# --- groups -------------------------------------------------------------------------------------------


def _missing(module: str) -> bool:
    return importlib.util.find_spec(module) is None


def _no_gpu() -> str | None:
    if shutil.which("nvidia-smi") is None:
        return "no NVIDIA GPU on this machine"
    listed = subprocess.run(["nvidia-smi", "--list-gpus"], capture_output=True, text=True, check=False)
    return None if listed.returncode == 0 and "GPU 0" in listed.stdout else "no NVIDIA GPU on this machine"


def _no_browser() -> str | None:
    if _missing("playwright"):
        return "Playwright is not installed"
    cache = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "~/.cache/ms-playwright")).expanduser()
    return None if any(cache.glob("chromium*")) else "Playwright has no browser"


_ABSENT: dict[str, Callable[[], str | None]] = {
    "ray": lambda: "Ray is not installed" if _missing("ray") else None,
    "tensorflow": lambda: "TensorFlow is not installed (extra `parity`)" if _missing("tensorflow") else None,
    "gpu": _no_gpu,
    "browser": _no_browser,
}
"""For each group of tests, why they cannot run here, or None."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips, with the reason, what needs something that this machine lacks."""
    reasons: dict[str, str | None] = {}
    for item in items:
        for group, absent in _ABSENT.items():
            if item.get_closest_marker(group) is None:
                continue
            if group not in reasons:
                reasons[group] = absent()
            if reasons[group] is not None:
                item.add_marker(pytest.mark.skip(reason=reasons[group]))


# --- clean slates -------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _fresh_graph() -> Iterator[None]:
    """Every test starts with an empty default graph and leaves no scope or session open."""
    from weft.graph.default_graph import default_graphs, reset_default_graph
    from weft.graph.session_stack import default_session

    reset_default_graph()
    yield
    assert not default_graphs.stack, "the test left a graph as default"
    assert default_session() is None, "the test left a session as default"
    reset_default_graph()


@pytest.fixture
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Python code in a process of its own, in an empty folder, with the package that is tested.

    Call it as `run_python(code, **environment)`; the process must succeed, its output is in `.stdout`.
    """

    def run(code: str, *, timeout: float = 100.0, **environment: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def tf1() -> Any:
    """TensorFlow as it was before version 2 (`tensorflow.compat.v1`), for tests marked `tensorflow`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import tensorflow.compat.v1 as tf1

    tf1.disable_v2_behavior()
    tf1.logging.set_verbosity(tf1.logging.ERROR)
    return tf1


# --- Ray ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[Any]:
    """One Ray cluster on this machine for all tests that ask for it: eight CPUs in name, no dashboard."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import ray

        ray.init(
            address="local",  # whatever clusters there may be on this machine
            num_cpus=8,
            include_dashboard=False,
            object_store_memory=200 * 2**20,
            log_to_driver=False,
            logging_level="ERROR",
            configure_logging=False,
        )
    yield ray
    ray.shutdown()


@pytest.fixture(autouse=True)
def _no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """After each test marked `ray`, no actor and no placement group of weft may be left that was not there.

    What a fixture of the module or the session holds was there before.
    """
    if request.node.get_closest_marker("ray") is None:
        yield
        return
    before = set(_of_weft(sys.modules["ray"])) if "ray" in sys.modules else set()
    yield
    if "ray" not in sys.modules:
        return
    left = _wait_until_gone(sys.modules["ray"], before, seconds=10.0)
    assert not left, f"left behind: {', '.join(left)}"


def _wait_until_gone(ray: Any, before: set[str], seconds: float) -> list[str]:
    """What of weft is new and still there after waiting: Ray takes things down in the background."""
    import time

    end = time.monotonic() + seconds
    while True:
        left = [name for name in _of_weft(ray) if name not in before]
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.05)


def _of_weft(ray: Any) -> list[str]:
    if not ray.is_initialized():
        return []
    names = [row["name"] for row in ray.util.list_named_actors(all_namespaces=True)]
    groups = ray.util.placement_group_table().values()
    return [f"actor {n}" for n in names if n.startswith("weft:")] + [
        f"placement group {g['name']}"
        for g in groups
        if g["name"].startswith("weft:") and g["state"] != "REMOVED"
    ]
