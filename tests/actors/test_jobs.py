"""`ray job submit` with a script that says `Session("ray")`, on a head node of the tests' own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.actors.ray_head import RayHead, wait_for

pytestmark = [pytest.mark.ray, pytest.mark.slow, pytest.mark.timeout(300)]

SCRIPT = """
import sys
import weft as tf

print("weft from", tf.__file__)
with tf.device("/job:ps/task:0"):
    w = tf.get_variable("w", initializer=0.0)
with tf.device("/job:worker/task:0"):
    x = tf.placeholder(tf.float32, [], name="x")
    loss = tf.square(w - tf.check_numerics(x, "not a number", name="checked"))
train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
small = {"CPU": 0.5}
cluster = tf.train.ClusterSpec({"ps": 1, "worker": 1}, resources={"ps": small, "worker": small})
with tf.Session("ray", cluster=cluster) as sess:
    sess.run(tf.global_variables_initializer())
    for step in range(40):
        sess.run(train, {x: 3.0})
    print(f"trained to {sess.run(w):.3f}", flush=True)
    if "fail" in sys.argv:
        sess.run(train, {x: float("nan")})
    while "forever" in sys.argv:
        sess.run(train, {x: 3.0})
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package as a wheel: the one in `dist` where it is newer than the sources, else one built for the tests."""
    root = Path(__file__).resolve().parents[2]
    sources = [
        p for part in ("weft", "graph", "kernels", "placement", "actors") for p in (root / part).rglob("*.py")
    ]
    newest = max(p.stat().st_mtime for p in sources)
    for path in (root / "dist").glob("weft-*.whl"):
        if path.stat().st_mtime >= newest:
            return path
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--wheel-dir", str(folder), str(root)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return next(folder.glob("weft-*.whl"))


@pytest.fixture(scope="module")
def head() -> Iterator[RayHead]:
    # What a wheel in `py_modules` depends on is on the nodes already; pip would bring it, and Ray itself, again.
    with RayHead(dashboard=True, environment={"PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1"}) as head:
        yield head


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "train.py").write_text(textwrap.dedent(SCRIPT))
    return folder


def job(
    head: RayHead, command: str, *arguments: str, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """`ray job COMMAND` against the head."""
    return head.run(
        str(Path(sys.executable).parent / "ray"), "job", command, "--address", head.dashboard, *arguments,
        timeout=250, cwd=cwd,
    )  # fmt: skip


def submit(
    head: RayHead, project: Path, wheel: Path, name: str, *arguments: str, wait: bool = True
) -> subprocess.CompletedProcess[str]:
    return job(
        head, "submit", "--submission-id", name, *(() if wait else ("--no-wait",)), "--working-dir", ".",
        "--runtime-env-json", json.dumps({"py_modules": [str(wheel)]}),
        "--", "python", "train.py", *arguments, cwd=project,
    )  # fmt: skip


def left_of_jobs(head: RayHead) -> list[str]:
    """Actors, placement groups and processes that a job has left on the head."""
    actors = head.get_json("/api/v0/actors?limit=1000")["data"]["result"]["result"]
    groups = head.get_json("/api/v0/placement_groups?limit=1000")["data"]["result"]["result"]
    processes = head.processes()
    return [
        *(f"actor {a['name'] or a['class_name']}" for a in actors if a["state"] != "DEAD"),
        *(f"placement group {g['name']}" for g in groups if g["state"] != "REMOVED"),
        *(
            f"process {pid}: {line}"
            for pid, line in processes.items()
            if "train.py" in line or "weft" in line[:40]
        ),
    ]


def assert_nothing_left(head: RayHead) -> None:
    end = time.monotonic() + 30
    while left_of_jobs(head) and time.monotonic() < end:
        time.sleep(0.3)
    assert not left_of_jobs(head)


def status(head: RayHead, name: str) -> dict[str, Any]:
    found: dict[str, Any] = head.get_json(f"/api/jobs/{name}")
    return found


def log_of(head: RayHead, name: str) -> str:
    text: str = head.get_json(f"/api/jobs/{name}/logs")["logs"]
    return text


def test_a_submitted_script_trains(head: RayHead, project: Path, wheel: Path) -> None:
    done = submit(head, project, wheel, "good")
    assert done.returncode == 0, done.stdout + done.stderr
    log = log_of(head, "good")
    assert "trained to 3.000" in log
    used = re.search(r"weft from (\S+)", log)
    assert used is not None
    assert "py_modules_files" in used[1], "the job ran another weft than that of the wheel"
    assert status(head, "good")["status"] == "SUCCEEDED"
    assert_nothing_left(head)


def test_a_script_that_fails(head: RayHead, project: Path, wheel: Path) -> None:
    done = submit(head, project, wheel, "bad", "fail")
    assert done.returncode != 0
    found = status(head, "bad")
    assert found["status"] == "FAILED"
    assert found["driver_exit_code"] == 1
    log = log_of(head, "bad")
    assert "trained to 3.000" in log
    assert "InvalidArgumentError" in log
    assert "not a number" in log
    assert "train.py:10" in log, "the log does not say which line of the script made the op"
    assert "/job:worker/replica:0/task:0" in log
    assert_nothing_left(head)


def test_a_job_that_is_stopped(head: RayHead, project: Path, wheel: Path) -> None:
    assert submit(head, project, wheel, "long", "forever", wait=False).returncode == 0
    wait_for(lambda: "trained to 3.000" in log_of(head, "long"), "training", 200)
    assert any("weft:" in row for row in left_of_jobs(head)), "the device actors are not seen while it runs"
    assert job(head, "stop", "long").returncode == 0
    assert status(head, "long")["status"] == "STOPPED"
    assert_nothing_left(head)


def test_the_token_is_in_no_log(head: RayHead, project: Path, wheel: Path) -> None:
    """The last of the module: whatever the jobs before have made Ray or weft write."""
    files = [
        p for p in head.folder.rglob("*") if p.is_file() and p.suffix in (".log", ".out", ".err", ".txt")
    ]
    assert any("job-driver-good" in p.name for p in files)
    guilty = [p.name for p in files if head.token.encode() in p.read_bytes()]
    assert not guilty
